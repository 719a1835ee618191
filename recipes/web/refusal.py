"""How the server says no: as JSON to programs and the page's scripts, as a page to who opens an address."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response

_PAGE = Template((Path(__file__).parent / "static" / "refused.html").read_text(encoding="utf-8"))
SIGNED_OUT = "signed out"
_TITLES = {
    401: "You are not signed in here",
    404: "There is no such page",
    421: "This page does not answer here",
    503: "The project cannot be read now",
}
_HOW_TO_COME_IN = (
    "Open it in this browser: it is yours alone, and signs you in for 30 days.",
    "Is it lost or refused? Ask whoever runs this project for a new one. They make it, with your name, by:"
    " spanloop annotators DB reissue NAME",
    "Nothing of your work is lost: what waits in this browser is sent once you are signed in again.",
)
_ELSE = ("The correction page is at the address without anything behind the port.",)


def refuse(message: str, status: int, reason: str = "") -> JSONResponse:
    """An error the page can show, ``{"error": message}``, with a ``reason`` where it can act upon it."""
    return JSONResponse(
        {"error": _shown(message), **({"reason": reason} if reason else {})}, status_code=status
    )


def refuse_asker(headers: Headers, message: str, status: int, reason: str = "") -> Response:
    """The same to whoever asked: a page to a browser that opens an address, JSON to everybody else."""
    if not wants_a_page(headers):
        return refuse(message, status, reason)
    shown = _shown(message)
    title = _TITLES.get(status, "This cannot be shown")
    steps = _HOW_TO_COME_IN if status == 401 else _ELSE if status == 404 else ()
    return HTMLResponse(
        _PAGE.substitute(
            title=escape(title),
            message=escape(shown[:1].upper() + shown[1:]),
            steps="".join(f"<li>{escape(step)}</li>" for step in steps),
        ),
        status_code=status,
    )


def wants_a_page(headers: Headers) -> bool:
    """Whether ``Accept`` names HTML, as browsers do where somebody opens an address; scripts leave it out."""
    for part in headers.get("accept", "").split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if kind == "text/html":
            return not any(parameter.replace(" ", "") in ("q=0", "q=0.0") for parameter in parameters)
    return False


def _shown(message: str) -> str:
    return message.encode("utf-8", "replace").decode()  # it may quote half a surrogate pair
