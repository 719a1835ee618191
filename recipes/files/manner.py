"""How files are imported: one value for everything that may be said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from spanloop.recipes.files.entry_checks import As, Overlaps
from spanloop.recipes.formats.counting import Kind
from spanloop.recipes.formats.entry import Format, Unit
from spanloop.store.records import Split

OnConflict = Literal["error", "skip", "new-key"]


@dataclass(frozen=True, slots=True)
class Manner:
    """The options of `import_files`.

    ``annotator``: where the file names nobody, the answers count as those that this person gives at the page;
    without one they stand below people's, but where people had said otherwise before, they are put beside
    theirs. ``only_labels``: of others the answers say nothing, and what the same person, or else the gold,
    has of them stays. ``on_conflict``: ``skip`` leaves out all that is said of such a document, ``new-key``
    puts the name of the file before the key. ``overlaps``: ``longest``: the longest first, ties by start;
    ``none`` of them; ``error``: the file is refused. Those that go are in the ledger.
    """

    format: str | None = None
    split: Literal["auto", "pool", "eval"] = "auto"
    dev: Split = "pool"
    as_: As = "auto"
    annotator: str | None = None
    only_labels: Sequence[str] | None = None
    add_labels: bool = False
    on_conflict: OnConflict = "error"
    overlaps: Overlaps | None = None
    accept_overlaps: bool = False
    accept_empty: bool = False
    offsets: Kind = "codepoint"
    by: Unit | None = None
    columns: Sequence[str] | None = None
    tag_names: Sequence[str] | None = None
    encoding: str | None = None
    near_duplicates: bool = True

    @property
    def counts_tokens(self) -> bool:
        """Whether offsets are numbers of tokens."""
        return self.offsets in ("token", "token-inclusive")

    def rule(self, fmt: Format) -> Overlaps:
        """Which of the spans that overlap stay, in a file of this format."""
        return self.overlaps or ("longest" if fmt.foreign or self.accept_overlaps else "error")

    def said(self) -> Mapping[str, Any]:
        """What is not the default, as JSON has it."""
        given = asdict(self)
        return {f.name.strip("_"): given[f.name] for f in fields(self) if given[f.name] != f.default}
