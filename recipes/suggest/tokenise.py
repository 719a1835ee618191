"""Store the token boundaries that the page snaps to: ``python -m spanloop.recipes.suggest.tokenise DB``.

A process of its own, so that the page's server never imports spaCy. It reads document ids from standard
input, one a line, does those first, then the rest in queue order, and ends when standard input does.
"""

from __future__ import annotations

import hashlib
import logging
import os
import queue
import re
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.plugin.alignment.tokens import token_ranges
from spanloop.recipes.suggest.refusal import Refused, make_doc
from spanloop.recipes.versions import why_spacy_stops
from spanloop.store import Store
from spanloop.store.records import Document, Project, Range

if TYPE_CHECKING:
    from spacy.language import Language

LOG = logging.getLogger(__name__)
BATCH = 64
INDEXED = 2000  # documents put into the search index between two looks, once all have tokens
IDLE_SECONDS = 5.0  # how often a caught-up process looks for newly imported documents


def load_tokenizer(project: Project) -> Language:
    """The project's pipeline, of which only the tokenizer is used, or else a blank one of its language."""
    import spacy

    if project.nlp:
        return spacy.load(project.nlp)
    return spacy.blank(project.lang or "xx")


def tokenizer_hash(nlp: Language) -> str:
    """Names the boundaries: the same rules give the same hash, a changed tokenizer another one."""
    from spacy import about

    to_bytes: Callable[..., bytes] = nlp.tokenizer.to_bytes  # type: ignore[union-attr]
    rules = to_bytes(exclude=["vocab"])
    return hashlib.sha256(f"{about.__version__} {nlp.lang} ".encode() + rules).hexdigest()[:32]


def boundaries(nlp: Language, text: str) -> list[Range]:
    """Half-open character offsets of the tokens of ``text``, those of nothing but whitespace left out.
    Refused where the tokenizer cannot cut it."""
    doc = make_doc(nlp, text)
    return token_ranges(doc)


def tokenise(
    store: Store, nlp: Language, documents: Iterable[Document], *, tokenizer: str | None = None
) -> int:
    """Store the boundaries of ``documents``; returns how many there were. One that the tokenizer refuses is
    marked as such, and nobody waits for its tokens any more."""
    tokenizer = tokenizer or tokenizer_hash(nlp)
    rows = [(document.id, _boundaries_if_any(nlp, document)) for document in documents]
    store.tokenizations.put(tokenizer, rows)
    return len(rows)


def _boundaries_if_any(nlp: Language, document: Document) -> list[Range] | None:
    try:
        return boundaries(nlp, document.text)
    except Refused as error:
        LOG.warning("document %r has no tokens: %s", document.key, error)
        return None


def words(text: str) -> list[Range]:
    """What stands between blanks, for a text that the tokenizer refuses."""
    return [found.span() for found in re.finditer(r"\S+", text)]


def serve(path: Path, wishes: queue.Queue[int | None]) -> None:
    """Tokenise until a None comes through ``wishes``; ids that come through it go first."""
    with Store.open(path) as store:
        pause, complete, busy = 0.0, 0, True
        cut_by: tuple[str | None, str | None] | None = None
        while True:
            wished = _wished(wishes, pause)
            if None in wished:
                return
            project = store.project
            if (project.lang, project.nlp) != cut_by:  # somebody has set another one meanwhile
                cut_by, complete, busy = (project.lang, project.nlp), 0, True
                nlp = load_tokenizer(project)
                tokenizer = tokenizer_hash(nlp)
                if project.tokenizer != tokenizer:
                    store.set_project(tokenizer=tokenizer)
            lacking = [w for w in wished if w is not None and not store.tokenizations.has(w, tokenizer)]
            batch = [d for d in map(store.documents.get, lacking) if d is not None]
            batch = batch or store.tokenizations.missing(tokenizer, BATCH, after=complete)
            tokenise(store, nlp, batch, tokenizer=tokenizer)
            if busy and not batch:  # caught up: looks from now on need not go through these again
                complete = max(store.documents.ids(), default=0)
            busy = bool(batch)
            pause = 0.0 if batch or store.search.index(INDEXED) else IDLE_SECONDS


def _wished(wishes: queue.Queue[int | None], seconds: float) -> list[int | None]:
    """Everything asked for so far; waits at most ``seconds`` for the first."""
    wished: list[int | None] = []
    try:
        wished.append(wishes.get(timeout=seconds) if seconds else wishes.get_nowait())
        while True:
            wished.append(wishes.get_nowait())
    except queue.Empty:
        return wished


def _read_wishes(wishes: queue.Queue[int | None]) -> None:
    for line in sys.stdin:
        if line.strip().isdigit():
            wishes.put(int(line))
    wishes.put(None)


def main() -> None:
    os.nice(5)  # the person at the page and the server come first
    wishes: queue.Queue[int | None] = queue.Queue()
    threading.Thread(target=_read_wishes, args=(wishes,), daemon=True).start()
    try:
        serve(Path(sys.argv[1]), wishes)
    except ImportError as error:
        if reason := why_spacy_stops(error):
            raise SystemExit(reason) from error
        raise


if __name__ == "__main__":
    main()
