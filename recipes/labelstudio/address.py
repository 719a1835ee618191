"""Where a Label Studio is: one way of writing each address, so that two can be compared."""

from __future__ import annotations

from urllib.parse import urlsplit

from spanloop.recipes.errors import RecipeError

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
