"""Run a spaCy pipeline over texts: the one way that prelabel, predict and evaluate do it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spacy.language import Language
from spacy.tokens import Doc, Token

from spanloop.plugin.alignment.place import REPLACED
from spanloop.plugin.alignment.tokens import tagged_ranges
from spanloop.plugin.alignment.values import AlignmentEvent, CharSpan, TokenScores
from spanloop.plugin.tagging.parts_of_speech import field_of
from spanloop.plugin.tagging.schemes import is_outside
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.suggest.refusal import Refused, asking, make_doc

if TYPE_CHECKING:
    from spanloop.plugin.pipe.component import HFTokenClassifierPipe
    from spanloop.store import Store

FACTORY = "hf_token_classifier"


def with_model(nlp: Language, model: str, *, task: str, labels: Sequence[str]) -> HFTokenClassifierPipe:
    """Add our component over a Hugging Face model to the pipeline: for entities, or for one tag a token,
    which goes to ``token.pos_`` where all labels are universal parts of speech, else to ``token.tag_``.
    RecipeError for a name that is no text, ModelError where there is no such model."""
    settings: dict[str, Any] = {"model": model}
    if task == "tags":
        settings.update(annotate=field_of(labels), scheme="plain")
    try:
        pipe: HFTokenClassifierPipe = nlp.add_pipe(FACTORY, config=settings)  # type: ignore[assignment]
    except UnicodeEncodeError as error:
        raise RecipeError(f"there is no model {model!r}: the name is no text") from error
    return pipe


def classifier(nlp: Language) -> tuple[str, HFTokenClassifierPipe] | None:
    """Our component in the pipeline with its name there, None where the pipeline has none."""
    for name, pipe in nlp.pipeline:
        if nlp.get_pipe_meta(name).factory == FACTORY:
            return name, pipe  # type: ignore[return-value]
    return None


_PLAIN = "One plain text."
Annotated = tuple[Doc, TokenScores | None]


def annotate(nlp: Language, texts: Sequence[str]) -> list[Annotated | Refused]:
    """Run the whole pipeline over one block of texts; token scores come along where our component made them.

    The block is in memory at once: our component sorts it by length to waste no padding. A text that the
    tokenizer or a component refuses stands as `Refused` in its place. RecipeError where they refuse the
    plainest of texts too: then it is not for these.
    """
    try:
        return list(_together(nlp, texts))
    except Refused:
        found = [_alone(nlp, text) for text in texts]
    if all(isinstance(one, Refused) for one in found) and isinstance(_alone(nlp, _PLAIN), Refused):
        raise RecipeError(f"the pipeline refuses every text, {found[0]}")
    return found


def _alone(nlp: Language, text: str) -> Annotated | Refused:
    try:
        return next(_together(nlp, [text]))
    except Refused as refused:
        return refused


def _together(nlp: Language, texts: Sequence[str]) -> Iterator[Annotated]:
    docs = [make_doc(nlp, text) for text in texts]
    ours = classifier(nlp)
    scores: Sequence[TokenScores | None] = [None] * len(docs)
    for name, pipe in nlp.pipeline:
        with asking(name):
            if ours is not None and name == ours[0]:
                found = ours[1].predict(docs)
                ours[1].set_annotations(docs, found)
                scores = found
            elif hasattr(pipe, "pipe"):
                docs = list(pipe.pipe(docs))
            else:
                docs = [pipe(doc) for doc in docs]
    return zip(docs, scores, strict=True)


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
    doc: Doc,
    scores: TokenScores | None,
    *,
    task: str,
    labels: Iterable[str],
    names: Mapping[str, str] | None = None,
) -> list[CharSpan]:
    """What the pipeline says of the Doc: our component's characters where it ran, else entities or tags,
    whose labels ``names`` calls otherwise (our component does so itself)."""
    if scores is not None:
        found: list[CharSpan] = doc._.spanloop_char_spans
        return found
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


def left_out(doc: Doc, scores: TokenScores | None) -> list[CharSpan]:
    """The spans that our component was not sure enough of."""
    if scores is None:
        return []
    found: list[CharSpan] = doc._.spanloop_below_threshold
    return found


def candidates(nlp: Language, doc: Doc) -> list[CharSpan] | None:
    """Every span that may be there, None where our component was not asked for them."""
    found = classifier(nlp)
    if found is None or found[1].cfg["candidates"] is None:
        return None
    shown: list[CharSpan] = doc._.spanloop_candidates
    return shown


def found_events(doc: Doc, scores: TokenScores | None) -> list[AlignmentEvent]:
    """What our component could not place on token boundaries. What it replaced was another component's and
    is no suggestion."""
    if scores is None:
        return []
    return [event for event in doc._.spanloop_alignment_events if event.action != REPLACED]


def pipeline_hash(nlp: Language) -> str:
    """A hash of everything in a pipeline that is not ours: the same hash makes the same predictions."""
    return hashlib.sha256(nlp.to_bytes()).hexdigest()
