"""The people who may correct over a network, each with a secret of their own."""

from __future__ import annotations

import io
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from spanloop.recipes.calls.ranges import FromOne, Port
from spanloop.recipes.report import UNTOLD, Report
from spanloop.store import Store

PORT = 8765
NOWHERE = "HOST"
_LIGHT_ON_DARK = "\x1b[97;40m{}\x1b[0m"  # whatever colours the terminal has: cameras want dark on light


@dataclass(frozen=True, slots=True)
class Annotators(Report):
    """Who may come in."""

    annotators: tuple[str, ...]
    """Their names."""
    link: str | None = None
    """The secret link of a new one, shown this once: the store keeps only its hash."""
    note: str = ""
    """What has to be done before the link works elsewhere."""
    code: str | None = field(default=None, metadata=UNTOLD)
    """The link as a QR code of half blocks, where it was asked for."""

    def text(self) -> str:
        if self.link is None:
            return "\n".join(self.annotators) or "nobody is named: on this machine everyone may correct"
        lines = [self.link, *([self.code] if self.code else [])]
        lines.append("This link is shown only now: give it to that person alone.")
        return "\n".join([*lines, *([self.note] if self.note else [])])


def annotators(db: str | Path) -> Annotators:
    """The people who may correct over a network.

    Args:
        db: The project file.

    Returns:
        Everyone who is named.

    Raises:
        StoreError: There is no such project.
    """
    with Store.open(db) as store:
        return Annotators(tuple(store.annotators.names()))


def add_annotator(
    db: str | Path, name: str, *, host: str | None = None, port: Port | None = None, qr: bool = False
) -> Annotators:
    """Let a person in.

    Args:
        db: The project file.
        name: The person.
        host: Where the page is served, for the link; None: where it was served last.
        port: Its port, likewise.
        qr: Show the link as a QR code too.

    Returns:
        Everyone who is named, and the link that lets this one in.

    Raises:
        StoreError: The name is taken or cannot be one.
    """
    with Store.open(db) as store:
        return _with_link(store, store.annotators.add(name), host, port, qr)


def reissue_annotator(
    db: str | Path, name: str, *, host: str | None = None, port: Port | None = None, qr: bool = False
) -> Annotators:
    """A new link for a person; from now on the old one and what was signed in with it let nobody in.

    Args:
        db: The project file.
        name: The person.
        host: Where the page is served, for the link; None: where it was served last.
        port: Its port, likewise.
        qr: Show the link as a QR code too.

    Returns:
        Everyone who is named, and the new link.

    Raises:
        StoreError: Nobody of that name is let in.
    """
    with Store.open(db) as store:
        return _with_link(store, store.annotators.reissue(name), host, port, qr)


def remove_annotator(db: str | Path, name: str) -> Annotators:
    """Let a person in no more; their annotations stay.

    Args:
        db: The project file.
        name: The person.

    Returns:
        Everyone who is still named.

    Raises:
        StoreError: Nobody of that name is let in.
    """
    with Store.open(db) as store:
        store.annotators.remove(name)
        return Annotators(tuple(store.annotators.names()))


def set_overlap(db: str | Path, people: FromOne) -> None:
    """Give every document to so many people, from now on; the queue is opened again where that is more.

    Args:
        db: The project file.
        people: How many people answer each document.

    Returns:
        Nothing.

    Raises:
        StoreError: There is no such project.
    """
    with Store.open(db) as store:
        store.set_project(overlap=people)


def qr_code(link: str) -> str:
    """The link as a QR code of half blocks, for a terminal."""
    import segno  # only where somebody wants it

    drawn = io.StringIO()
    segno.make(link, error="m", micro=False).terminal(out=drawn, compact=True, border=2)
    return "\n".join(_LIGHT_ON_DARK.format(line) for line in drawn.getvalue().splitlines())


def _with_link(store: Store, token: str, host: str | None, port: int | None, qr: bool) -> Annotators:
    served = urlsplit(store.project.page_url or "")
    name = host or served.hostname or NOWHERE
    port = port or served.port or PORT
    link = f"http://{f'[{name}]' if ':' in name else name}:{port}/enter?token={token}"
    code = qr_code(link) if qr else None
    return Annotators(tuple(store.annotators.names()), link, _note(store, name), code)


def _note(store: Store, host: str) -> str:
    """What has to be done before the link works elsewhere."""
    serve = f"`spanloop correct {store.named} --host 0.0.0.0`"
    if host == NOWHERE:
        return (
            f"The page has not been served yet: put its machine in place of {NOWHERE}, or run {serve} first."
        )
    try:
        alone = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        alone = False
    return f"It works on this machine alone: {serve} serves the network, then reissue it." if alone else ""
