"""A client of Label Studio's REST API, as far as keeping a project in step needs it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from spanloop.recipes.errors import RecipeError

API_KEY = "LABEL_STUDIO_API_KEY"
"""The environment variable with the access token, legacy or personal."""

PAGE = 100  # tasks a request
ACCESS_SECONDS = 200.0  # an access token made from a personal one lives for 300
CLOCK_SECONDS = 2.0  # HTTP dates have whole seconds

LOCAL_REFUSED = (
    "Label Studio refuses addresses on this machine and in private networks. Start it with "
    "USE_DEFAULT_BANNED_SUBNETS=False USER_ADDITIONAL_BANNED_SUBNETS=169.254.0.0/16 in its environment "
    "(or ML_BLOCK_LOCAL_IP=False SSRF_PROTECTION_ENABLED=False), or give the backend a public address"
)


class ApiError(RecipeError):
    """Label Studio answered that it will not; ``status`` is HTTP's."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


class LabelStudio:
    """One Label Studio, spoken to with one person's token. Close it or use ``with``.

    RecipeError for an address that is none or does not answer; ApiError for a refusal. Neither shows the
    token.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise RecipeError(f"{url!r} is no address of a Label Studio, such as http://localhost:8080")
        self.url = url.rstrip("/")
        self._key = (key or os.environ.get(API_KEY, "")).strip()
        if not self._key:
            raise RecipeError(
                f"put your access token of Label Studio (Account & Settings) into the variable {API_KEY}"
            )
        self._client = httpx.Client(base_url=self.url, timeout=120)
        self._access = ""
        self._renewed = float("-inf")
        self.asked_at: str | None = None

    def __enter__(self) -> LabelStudio:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON at that path."""
        return self._call("GET", path, parameters=parameters)

    def post(self, path: str, body: Any, **parameters: Any) -> Any:
        """What comes back for that JSON."""
        return self._call("POST", path, body, parameters)

    def patch(self, path: str, body: Any) -> Any:
        """What comes back for that change."""
        return self._call("PATCH", path, body)

    def project(self, number: int) -> dict[str, Any]:
        """The project of that number."""
        try:
            found: dict[str, Any] = self.get(f"/api/projects/{number}/")
        except ApiError as error:
            if error.status == 404:
                raise RecipeError(
                    f"there is no project {number} at {self.url} that this token may see"
                ) from error
            raise
        return found

    def tasks(self, project: int, since: str | None = None) -> Iterator[list[dict[str, Any]]]:
        """The tasks of a project with annotations and predictions, a page at a time; ``since``: only those
        that changed at that moment of its clock or later. ``asked_at`` is its clock at the first page."""
        parameters: dict[str, Any] = {"project": project, "fields": "all", "page_size": PAGE}
        if since is not None:
            changed = {
                "filter": "filter:tasks:updated_at",
                "operator": "greater_or_equal",
                "type": "Datetime",
                "value": since,
            }
            parameters["query"] = json.dumps({"filters": {"conjunction": "and", "items": [changed]}})
        self.asked_at = None
        seen = 0
        for page in range(1, 1_000_000):
            found = self.get("/api/tasks", page=page, **parameters)
            tasks: list[dict[str, Any]] = found["tasks"]
            if tasks:
                yield tasks
            seen += len(tasks)
            if not tasks or seen >= found["total"]:
                return

    def _call(
        self, method: str, path: str, body: Any = None, parameters: Mapping[str, Any] | None = None
    ) -> Any:
        response = self._send(method, path, body, parameters)
        if response.status_code == 401 and self._is_personal():
            self._renewed = float("-inf")
            response = self._send(method, path, body, parameters)
        if response.is_success:
            self._note_clock(response)
            return response.json() if response.content else None
        raise self._refusal(response, method, path)

    def _send(
        self, method: str, path: str, body: Any, parameters: Mapping[str, Any] | None
    ) -> httpx.Response:
        headers = {"authorization": self._authorization()}
        return self._reach(method, path, json=body, params=parameters, headers=headers)

    def _reach(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise RecipeError(f"no answer from Label Studio at {self.url}: {error}") from error

    def _is_personal(self) -> bool:
        """A personal access token is a JSON web token; a legacy one is 40 letters."""
        return self._key.count(".") == 2

    def _authorization(self) -> str:
        if not self._is_personal():
            return f"Token {self._key}"
        if time.monotonic() - self._renewed > ACCESS_SECONDS:
            response = self._reach("POST", "/api/token/refresh/", json={"refresh": self._key})
            if not response.is_success:
                raise ApiError(
                    response.status_code,
                    f"Label Studio at {self.url} refuses the personal access token in {API_KEY}: make a "
                    "new one under Account & Settings",
                )
            self._access = str(response.json()["access"])
            self._renewed = time.monotonic()
        return f"Bearer {self._access}"

    def _note_clock(self, response: httpx.Response) -> None:
        if self.asked_at is None and "date" in response.headers:
            moment = parsedate_to_datetime(response.headers["date"]).astimezone(timezone.utc)
            moment -= timedelta(seconds=CLOCK_SECONDS)
            self.asked_at = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # the one form its filter takes

    def _refusal(self, response: httpx.Response, method: str, path: str) -> ApiError:
        status = response.status_code
        if status == 401:
            return ApiError(
                status,
                f"Label Studio at {self.url} refuses the token in {API_KEY}. Legacy tokens may be switched "
                "off there: make a personal access token under Account & Settings",
            )
        if response.is_redirect:
            return ApiError(
                status, f"{self.url} sends us to {response.headers['location']}: give that as --url"
            )
        detail = _detail(response)
        if status == 403 and "reserved network address" in detail:
            return ApiError(status, LOCAL_REFUSED)
        return ApiError(status, f"Label Studio refused {method} {path} ({status}): {detail}")


def _detail(response: httpx.Response) -> str:
    """What it says is wrong, in one line."""
    try:
        told = response.json()
    except ValueError:
        return response.reason_phrase
    if not isinstance(told, dict):
        return str(told)[:300]
    detail = str(told.get("detail", told))
    errors = told.get("validation_errors")
    return (f"{detail}: {errors}" if errors else detail).replace("\n", " ")[:300]
