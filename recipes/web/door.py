"""Who comes in: looked at anew for every request, since people come and go while the page runs."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from spanloop.recipes.web.guard import is_loopback
from spanloop.recipes.web.settings import PageSettings
from spanloop.store import Store


@dataclass(frozen=True, slots=True)
class Door:
    """Open to everybody only on this machine, and only while there is neither a shared token nor a name."""

    store: Store
    settings: PageSettings

    def annotator(self, token: str | None) -> str | None:
        """Whose request it is that brings this token, or none; None: nobody's who may come in."""
        if not self._asks():
            return self.settings.annotator if is_loopback(self.settings.host) else None
        return None if token is None else self.by_link(token)

    def by_link(self, token: str) -> str | None:
        """Whom the link with this token lets in."""
        shared = self.settings.token
        if shared is not None and hmac.compare_digest(token.encode(), shared.encode()):
            return self.settings.annotator
        return self.store.annotators.by_token(token)

    def _asks(self) -> bool:
        return self.settings.token is not None or bool(self.store.annotators.names())
