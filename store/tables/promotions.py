"""The history of promotions: which round was put to use after which, and the way back along it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanloop.store.clock import now
from spanloop.store.errors import StoreError

if TYPE_CHECKING:
    from spanloop.store.store import Store

NOTHING = "no other round has been promoted before: there is nothing to go back to"


class Promotions:
    """``store.promotions``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, number: int) -> None:
        """Note that the round has just been promoted, whatever was promoted before."""
        with self._store.write():
            self._store.run("INSERT INTO promotions(round, created_at) VALUES (?, ?)", (number, now()))

    def go_back(self, number: int) -> None:
        """Note that the project has gone back to the round.

        Raises:
            StoreError: It does not lie behind the promoted one.
        """
        with self._store.write():
            ways = [row for row in self._way()[:-1] if row[1] == number]
            if not ways:
                raise StoreError(f"round {number} was not promoted before the present one")
            self._store.run(
                "INSERT INTO promotions(round, created_at, back_to) VALUES (?, ?, ?)",
                (number, now(), ways[-1][0]),
            )

    def behind(self) -> list[int]:
        """The rounds that were promoted before the present one, each once, the nearest first. A round that
        was left by going back does not lie behind any more."""
        way = [number for _, number in self._way()]
        return list(dict.fromkeys(number for number in reversed(way) if number != way[-1]))

    def _way(self) -> list[tuple[int, int]]:
        """The promotions that led to the present one, itself the last: each as its id and its round."""
        way: list[tuple[int, int]] = []
        for promotion, number, back_to in self._store.rows(
            "SELECT id, round, back_to FROM promotions ORDER BY id"
        ):
            if back_to is None:
                way.append((promotion, number))
                continue
            while way and way[-1][0] != back_to:
                way.pop()
        return way
