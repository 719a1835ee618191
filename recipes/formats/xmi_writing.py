"""A folder of XMI files as INCEpTION and DKPro read them: a file a document, ``TypeSystem.xml`` beside them.

Spans are named entities (in a tags project parts of speech); tokens and sentences are written too, so that no
other tokens are made where the files are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.entry import Entry, WriteOptions, Written
from spanloop.recipes.formats.folder_names import FolderNames
from spanloop.recipes.formats.tagged import column_tokens
from spanloop.recipes.formats.uima import STRING, TYPE_SYSTEM, needs_cassis
from spanloop.recipes.formats.uima_layers import ENTITY, METADATA, PART, SENTENCE, TOKEN
from spanloop.store.records import Range

if TYPE_CHECKING:
    from cassis import TypeSystem

NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 can have, however they are spelled."""
_BLANKS = re.compile(r"\s+")
METADATA_FEATURES = ("documentTitle", "documentId", "documentUri", "collectionId", "documentBaseUri")


def write(path: Path, entries: Iterable[Entry], options: WriteOptions) -> Written:
    """Fill the folder ``path``, which is there and empty. A token is cut where a span begins or ends inside
    it, and counted.

    Raises:
        RecipeError: dkpro-cassis is not here, an entry has no tokens, or a character that XML cannot hold.
    """
    needs_cassis("is written")
    types = type_system()
    types.to_xml(path / TYPE_SYSTEM)
    documents = spans = cuts = 0
    names = FolderNames()
    for entry in entries:
        _refuse_letters(entry)
        tokens = column_tokens(entry, _BLANKS)
        cas = _cas(types, entry, tokens, options)
        cas.to_xmi(path / f"{names.take(entry.key, documents)}.xmi")
        documents, spans = documents + 1, spans + len(entry.spans or ())
        cuts += len(tokens) - len(entry.tokens or ())
    return Written(documents=documents, spans=spans, tokens_cut=cuts)


def type_system() -> TypeSystem:
    """The types that are written, as DKPro Core has them."""
    from cassis import TypeSystem

    types = TypeSystem()
    features = {
        METADATA: dict.fromkeys(METADATA_FEATURES, STRING),
        PART: dict.fromkeys(("PosValue", "coarseValue"), STRING),
        TOKEN: {"pos": PART},
        SENTENCE: {},
        ENTITY: dict.fromkeys(("value", "identifier"), STRING),
    }
    for name, own in features.items():
        made = types.create_type(
            name, "uima.tcas.DocumentAnnotation" if name == METADATA else "uima.tcas.Annotation"
        )
        for feature, kind in own.items():
            types.create_feature(made, feature, kind)
    return types


def _cas(types: TypeSystem, entry: Entry, tokens: Sequence[Range], options: WriteOptions) -> Any:
    from cassis import Cas

    cas = Cas(types)
    cas.sofa_string, cas.sofa_mime = entry.text, "text/plain"
    about = types.get_type(METADATA)
    cas.add(
        about(
            begin=0,
            end=len(entry.text),
            language="x-unspecified",
            documentTitle=entry.key,
            documentId=entry.key,
        )
    )
    tags = options.task == "tags"
    kind, feature = types.get_type(PART if tags else ENTITY), "PosValue" if tags else "value"
    marked = {
        (s.start, s.end): kind(begin=s.start, end=s.end, **{feature: s.label}) for s in entry.spans or ()
    }
    token = types.get_type(TOKEN)
    cas.add_all(
        types.get_type(SENTENCE)(begin=start, end=end) for start, end in _sentences(entry.text, tokens)
    )
    cas.add_all(
        token(begin=start, end=end, pos=marked.get((start, end)) if tags else None) for start, end in tokens
    )
    cas.add_all(marked.values())
    return cas


def _sentences(text: str, tokens: Sequence[Range]) -> Iterator[Range]:
    """A sentence a line, from its first token to its last: INCEpTION shows one below the other."""
    first: int | None = None
    last = 0
    for start, end in tokens:
        if first is not None and "\n" in text[last:start]:
            yield first, last
            first = None
        first = start if first is None else first
        last = end
    if first is not None:
        yield first, last


def _refuse_letters(entry: Entry) -> None:
    """RecipeError for a character that cannot be written."""
    labels = (span.label for span in entry.spans or ())
    for name, text in (
        ("text", entry.text),
        ("id", entry.key or ""),
        *(("label", label) for label in labels),
    ):
        found = NOT_IN_XML.search(text)
        if found is not None:
            letter = f"U+{ord(found[0]):04X} at character {found.start()}"
            raise RecipeError(
                f"the {name} of document {entry.key} has {letter}, which XML cannot hold: take another "
                "format, such as --format webanno, which INCEpTION reads too"
            )
