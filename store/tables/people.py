"""People: those who may correct over a network, each with a secret token of which only the hash is stored."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import TYPE_CHECKING

from spanloop.store.clock import now
from spanloop.store.errors import StoreError

if TYPE_CHECKING:
    from spanloop.store.store import Store


class Annotators:
    """``store.annotators``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, name: str) -> str:
        """Let a person in and return their token, which nobody can read again.

        Raises StoreError for a name in use.
        """
        check_annotator(name)
        token = secrets.token_urlsafe(24)
        with self._store.write():
            if name in self.names():
                raise StoreError(
                    f"annotator {name!r} is there already: `annotators reissue {name}` makes a new link"
                )
            self._store.run("INSERT INTO annotators VALUES (?, ?, ?)", (name, _hash(token), now()))
        return token

    def reissue(self, name: str) -> str:
        """Give a person a new token in place of the old one, which lets nobody in any more.

        Raises StoreError for a name that nobody has.
        """
        token = secrets.token_urlsafe(24)
        with self._store.write():
            changed = self._store.run(
                "UPDATE annotators SET token_hash = ? WHERE name = ?", (_hash(token), name)
            ).rowcount
            if not changed:
                raise StoreError(self._nobody(name))
        return token

    def by_token(self, token: str) -> str | None:
        """Whose token this is."""
        row = self._store.row("SELECT name FROM annotators WHERE token_hash = ?", (_hash(token),))
        return None if row is None else str(row[0])

    def names(self) -> list[str]:
        """All named annotators."""
        return [row[0] for row in self._store.rows("SELECT name FROM annotators ORDER BY name")]

    def remove(self, name: str) -> None:
        """Let a person in no more; their annotations stay."""
        with self._store.write():
            if not self._store.run("DELETE FROM annotators WHERE name = ?", (name,)).rowcount:
                raise StoreError(self._nobody(name))

    def _nobody(self, name: str) -> str:
        return f"there is no annotator {name!r}, only {', '.join(self.names()) or 'none yet'}"


def check_annotator(name: str) -> None:
    """Raise StoreError for a name that cannot be shown."""
    if not name.strip() or not name.isprintable():
        raise StoreError(f"an annotator needs a name that can be shown, not {name!r}")


def _hash(token: str) -> str:
    # the token is 192 random bits: nothing slower than a plain hash is needed
    return sha256(token.encode("utf-8", "replace")).hexdigest()
