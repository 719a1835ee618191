"""What the page may ask of the store, each part from the annotator and the request to values ready for
JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from spanloop.recipes.web.dealing import Dealing
from spanloop.recipes.web.elsewhere import Elsewhere
from spanloop.recipes.web.finding import Finding
from spanloop.recipes.web.overview import Overview
from spanloop.recipes.web.settings import PageSettings
from spanloop.recipes.web.sittings import Sittings
from spanloop.recipes.web.submitting import Submitting
from spanloop.store import Store


class Desk:
    """The page's side of one store. Thread-safe as far as the store is."""

    def __init__(
        self,
        store: Store,
        settings: PageSettings,
        *,
        ask_tokens: Callable[[int], bool],
    ) -> None:
        self.uid = hashlib.sha256(str(store.path).encode()).hexdigest()[:16]
        sittings = Sittings()
        self.overview = Overview(store, settings, self.uid)
        self.dealing = Dealing(store, settings, sittings, self.overview, ask_tokens)
        self.submitting = Submitting(store, settings, self.overview)
        elsewhere = Elsewhere(store, settings.split, settings.blind)
        self.finding = Finding(store, sittings, elsewhere, self.dealing)
