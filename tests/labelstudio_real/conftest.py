"""A real Label Studio in a virtual environment of its own, which ``make test-labelstudio`` installs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.processes import PATIENCE_SECONDS, wait_for

BINARY = os.environ.get("SPANLOOP_LABEL_STUDIO")
TOKEN = "0123456789abcdef0123456789abcdef01234567"
EMAIL, PASSWORD = "bot@example.com", "Passw0rd!x"
QUIET = {
    "COLLECT_ANALYTICS": "False",
    "LATEST_VERSION_CHECK": "False",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "FEATURE_FLAGS_OFFLINE": "True",
    "LOG_LEVEL": "WARNING",
}
ALLOW_LOCAL = {"USE_DEFAULT_BANNED_SUBNETS": "False", "USER_ADDITIONAL_BANNED_SUBNETS": "169.254.0.0/16"}


@dataclass(frozen=True)
class Studio:
    """A running Label Studio: its address, a client of its API, and the folder with its data."""

    url: str
    api: httpx.Client
    data: Path

    def get(self, path: str, **parameters: Any) -> Any:
        return self._answer(self.api.get(path, params=parameters))

    def post(self, path: str, body: Any, **parameters: Any) -> Any:
        return self._answer(self.api.post(path, json=body, params=parameters))

    def patch(self, path: str, body: Any) -> Any:
        return self._answer(self.api.patch(path, json=body))

    def _answer(self, response: httpx.Response) -> Any:
        assert response.is_success, response.text
        return response.json() if response.content else None


def free_port() -> int:
    """Label Studio takes another port in silence where the one it was given is in use."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(data: Path, settings: dict[str, str]) -> Iterator[Studio]:
    assert BINARY is not None
    port = free_port()
    command = [
        str(Path(BINARY).absolute()), "start", "--no-browser", "--data-dir", str(data),
        "--internal-host", "127.0.0.1", "--port", str(port), "--username", EMAIL, "--password", PASSWORD,
        "--user-token", TOKEN, "--enable-legacy-api-token",
    ]  # fmt: skip
    data.mkdir(exist_ok=True)
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, **QUIET, **settings}
    with (data / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=data)
        try:
            wait_for(lambda: _is_up(url, process, data))
            headers = {"authorization": f"Token {TOKEN}"}
            with httpx.Client(base_url=url, headers=headers, timeout=PATIENCE_SECONDS) as api:
                yield Studio(url, api, data)
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _is_up(url: str, process: subprocess.Popen[bytes], data: Path) -> bool:
    assert process.poll() is None, (data / "log").read_text()[-2000:]
    try:
        return httpx.get(f"{url}/health", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(autouse=True)
def configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test confirms stays in the test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """Label Studio as its users would start it to let it ask a backend on the same machine."""
    if BINARY is None or shutil.which(BINARY) is None:
        pytest.skip("no Label Studio here: make test-labelstudio installs one and runs this")
    data = tmp_path_factory.mktemp("studio") / "data"
    if made := os.environ.get("SPANLOOP_LABEL_STUDIO_DATA"):  # an empty one, to save the minute of its making
        shutil.copytree(made, data)
    with running(data, ALLOW_LOCAL) as started:
        yield started
