"""UIMA's CAS as XMI or JSON, as INCEpTION, DKPro, cTAKES and other pipelines of UIMA write it: a file is a
document, with the type system beside it (XMI) or inside (JSON).

Which annotations are the spans is found as `uima_layers` says it, and told; all others are counted and told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.placing import NO_VALUE
from spanloop.recipes.formats.uima import TYPE_SYSTEM, load
from spanloop.recipes.formats.uima_layers import ENTITY, METADATA, TOKEN, chosen, unread
from spanloop.recipes.formats.xmi_writing import METADATA_FEATURES, NOT_IN_XML, write
from spanloop.store.records import Range, Span

if TYPE_CHECKING:
    from cassis import Cas

SUFFIX = ".xmi"
INSIDE = "begins or ends inside a character"
FIRST_VIEW = "_InitialView"
CURATOR, NOBODY = "CURATION_USER", "INITIAL_CAS"
"""Whom INCEpTION names where several people's work was put together, and where nobody has begun."""
_JSON = re.compile(r'\s*\{\s*"%(TYPES|FEATURE_STRUCTURES|VIEWS)"\s*:')


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a text of the file, which is nearly always one.

    RecipeError without dkpro-cassis; FormatError for what is no CAS, and where it cannot be told which
    annotations are the spans.
    """
    for part in parts(path) if path.is_dir() else [path]:
        loaded = load(part, options.notes)
        texts = [sofa for sofa in loaded.cas.sofas if sofa.sofaString is not None]
        if not texts:
            raise FormatError(part, None, "there is no text in it")
        for sofa in texts:
            entry = _entry(part, loaded.cas.get_view(sofa.sofaID), loaded.inside, options)
            first = sofa.sofaID == FIRST_VIEW or len(texts) == 1
            yield entry if first else replace(entry, key=f"{entry.key}#{sofa.sofaID}", group=entry.key)


def parts(folder: Path) -> Sequence[Path]:
    """The files that stand for a document each, in the order of their names."""
    return sorted(path for path in folder.rglob(f"*{SUFFIX}") if not path.name.startswith("."))


def is_corpus(folder: Path) -> bool:
    """Whether XMI files lie in the folder."""
    return any(folder.glob(f"*{SUFFIX}"))


def _entry(path: Path, view: Cas, inside: frozenset[int], options: ReadOptions) -> Entry:
    text = view.sofa_string or ""
    layers = chosen(path, view, options)
    spans: list[Span] = []
    refused: list[tuple[Span, str]] = []
    for layer in layers:
        if layer.type.name != ENTITY:
            options.notes.add(f"labels are read from {layer.short}")
        for annotation in view.select(layer.type):
            label, place = layer.label_of(annotation), _place(annotation)
            if label is None:
                refused.append((Span(*place, "*"), NO_VALUE))
            elif annotation.xmiID in inside:
                refused.append((Span(*place, label), INSIDE))
            else:
                spans.append(Span(*place, label))
    for name, number in unread(view, layers):
        options.notes.add(f"annotations of {name} are not read: --columns {name} reads them", number)
    spans.sort(key=lambda span: (span.start, span.end, span.label))
    return replace(
        _about(path, view, options),
        text=text,
        spans=tuple(spans),
        refused=tuple(refused),
        tokens=_tokens(view, len(text)),
        opened=bool(spans or refused),
    )


def _place(annotation: Any) -> Range:
    """Where it lies; one without a place covers nothing, which is then the reason that it is set apart."""
    return annotation.begin or 0, annotation.end or 0


def _tokens(view: Cas, length: int) -> tuple[Range, ...] | None:
    """The tokens that DKPro and INCEpTION cut; None where there are no such, or they lie over each other."""
    if not view.typesystem.contains_type(TOKEN):
        return None
    found = sorted(map(_place, view.select(TOKEN)))
    edges = [0, *(edge for token in found for edge in token), length]
    apart = edges == sorted(edges) and all(start < end for start, end in found)
    return tuple(found) if found and apart else None


def _about(path: Path, view: Cas, options: ReadOptions) -> Entry:
    """Key and annotator: the document's title, and in INCEpTION's exports who the file is of."""
    known = view.typesystem.contains_type(METADATA)
    for about in view.select(METADATA) if known else ():
        said = {name: getattr(about, name, None) for name in METADATA_FEATURES}
        title, owner, slug = said["documentTitle"], said["documentId"], said["documentBaseUri"]
        key = title or owner or Path(options.name_of(path)).stem
        inception = (
            owner and slug and (said["documentUri"], said["collectionId"]) == (f"{slug}/{title}", slug)
        )
        if not inception or owner == NOBODY:
            return Entry(text="", key=key)
        return Entry(text="", key=key, annotator=owner, origin="review" if owner == CURATOR else None)
    return Entry(text="", key=Path(options.name_of(path)).stem)


def sniff(head: str) -> bool:
    """XMI of a CAS, or its JSON."""
    return ('"http://www.omg.org/XMI"' in head and "http:///uima/cas.ecore" in head) or _JSON.match(
        head
    ) is not None


FORMAT = Format(
    name="xmi",
    suffixes=(SUFFIX,),
    read=read,
    write=write,
    sniff=sniff,
    needs_tokens=True,
    foreign=True,
    folder=is_corpus,
    written=(TYPE_SYSTEM, f"*{SUFFIX}"),
    parts=parts,
    carries=frozenset({"spans", "empty_documents", "ids", "blanks"}),
    cannot_hold=NOT_IN_XML,
    title="UIMA's CAS as XMI and as JSON (INCEpTION, DKPro, cTAKES)",
    detected="http:///uima/cas.ecore in the first lines, or a JSON object with %TYPES",
    skips=("relations, links and further layers, which are counted",),
    tried="what dkpro-cassis writes and reads, and files written from INCEpTION's source text",
    extra="xmi",
)
