"""What the page may ask of the store, each part from the annotator and the request to values ready for
JSON."""

from __future__ import annotations

from collections.abc import Callable

from spanloop.recipes.web.dealing import Dealing
from spanloop.recipes.web.elsewhere import Elsewhere
from spanloop.recipes.web.finding import Finding
from spanloop.recipes.web.lists import Lists
from spanloop.recipes.web.overview import Overview
from spanloop.recipes.web.reach import Reach
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
        sittings = Sittings()
        reach = Reach(store, settings)
        self.overview = Overview(store, settings)
        self.dealing = Dealing(store, reach, sittings, self.overview, ask_tokens)
        self.submitting = Submitting(store, reach, self.overview)
        self.finding = Finding(store, reach, sittings, Elsewhere(store, reach))
        self.lists = Lists(store, reach, self.dealing)
