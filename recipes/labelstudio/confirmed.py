"""Which Label Studio this person has confirmed on this machine: only there does the access token go.

A project file may come from anybody, and with it the address that stands in it. What was confirmed is kept in
the user's configuration folder, never in a project file. Naming an address on the command line confirms it.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock
from platformdirs import user_config_path

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.messages import reason
from spanloop.store.files.atomic import whole_file

LOCK_SECONDS = 10.0


def file_of_confirmed() -> Path:
    """Where it is kept: ``~/.config/spanloop/label-studio.json`` on Linux."""
    return user_config_path("spanloop", appauthor=False) / "label-studio.json"


def is_confirmed(address: str, source: str) -> bool:
    """Whether this person has named that address on this machine for that project there (``labelstudio/3``).

    ``address`` as ``address_of`` writes it. RecipeError for a file that cannot be read.
    """
    return source in _read(file_of_confirmed()).get(address, ())


def confirm(address: str, source: str) -> None:
    """Remember that this person has named it. RecipeError where that cannot be written."""
    path = file_of_confirmed()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), timeout=LOCK_SECONDS):
            known = _read(path)
            if source not in known.get(address, ()):
                _write(path, {**known, address: sorted({*known.get(address, ()), source})})
    except OSError as error:  # a lock that is held for too long is one, too
        raise RecipeError(
            f"{path} cannot be written, which keeps what you confirm: {reason(error)}"
        ) from error


def _read(path: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(path, reason(error)) from error
    confirmed = found.get("confirmed") if isinstance(found, dict) else None
    if not isinstance(confirmed, dict) or not all(
        isinstance(sources, list) and all(isinstance(source, str) for source in sources)
        for sources in confirmed.values()
    ):
        raise _broken(path, "it has no addresses with a list of projects each")
    return confirmed


def _broken(path: Path, why: str) -> RecipeError:
    return RecipeError(
        f"{path} cannot be read ({why}): delete it, then name your Label Studio with --url again"
    )


def _write(path: Path, confirmed: dict[str, list[str]]) -> None:
    """The whole file or the one before, whenever the process ends; only its owner may read it."""
    with whole_file(path, private=True) as part:
        part.write_text(json.dumps({"confirmed": confirmed}, indent=2), encoding="utf-8")


DEFAULT_PORTS = {"http": 80, "https": 443}


def address_of(url: str) -> str:
    """The address with scheme and host in small letters, without the usual port and a slash at the end.

    RecipeError for what is no address of a web server: another scheme than http or https, no host, a user or
    a password, a query, a fragment, characters that no address has.
    """
    refusal = RecipeError(f"{url!r} is no address of a Label Studio, such as http://localhost:8080")
    if not url.isascii() or not url.isprintable() or any(letter in url for letter in ' \\"<>^`{|}?#@'):
        raise refusal
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise refusal from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise refusal
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}{parts.path.rstrip('/')}"
