"""How the correction page is served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spanloop.store.records import Split

View = Literal["document", "binary"]
Ignored = Literal["never", "last"]
Mode = Literal["ordinary", "blind", "review", "blind review", "yes/no review"]


@dataclass(frozen=True, slots=True)
class PageSettings:
    """``token``: a secret that lets in as ``annotator``; ``only``: the one label ``binary`` asks about;
    ``review``: the documents that wait for review, and answers that have the last word; ``ignored``: whether
    what was set aside comes again when nothing is open any more."""

    host: str = "127.0.0.1"
    annotator: str = "me"
    token: str | None = None
    split: Split = "pool"
    strategy: str | None = None
    blind: bool = False
    view: View = "document"
    only: str | None = None
    review: bool = False
    ignored: Ignored = "never"

    @property
    def yes_no_review(self) -> bool:
        """Whether single suggestions are decided on documents that are gold: what the gold says stays."""
        return self.review and self.view == "binary"

    @property
    def mode(self) -> Mode:
        """How answers are given here; see ``session.OPTIONS``."""
        if self.yes_no_review:
            return "yes/no review"
        if self.review:
            return "blind review" if self.blind else "review"
        return "blind" if self.blind else "ordinary"
