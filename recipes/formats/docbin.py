"""spaCy's binary ``.spacy`` files: what ``spacy train`` reads. Imports spaCy when it reads or writes, not
before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from spanloop.plugin.tagging.parts_of_speech import field_of
from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.carrying import EVERYTHING
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions, WriteOptions, Written


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a Doc: its entities, or its span groups where it has none; in a tags project its parts of
    speech where those are the labels, else its tags; the other where it has only that."""
    from spanloop.recipes.formats.docbin_file import DamagedError, first_line, load, note
    from spanloop.recipes.formats.docbin_groups import groups_of
    from spanloop.recipes.formats.docs import META, entry_of_doc

    try:
        for number, (doc, user_data, packed) in enumerate(load(path).docs(), start=1):
            try:
                entry = entry_of_doc(
                    doc, number, task=options.task, note=note(user_data, META), field=field_of(options.labels)
                )
            except (ValueError, KeyError) as error:  # attributes that contradict each other
                raise FormatError(path, number, f"this Doc cannot be read: {first_line(error)}") from error
            groups = groups_of(packed, doc.vocab.strings) if options.task == "spans" else {}
            if groups and not entry.spans:
                entry = replace(entry, spans=tuple(span for spans in groups.values() for span in spans))
            elif groups:
                named = ", ".join(groups)
                options.notes.add(
                    f"{path.name}: spans in doc.spans ({named}) are not read where a Doc has ents",
                    sum(map(len, groups.values())),
                )
            yield entry
    except DamagedError as error:
        raise FormatError(path, None, f"this is no .spacy file of spaCy 3 (a DocBin): {error}") from error


def write(path: Path, entries: Iterable[Entry], options: WriteOptions) -> Written:
    """A DocBin with text, tokens, entities (or tags, where a round puts them: all of them universal parts of
    speech in ``pos``, else in ``tag``) and, in ``user_data``, everything else; scores are also what
    ``ent._.spanloop_confidence`` says.

    A token is cut where a span begins or ends inside it, and counted: no span is moved.
    """
    import spacy
    from spacy.tokens import DocBin

    from spanloop.recipes.formats.docs import doc_of_entry

    vocab = spacy.blank("xx").vocab  # text, tokens and spans need no language
    field = field_of(options.labels)
    docs = DocBin(
        attrs=[field.upper() if options.task == "tags" else "ENT_IOB", "ENT_TYPE", "SPACY"],
        store_user_data=True,
    )
    spans = cuts = lost = 0
    for entry in entries:
        doc, cut, unplaced = doc_of_entry(vocab, entry, task=options.task, field=field)
        docs.add(doc)
        spans, cuts, lost = spans + len(entry.spans or ()) - unplaced, cuts + cut, lost + unplaced
    docs.to_disk(path)
    return Written(documents=len(docs), spans=spans, tokens_cut=cuts, spans_lost=lost)


def sniff(_head: str) -> bool:
    """Binary: only its suffix tells."""
    return False


FORMAT = Format(
    name="spacy",
    suffixes=(".spacy",),
    read=read,
    write=write,
    sniff=sniff,
    needs_tokens=True,
    binary=True,
    carries=EVERYTHING,
    title="spaCy's DocBin",
    detected="the suffix .spacy",
    tried="files that spaCy wrote",
)
