"""Run a spaCy pipeline over texts: the one way that prelabel, predict and evaluate do it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc, Token

from spanloop.plugin.alignment.place import REPLACED
from spanloop.plugin.alignment.tokens import tagged_ranges, token_ranges
from spanloop.plugin.alignment.values import AlignmentEvent, CharSpan, TokenScores
from spanloop.plugin.pipe.extensions import OnDoc, left_by
from spanloop.plugin.pipe.informed import predict_informed
from spanloop.plugin.tagging.parts_of_speech import field_of
from spanloop.plugin.tagging.schemes import is_outside
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.languages import Unit, inside_a_word, written_without_blanks
from spanloop.recipes.suggest.our_component import FACTORY, classifier, free_name, mean
from spanloop.recipes.suggest.refusal import Refused, asking, make_doc

if TYPE_CHECKING:
    from spanloop.plugin.pipe.component import HFTokenClassifierPipe
    from spanloop.store import Store


T = TypeVar("T")


def with_model(
    nlp: Language, model: str, *, task: str, labels: Sequence[str], unit: Unit = "token"
) -> HFTokenClassifierPipe:
    """Add our component over a Hugging Face model to the pipeline: for entities, or for one tag a token,
    which goes to ``token.pos_`` where all labels are universal parts of speech, else to ``token.tag_``. It is
    the one that is meant from then on. ``unit``: what gets one tag. RecipeError for a name that is no text,
    ModelError where there is no such model."""
    settings: dict[str, Any] = {"model": model, "unit": unit}
    if task == "tags":
        settings.update(annotate=field_of(labels), scheme="plain")
    name = free_name(nlp)
    try:
        pipe: HFTokenClassifierPipe = nlp.add_pipe(FACTORY, name, config=settings)  # type: ignore[assignment]
    except UnicodeEncodeError as error:
        raise RecipeError(f"there is no model {model!r}: the name is no text") from error
    mean(nlp, name)
    return pipe


@contextmanager
def labelling(nlp: Language, unit: Unit) -> Iterator[None]:
    """Within it our component gives one tag to each unit of this kind."""
    found = classifier(nlp)
    if found is None:
        yield
        return
    attrs = found[1].model.attrs
    before, attrs["unit"] = attrs["unit"], unit
    try:
        yield
    finally:
        attrs["unit"] = before


def annotate_by_script(
    nlp: Language, texts: Sequence[str], *, informed: int | None = None
) -> list[Annotated | Refused]:
    """As `annotate`, of a pipeline of which nobody said what language it is for."""
    return by_script(nlp, texts, lambda some: annotate(nlp, some, informed=informed))


def by_script(nlp: Language, texts: Sequence[str], run: Callable[[list[str]], list[T]]) -> list[T]:
    """What ``run`` makes of each text with a pipeline of which nobody said what language it is for: where a
    text is written without blanks, our component labels wordpieces, since to the pipeline a whole line is one
    token."""
    without = [written_without_blanks(text) is not None for text in texts]
    found: dict[int, T] = {}
    units: tuple[Unit, ...] = ("token", "wordpiece")
    for unit in units:
        places = [place for place, one in enumerate(without) if one == (unit == "wordpiece")]
        if places:
            with labelling(nlp, unit):
                there = run([texts[place] for place in places])
                found |= dict(zip(places, there, strict=True))
    return [found[place] for place in range(len(texts))]


_PLAIN = "One plain text."


class Annotated(NamedTuple):
    """A document that a pipeline has read. ``scores`` and ``found``: those of the component of ours that was
    meant, and what it left on the document; None and nothing where there is none. ``information``: what its
    model would learn of itself from each token, where that was asked for."""

    doc: Doc
    scores: TokenScores | None = None
    found: OnDoc = OnDoc()
    information: NDArray[np.float32] | None = None


def annotate(
    nlp: Language, texts: Sequence[str], *, informed: int | None = None
) -> list[Annotated | Refused]:
    """Run the whole pipeline over one block of texts; token scores come along where our component made them.

    The block is in memory at once: our component sorts it by length to waste no padding. A text that the
    tokenizer or a component refuses stands as `Refused` in its place. RecipeError where they refuse the
    plainest of texts too: then it is not for these. ``informed``: the seed of what dropout leaves out, to
    find the information of the tokens as well.
    """
    try:
        return list(_together(nlp, texts, informed))
    except Refused:
        found = [_alone(nlp, text, informed) for text in texts]
    if all(isinstance(one, Refused) for one in found) and isinstance(_alone(nlp, _PLAIN), Refused):
        raise RecipeError(f"the pipeline refuses every text, {found[0]}")
    return found


def _alone(nlp: Language, text: str, informed: int | None = None) -> Annotated | Refused:
    try:
        return next(_together(nlp, [text], informed))
    except Refused as refused:
        return refused


def _together(nlp: Language, texts: Sequence[str], informed: int | None) -> Iterator[Annotated]:
    docs = [make_doc(nlp, text) for text in texts]
    ours = classifier(nlp)
    scores: Sequence[TokenScores | None] = [None] * len(docs)
    information: Sequence[NDArray[np.float32] | None] | None = None
    for name, pipe in nlp.pipeline:
        with asking(name):
            if ours is not None and name == ours[0]:
                if informed is None:
                    found = ours[1].predict(docs)
                else:
                    found, information = predict_informed(ours[1], docs, seed=informed)
                ours[1].set_annotations(docs, found)
                scores = found
            elif hasattr(pipe, "pipe"):
                docs = list(pipe.pipe(docs))
            else:
                docs = [pipe(doc) for doc in docs]
    for doc, of_doc, told in zip(docs, scores, information or [None] * len(docs), strict=True):
        yield Annotated(doc, of_doc, OnDoc() if ours is None else left_by(doc, ours[0]), told)


@contextmanager
def named(model: str, store: Store | None = None) -> Iterator[None]:
    """A model that gives no numbers ends in one line that says which one it is and what to type instead."""
    from spanloop.plugin.model.finite import NotFinite

    try:
        yield
    except NotFinite as error:
        another = "" if store is None else f", or another round: spanloop rounds {store.path} promote NUMBER"
        raise RecipeError(f"{model}: {error}{another}") from error


def found_spans(
    annotated: Annotated,
    *,
    task: str,
    labels: Iterable[str],
    names: Mapping[str, str] | None = None,
) -> list[CharSpan]:
    """What the pipeline says of the Doc: our component's characters where it ran, else entities or tags,
    whose labels ``names`` calls otherwise (our component does so itself)."""
    doc = annotated.doc
    if annotated.scores is not None:
        return list(annotated.found.spans)
    if task == "spans":
        ents = [CharSpan(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
        return _renamed(ents, names or {})
    known = {*labels, *(names or {})}

    def known_tag(token: Token) -> str | None:
        return next((tag for tag in (token.tag_, token.pos_) if tag in known), None)

    return _renamed([CharSpan(*found) for found in tagged_ranges(doc, known_tag)], names or {})


def _renamed(spans: Sequence[CharSpan], names: Mapping[str, str]) -> list[CharSpan]:
    """The spans of a pipeline of others by the new names of their labels, without those that are dropped."""
    found = [CharSpan(s.start, s.end, names.get(s.label, s.label), s.score) for s in spans]
    return [span for span in found if span.label and not is_outside(span.label)]


def left_out(annotated: Annotated) -> list[CharSpan]:
    """The spans that our component was not sure enough of."""
    return list(annotated.found.below_threshold)


def tells_candidates(nlp: Language) -> bool:
    """Whether our component was asked for every span that may be there."""
    found = classifier(nlp)
    return found is not None and found[1].cfg["candidates"] is not None


def found_units(annotated: Annotated) -> tuple[tuple[int, int], ...]:
    """The characters of the Doc's tokens; one that is a stretch without blanks is cut where the wordpieces
    that our component labelled begin."""
    doc, scores = annotated.doc, annotated.scores
    tokens = token_ranges(doc)
    begins = set() if scores is None else set(scores.starts.tolist()) - {start for start, _ in tokens}
    cuts = [place for place in begins if inside_a_word(doc.text, place)]
    edges = sorted([*(edge for token in tokens for edge in token), *cuts])
    if not cuts:
        return tuple(tokens)
    starts = {start for start, _ in tokens} | set(cuts)
    return tuple((start, end) for start, end in pairwise(edges) if start in starts and start < end)


def found_events(annotated: Annotated) -> list[AlignmentEvent]:
    """What our component could not place on token boundaries. What it replaced was another component's and
    is no suggestion."""
    return [event for event in annotated.found.events if event.action != REPLACED]


def pipeline_hash(nlp: Language) -> str:
    """A hash of everything in a pipeline that is not ours: the same hash makes the same predictions."""
    return hashlib.sha256(nlp.to_bytes()).hexdigest()
