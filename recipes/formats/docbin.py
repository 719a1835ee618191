"""spaCy's binary ``.spacy`` files: what ``spacy train`` reads. Imports spaCy when it reads or writes, not
before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions, WriteOptions, Written

if TYPE_CHECKING:
    from spacy.tokens import DocBin


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a Doc: its entities, or in a tags project its tags (else its parts of speech)."""
    import spacy

    from spanloop.recipes.formats.docs import entry_of_doc

    vocab = spacy.blank("xx").vocab
    for number, doc in enumerate(_load(path).get_docs(vocab), start=1):
        yield entry_of_doc(doc, number, task=options.task)


def _load(path: Path) -> DocBin:
    from spacy.tokens import DocBin

    try:
        return DocBin().from_disk(path)
    except (ValueError, KeyError) as error:
        raise FormatError(path, None, "this is no .spacy file of spaCy 3 (a DocBin)") from error


def write(path: Path, entries: Iterable[Entry], options: WriteOptions) -> Written:
    """A DocBin with text, tokens, entities (or tags) and, in ``user_data``, key, group, split and meta.

    A token is cut where a span begins or ends inside it, and counted: no span is moved.
    """
    import spacy
    from spacy.tokens import DocBin

    from spanloop.recipes.formats.docs import doc_of_entry

    vocab = spacy.blank("xx").vocab  # text, tokens and spans need no language
    docs = DocBin(
        attrs=["TAG" if options.task == "tags" else "ENT_IOB", "ENT_TYPE", "SPACY"], store_user_data=True
    )
    spans = cuts = lost = 0
    for entry in entries:
        doc, cut, unplaced = doc_of_entry(vocab, entry, task=options.task)
        docs.add(doc)
        spans, cuts, lost = spans + len(entry.spans or ()) - unplaced, cuts + cut, lost + unplaced
    docs.to_disk(path)
    return Written(documents=len(docs), spans=spans, tokens_cut=cuts, spans_lost=lost)


def sniff(_head: str) -> bool:
    """Binary: only its suffix tells."""
    return False


FORMAT = Format(
    name="spacy", suffixes=(".spacy",), read=read, write=write, sniff=sniff, needs_tokens=True, binary=True
)
