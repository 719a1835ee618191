"""`HFTokenClassifierPipe`: tags documents, writes what it found to them, learns from examples, saves
itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import srsly
from numpy.typing import NDArray
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Model

from spanloop.plugin.alignment import place
from spanloop.plugin.alignment.values import CharSpan, TokenScores
from spanloop.plugin.alignment.windows import EncodedDoc
from spanloop.plugin.model.network import HFNetwork, Network, network_of
from spanloop.plugin.model.runtime import look_ahead
from spanloop.plugin.model.shim import pack, unpack
from spanloop.plugin.pipe import ahead, fastest, learning, reading, results, saving
from spanloop.plugin.pipe.examples import Annotate, GoldOverlaps, labels_of
from spanloop.plugin.tagging.schemes import Scheme
from spanloop.plugin.tagging.thresholds import Given, Thresholds, checked

if TYPE_CHECKING:
    from spanloop.plugin.model.pretrained import Pretrained

_INIT_SAMPLE = 10


class HFTokenClassifierPipe(TrainablePipe):
    """A token classifier as a spaCy pipe. `docs/component.md` explains the settings."""

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], Any],
        name: str = "hf_token_classifier",
        *,
        annotate: Annotate = "ents",
        spans_key: str = "sc",
        alignment: place.Alignment = "snap",
        viterbi: bool = True,
        scheme: Scheme | None = None,
        overwrite: place.Overwrite = True,
        keep_scores: bool = False,
        class_weights: str | Mapping[str, float] = "none",
        gold_overlaps: GoldOverlaps = "longest",
        label_map: Mapping[str, str] | None = None,
        threshold: Given | None = None,
        candidates: float | None = None,
        scorer: Callable[..., Any] | None = None,
    ) -> None:
        network_of(model)  # refuses what is none of ours
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        # spaCy hands all of cfg to the scorer.
        self.cfg: dict[str, Any] = {
            "annotate": annotate,
            "spans_key": spans_key,
            "alignment": alignment,
            "viterbi": viterbi,
            "scheme": scheme,
            "overwrite": overwrite,
            "keep_scores": keep_scores,
            "class_weights": class_weights,
            "gold_overlaps": gold_overlaps,
            "label_weights": {},
            "temperature": 1.0,
            **results.settings(label_map, threshold, candidates),
        }
        self._telling = reading.Telling()

    # The network and its labels

    @property
    def network(self) -> Network:
        """The network behind the pipe, whichever architecture it has."""
        return network_of(self.model)

    @property
    def pretrained(self) -> Pretrained:
        """The Hugging Face model with its tokenizer, loaded now if it was not. ValueError on a shared
        encoder."""
        network = self.network
        if not isinstance(network, HFNetwork):
            raise ValueError(f"the pipe {self.name!r} runs on a shared encoder: it has no Hugging Face model")
        return network.pretrained

    def hf_model(self) -> Any:
        """The transformers model, loaded now if it was not. Changing it changes the pipe."""
        return self.pretrained.model

    def tokenizer(self) -> Any:
        """The fast Hugging Face tokenizer."""
        return self.pretrained.tokenizer

    @property
    def label_strategy(self) -> str:
        """What `update` learns from: the ``first`` wordpiece of a unit, or ``all`` of them."""
        return str(self.model.attrs["label_strategy"]) if isinstance(self.network, HFNetwork) else "first"

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the head in the order of its rows; empty while the model has no labels."""
        return self.network.tags

    @property
    def scheme(self) -> Scheme:
        """The scheme the tags are read in, under the names of the label map: as set, else as their list says.
        ``IOB`` is IOB1 or IOB2, as the scores of each document say."""
        return reading.scheme_of(self, self.tags)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, without prefixes and as the label map calls them, each once. spaCy asks for them at
        every turn: a model not yet loaded stays so, and the labels are those that its configuration states,
        none where it is not at hand."""
        return reading.reading_of(self, self.network.stated_tags()).labels

    @property
    def bare_labels(self) -> frozenset[str]:
        """The labels whose tags have no prefix: nothing says where one of them begins beside another."""
        return reading.reading_of(self, self.tags).bare

    @property
    def label_data(self) -> tuple[str, ...]:
        """What ``spacy init labels`` writes and `initialize` reads."""
        return self.labels

    @property
    def temperature(self) -> float:
        """What scores are divided by before they become confidences; 1 leaves them. Saved with the pipe."""
        return float(self.cfg["temperature"])

    @temperature.setter
    def temperature(self, value: float) -> None:
        if not value > 0:
            raise ValueError(f"a temperature must be above 0, not {value}")
        self.cfg["temperature"] = float(value)

    @property
    def label_map(self) -> dict[str, str]:
        """The new name of each of the model's labels that has one, empty where it is dropped."""
        return dict(self.cfg["label_map"] or {})

    @property
    def threshold(self) -> Thresholds:
        """How sure it must be of a span, by label; ``*`` is for all others. Saved with the pipe."""
        return dict(self.cfg["threshold"] or {})

    @threshold.setter
    def threshold(self, value: Given | None) -> None:
        self.cfg["threshold"] = None if value is None else checked(value)

    def set_labels(self, labels: Sequence[str], scheme: Scheme | None = None, *, seed: int = 0) -> None:
        """Give the head the tags of exactly these labels. Rows of tags that it had stay as they are, found by
        name (of a label map: by the new names, which are the head's own from then on); new ones are drawn
        from ``seed``. ``scheme`` None: plain for tag and pos; the model's own where it has labels, of B and I
        alone IOB2; else IOB2."""
        if not labels:
            raise ValueError("a token classifier needs at least one label")
        if len(set(labels)) != len(labels):
            raise ValueError(f"the labels {list(labels)} name one of them twice")
        tags, self.cfg["scheme"] = reading.tags_to_learn(self, labels, scheme)
        self.network.set_tags(tags, seed=seed, known_as=reading.fold(self))

    def add_label(self, label: str) -> int:
        """Add one label, the old rows kept. 1 if it is new, 0 if it was there."""
        labels = reading.reading_of(self, self.tags).labels
        if label in labels:
            return 0
        self.set_labels([*labels, label])
        return 1

    # Prediction

    def encode(self, docs: Sequence[Doc]) -> list[EncodedDoc]:
        """The documents' units and windows, as prediction and training see them."""
        return self.network.encode(docs)

    def predict(self, docs: Iterable[Doc]) -> list[TokenScores]:
        """The tag distribution of every unit of every document. ModelError where the model has no labels,
        where it gives no numbers (NotFinite), and where the memory of a GPU does not hold one window."""
        return self.begin(list(docs))()

    def begin(self, docs: Sequence[Doc]) -> Callable[[], list[TokenScores]]:
        """As `predict`, in two steps: what it gives waits for the scores, and a GPU works until then."""
        reading.tag_map_of(self, self.known_tags())  # refuses a wrong one before anything is computed
        scored = fastest.begin(self, docs)
        return lambda: reading.scores_of(self, scored())

    def known_tags(self) -> tuple[str, ...]:
        """`tags`, of which there are some. ModelError where the model is an encoder without labels."""
        tags = self.tags
        if not tags:
            from spanloop.plugin.model.errors import ModelError

            raise ModelError(
                f"the pipe {self.name!r} has no labels yet: its model is an encoder alone. Call its "
                "set_labels([...]), nlp.initialize() with examples that have some, "
                "or name a model that is a token classifier"
            )
        return tags

    def decode(self, scores: TokenScores) -> list[CharSpan]:
        """The spans that these scores mean under the pipe's settings, those below their threshold left
        out."""
        return results.spans_of(self, [scores])[0][0]

    def set_annotations(self, docs: Iterable[Doc], scores: Sequence[TokenScores]) -> None:
        """Write the decoded spans to ``doc._.spanloop_char_spans`` and, as far as tokens carry them, to the
        target that ``annotate`` names; what moved, found no place or gave way is in
        ``doc._.spanloop_alignment_events``, what the threshold left out in
        ``doc._.spanloop_below_threshold``."""
        results.write(self, docs, scores, self._telling)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """The documents in order, annotated. Reads ahead up to ``batch_size`` documents (a million characters
        at most) and runs their windows in batches of like length."""
        groups = look_ahead(stream, max_docs=batch_size)
        for docs in groups:
            yield from super().pipe(docs, batch_size=len(docs))
            if self.network.beside:  # known once the model is loaded
                yield from ahead.annotated(self, groups)

    # Training by spaCy (`update` is TrainablePipe's)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,  # noqa: ARG002 - spaCy passes it
        labels: list[str] | None = None,  # spaCy resolves this annotation: builtin names only
    ) -> None:
        """Give the head its labels, those of the examples where none are given, and weigh them. Rows of
        labels that the model had are kept. Without any label in sight the model stays as it is."""
        validate_get_examples(get_examples, "HFTokenClassifierPipe.initialize")
        annotate, spans_key = self.cfg["annotate"], self.cfg["spans_key"]
        names = list(labels) if labels else labels_of(get_examples(), annotate, spans_key)
        if names:
            self.set_labels(names)
        learning.warn_of_overlaps(self, get_examples())
        sample = [example.predicted for _, example in zip(range(_INIT_SAMPLE), get_examples(), strict=False)]
        self.network.initialize(sample)
        self.cfg["label_weights"] = learning.label_weights(self, get_examples()) if names else {}

    def get_loss(
        self, examples: Iterable[Example], scores: Sequence[Any]
    ) -> tuple[float, list[NDArray[np.float32]]]:
        """The mean cross-entropy of the units whose tag is known, weighted by ``class_weights``, and its
        gradient by document. ``scores``: as the model gives them in training, one row a unit, or a wordpiece
        with ``label_strategy = "all"``."""
        return learning.loss_and_gradient(self, list(examples), scores)

    # Saving

    def fingerprint(self) -> str:
        """A hash of the weights and of every setting that changes what is predicted."""
        return saving.fingerprint(self)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write ``model/``, which AutoModelForTokenClassification reads, and the pipe's state beside it."""
        saving.to_folder(self, Path(path), exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> HFTokenClassifierPipe:
        """Read what `to_disk` wrote; where the model first came from is not looked at. ValueError for a
        folder of another format."""
        saving.from_folder(self, Path(path), exclude)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """The files that `to_disk` writes."""
        data: bytes = srsly.msgpack_dumps(pack(lambda folder: self.to_disk(folder, exclude=exclude)))
        return data

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> HFTokenClassifierPipe:
        """Read what `to_bytes` gave."""
        return unpack(srsly.msgpack_loads(bytes_data), lambda folder: self.from_disk(folder, exclude=exclude))
