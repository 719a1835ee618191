"""One model of the suite, asked everything; what comes of it is one result."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.language import Language

from spanloop.plugin.alignment.values import TokenScores
from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
from support.conformance.answers import SAME, Answer, Elsewhere, Spans, answers, difference
from support.conformance.habits import HABITS, LABELS, Habit
from support.conformance.making import Kind, make
from support.conformance.peer import Compared, Peer, compare
from support.conformance.texts import TEXTS

_THREADS = 4
_FEW = 160  # wordpieces in a batch: one long window, or several short ones


@dataclass(frozen=True, slots=True)
class Result:
    """What one model gave.

    Attributes:
        model: its architecture, tokenizer and habit.
        found: the spans that the pipe gives for the texts, under its usual settings.
        pieces: the wordpieces whose tag and probability were compared with Hugging Face's pipeline.
        spans: the spans that were.
    """

    model: str
    found: int
    pieces: int
    spans: int

    def json(self) -> dict[str, Any]:
        """As a row of the file of results."""
        return asdict(self)


def ask(kind: Kind, folder: Path, other: Elsewhere) -> Result:
    """Make the model, ask it, compare. AssertionError where any two answers differ."""
    habit, texts = HABITS[kind.habit], list(TEXTS.values())
    make(folder / "model", kind)
    nlp, pipe = _pipeline(folder / "model")
    docs = [nlp.make_doc(text) for text in texts]
    alone = [answers(pipe, [doc])[0] for doc in docs]
    for text, one in zip(texts, alone, strict=True):
        check_laws(text, one, habit)
    _agree("all texts in one batch", alone, answers(pipe, docs))
    pipe.model.attrs["batch_wordpieces"] = _FEW
    _agree("other batches", alone, answers(pipe, docs[::-1])[::-1])
    assert [_entities(doc) for doc in nlp.pipe(texts, batch_size=5)] == [_entities(nlp(t)) for t in texts]
    nlp.to_disk(folder / "pipeline")
    _agree("threads", alone, _in_threads(folder / "pipeline", texts))
    _agree("a fresh process", alone, other.answers(folder / "pipeline", texts))
    compared = _with_peer(nlp, pipe, folder / "model", habit)
    assert not compared.differing, compared.differing[:5]
    assert compared.pieces, "no wordpiece was compared"
    assert compared.spans, "no span was compared"
    return Result(str(kind), sum(len(one.spans) for one in alone), compared.pieces, compared.spans)


def check_laws(text: str, one: Answer, habit: Habit) -> None:
    """What holds of every answer: probabilities, and spans of known labels, in order, none over another."""
    np.testing.assert_allclose(np.exp(one.logprobs.astype(np.float64)).sum(axis=1), 1, atol=1e-4)
    known = {*habit.tags} if habit.numbered else {*LABELS, *habit.further}
    for start, end, label in one.spans:
        assert 0 <= start < end <= len(text)
        assert text[start:end].strip() == text[start:end] != ""
        assert label in known
    for (_, end, _), (start, _, _) in pairwise(one.spans):
        assert end <= start


def _pipeline(folder: Path, **settings: Any) -> tuple[Language, HFTokenClassifierPipe]:
    nlp = spacy.blank("xx")  # no special cases, which take longer to read than a model
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(folder), **settings})
    assert isinstance(pipe, HFTokenClassifierPipe)
    return nlp, pipe


def _agree(where: str, one: Iterable[Answer], other: Iterable[Answer]) -> None:
    found = difference(list(one), list(other))
    assert found < SAME, f"{where}: log probabilities differ by {found}"


def _entities(doc: Any) -> Spans:
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def _in_threads(folder: Path, texts: list[str]) -> list[Answer]:
    """Each text asked for by a thread of its own, the pipeline just read."""
    nlp = spacy.load(folder)
    pipe = nlp.get_pipe("hf_token_classifier")
    assert isinstance(pipe, HFTokenClassifierPipe)
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda text: answers(pipe, [nlp.make_doc(text)])[0], texts))


def _with_peer(nlp: Language, pipe: HFTokenClassifierPipe, folder: Path, habit: Habit) -> Compared:
    """Against Hugging Face, which takes the best tag of each word by itself."""
    _, by_piece = _pipeline(folder, unit="wordpiece")
    pipe.cfg["viterbi"] = False

    def pieces(text: str) -> TokenScores:
        return by_piece.predict([nlp.make_doc(text)])[0]

    def tokens(text: str) -> tuple[list[int], TokenScores, Spans]:
        docs = [nlp.make_doc(text)]
        [scores], [encoded] = pipe.predict(docs), pipe.encode(docs)
        return encoded.windows[0].input_ids.tolist(), scores, [span.key for span in pipe.decode(scores)]

    return compare(Peer(folder, habit), TEXTS.values(), pieces, tokens)
