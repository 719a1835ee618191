"""The spaCy component ``hf_token_classifier``: a Hugging Face token classifier as a trainable pipe.

spaCy imports this module for every pipeline of the environment it is installed in, so nothing here imports
transformers: the model's weights, and the libraries that read them, are loaded at first use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

import numpy as np
import srsly
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Config, Model

from spanloop.plugin import architectures, doc_extensions, place
from spanloop.plugin.architectures import HFShim, hf_shim
from spanloop.plugin.decode import decode
from spanloop.plugin.schemes import SCHEMES, Scheme, detect, labels_of, tags_for
from spanloop.plugin.spans import CharSpan
from spanloop.plugin.token_scores import TokenScores
from spanloop.plugin.windows import EncodedDoc

if TYPE_CHECKING:
    from spanloop.plugin.pretrained import Pretrained

Annotate = Literal["ents", "spans", "chunks", "tag", "pos"]
# What a saved pipe is; raised when a folder of before can no longer be read.
FORMAT = 1
# How far `pipe` reads ahead at most, in characters, whatever the batch size: bounds the memory.
LOOK_AHEAD_CHARS = 1_000_000
_STATE_FILE = "spanloop.json"
_DEFAULT_MODEL = """
[model]
@architectures = "spanloop.HFTokenClassifier.v1"
name = "offline"
revision = null
allow_pickle = false
max_wordpieces = null
overlap = 128
"""

doc_extensions.register()


@Language.factory(
    "hf_token_classifier",
    default_config={
        "model": Config().from_str(_DEFAULT_MODEL)["model"],
        "annotate": "ents",
        "spans_key": None,
        "alignment": "snap",
        "viterbi": True,
        "aggregation": "first",
        "unit": "token",
        "scheme": None,
        "overwrite": True,
        "batch_wordpieces": 1024,
        "keep_scores": False,
        "scorer": {"@scorers": "spanloop.token_classifier_scorer.v1"},
    },
    default_score_weights={
        "ents_f": 1.0,
        "ents_p": 0.0,
        "ents_r": 0.0,
        "ents_per_type": None,
        "strict_f": 0.0,
        "strict_p": 0.0,
        "strict_r": 0.0,
        "strict_macro_f": 0.0,
        "strict_per_type": None,
    },
)
def make_hf_token_classifier(
    nlp: Language,
    name: str,
    model: Union[str, Model],  # noqa: UP007 - confection reads these annotations at run time
    annotate: Annotate,
    spans_key: Optional[str],  # noqa: UP045
    alignment: place.Alignment,
    viterbi: bool,
    aggregation: Literal["first", "mean", "max"],
    unit: Literal["token", "wordpiece"],
    scheme: Optional[str],  # noqa: UP045
    overwrite: bool,
    batch_wordpieces: int,
    keep_scores: bool,
    scorer: Optional[Callable[..., Any]],  # noqa: UP045
) -> HFTokenClassifierPipe:
    """Make the pipe. ``model`` as a string, a folder or hub id or ``offline``, is short for the block
    ``spanloop.HFTokenClassifier.v1`` with that name; docs/component.md tells every setting."""
    if scheme is not None and scheme not in SCHEMES:
        raise ValueError(
            f"scheme = {scheme!r} is unknown: choose one of {', '.join(SCHEMES)}, or null to detect it"
        )
    if batch_wordpieces < 1:
        raise ValueError(f"batch_wordpieces = {batch_wordpieces} must be at least 1")
    network = architectures.hf_token_classifier(model) if isinstance(model, str) else model
    network.attrs.update(unit=unit, aggregation=aggregation, batch_wordpieces=batch_wordpieces)
    return HFTokenClassifierPipe(
        nlp.vocab,
        network,
        name,
        annotate=annotate,
        spans_key=spans_key or ("chunks" if annotate == "chunks" else "sc"),
        alignment=alignment,
        viterbi=viterbi,
        scheme=scheme,
        overwrite=overwrite,
        keep_scores=keep_scores,
        scorer=scorer,
    )


class HFTokenClassifierPipe(TrainablePipe):
    """Tags documents with a token classifier and writes the result to the Doc (see `set_annotations`)."""

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
        overwrite: bool = True,
        keep_scores: bool = False,
        scorer: Callable[..., Any] | None = None,
    ) -> None:
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
            "temperature": 1.0,
        }

    # The network and its labels

    @property
    def _shim(self) -> HFShim:
        shim = hf_shim(self.model)
        if shim is None:
            raise ValueError(
                f"the pipe {self.name!r} runs on a shared encoder: it has no Hugging Face model of its own"
            )
        return shim

    @property
    def pretrained(self) -> Pretrained:
        """The Hugging Face model with its tokenizer, loaded now if it was not."""
        return self._shim.pretrained

    def hf_model(self) -> Any:
        """The transformers model, loaded now if it was not. Changing it changes the pipe."""
        return self.pretrained.model

    def tokenizer(self) -> Any:
        """The fast Hugging Face tokenizer."""
        return self.pretrained.tokenizer

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the head in the order of its rows; empty while the model has no labels."""
        return () if self.pretrained.fresh_head else self.pretrained.tags

    @property
    def scheme(self) -> Scheme:
        """The scheme the tags are read in: as set, else as their prefixes say."""
        return self.cfg["scheme"] or detect(self.tags)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, without prefixes, each once."""
        return tuple(labels_of(self.tags, self.scheme)) if self.tags else ()

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

    def set_labels(self, labels: Sequence[str], scheme: Scheme | None = None, *, seed: int = 0) -> None:
        """Give the head the tags of exactly these labels. Rows of tags that it had stay as they are, found by
        name; new ones are drawn from ``seed``. ``scheme`` None: plain for tag and pos; the model's own where
        it has labels; else IOB2."""
        from spanloop.plugin.pretrained import set_tags

        if not labels:
            raise ValueError("a token classifier needs at least one label")
        if len(set(labels)) != len(labels):
            raise ValueError(f"the labels {list(labels)} name one of them twice")
        chosen = scheme or self.cfg["scheme"] or self._scheme_of_new_labels()
        tags = tags_for(list(labels), chosen)
        if detect(tags) != chosen:
            self.cfg["scheme"] = chosen
        set_tags(self.pretrained, tags, seed=seed)

    def _scheme_of_new_labels(self) -> Scheme:
        if self.cfg["annotate"] in ("tag", "pos"):
            return "plain"
        return detect(self.tags) if self.tags else "IOB2"

    def add_label(self, label: str) -> int:
        """Add one label, the old rows kept. 1 if it is new, 0 if it was there."""
        if label in self.labels:
            return 0
        self.set_labels([*self.labels, label])
        return 1

    # Prediction

    def encode(self, docs: Sequence[Doc]) -> list[EncodedDoc]:
        """The documents' units and windows, as prediction and training see them."""
        return architectures.encode(self.model, docs)

    def predict(self, docs: Iterable[Doc]) -> list[TokenScores]:
        """The tag distribution of every unit of every document. ModelError where the model has no labels
        yet."""
        import torch

        from spanloop.plugin.pretrained import ModelError

        docs = list(docs)
        if not self.tags:
            raise ModelError(
                f"the model of {self.name!r} is an encoder without labels: call its set_labels([...]), "
                "nlp.initialize() with examples, or name a model that is a token classifier"
            )
        with torch.inference_mode():
            encoded = self.encode(docs)
            scores = architectures.unit_scores(self.model, encoded)
            logprobs = [rows.log_softmax(dim=1).numpy() for rows in scores]
        tags = self.tags
        return [
            TokenScores(np.asarray(rows, dtype=np.float32), unit.starts, unit.ends, tags)
            for rows, unit in zip(logprobs, encoded, strict=True)
        ]

    def decode(self, scores: TokenScores) -> list[CharSpan]:
        """The spans that these scores mean under the pipe's settings."""
        return decode(
            scores, scheme=self.scheme, viterbi=self.cfg["viterbi"], temperature=self.cfg["temperature"]
        )

    def set_annotations(self, docs: Iterable[Doc], scores: Sequence[TokenScores]) -> None:
        """Write the decoded spans to ``doc._.char_spans`` and, as far as tokens carry them, to the target
        that ``annotate`` names; what moved or found no place is in ``doc._.alignment_events``."""
        for doc, doc_scores in zip(docs, scores, strict=True):
            spans = self.decode(doc_scores)
            doc_extensions.store_spans(doc, self.name, spans)
            doc_extensions.store_events(doc, self.name, self._write(doc, spans))
            if self.cfg["keep_scores"]:
                doc_extensions.store_scores(doc, self.name, doc_scores)

    def _write(self, doc: Doc, spans: list[CharSpan]) -> list[Any]:
        target, overwrite = self.cfg["annotate"], self.cfg["overwrite"]
        if target in ("tag", "pos"):
            place.set_tags(doc, spans, field=target, overwrite=overwrite)
            return []
        if target == "ents":
            return place.set_ents(doc, spans, alignment=self.cfg["alignment"], overwrite=overwrite)
        return place.set_group(
            doc, self.cfg["spans_key"], spans, alignment=self.cfg["alignment"], overwrite=overwrite
        )

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """The documents in order, annotated. Reads ahead up to ``batch_size`` documents (a million characters
        at most) and runs their windows in batches of like length."""
        for docs in _look_ahead(stream, batch_size, LOOK_AHEAD_CHARS):
            yield from super().pipe(docs, batch_size=len(docs))

    # Saving

    def fingerprint(self) -> str:
        """A hash of the weights and of every setting that changes what is predicted."""
        from spanloop.plugin.pretrained import fingerprint

        settings = {key: self.cfg[key] for key in ("viterbi", "scheme", "temperature")}
        network = {"windows": [self._shim.max_wordpieces, self._shim.overlap]}
        network |= {key: self.model.attrs[key] for key in ("unit", "aggregation")}
        described = json.dumps([settings, network], sort_keys=True)
        return hashlib.sha256((fingerprint(self.pretrained) + described).encode()).hexdigest()

    def _state(self) -> dict[str, Any]:
        """What belongs to the weights, not to the config: goes along with them."""
        return {"format": FORMAT, "scheme": self.cfg["scheme"], "temperature": self.cfg["temperature"]}

    def _set_state(self, state: dict[str, Any]) -> None:
        if state.get("format") != FORMAT:
            raise ValueError(
                f"the pipe {self.name!r} was saved in format {state.get('format')}, this spanloop reads "
                f"{FORMAT}: save it again with the version that wrote it, or train it anew"
            )
        self.cfg["scheme"] = self.cfg["scheme"] or state["scheme"]
        self.cfg["temperature"] = state["temperature"]

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write ``model/``, a folder that AutoModelForTokenClassification reads, and the pipe's state."""
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        srsly.write_json(path / _STATE_FILE, self._state())
        if "model" not in exclude:
            self._shim.to_folder(path / "model")

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> HFTokenClassifierPipe:
        """Read what `to_disk` wrote; where the model first came from is not looked at."""
        path = Path(path)
        if not (path / _STATE_FILE).is_file():
            raise ValueError(f"{path} is no saved hf_token_classifier: it has no {_STATE_FILE}")
        self._set_state(srsly.read_json(path / _STATE_FILE))
        if "model" not in exclude:
            self._shim.from_folder(path / "model")
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        message: dict[str, Any] = {"state": self._state()}
        if "model" not in exclude:
            message["model"] = self._shim.to_bytes()
        data: bytes = srsly.msgpack_dumps(message)
        return data

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> HFTokenClassifierPipe:
        message = srsly.msgpack_loads(bytes_data)
        self._set_state(message["state"])
        if "model" not in exclude:
            self._shim.from_bytes(message["model"])
        return self


def _look_ahead(stream: Iterable[Doc], max_docs: int, max_chars: int) -> Iterator[list[Doc]]:
    """Groups of at most ``max_docs`` documents; a group ends once it passes ``max_chars``."""
    group: list[Doc] = []
    chars = 0
    for doc in stream:
        group.append(doc)
        chars += len(doc.text)
        if len(group) >= max_docs or chars >= max_chars:
            yield group
            group, chars = [], 0
    if group:
        yield group
