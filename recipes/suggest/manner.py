"""How a model shall read where somebody asks for another way than the one it was saved with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from spanloop.recipes.errors import RecipeError

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.model.backends import BackendSetting
    from spanloop.plugin.model.device import Precision
    from spanloop.plugin.model.shim import HFShim
    from spanloop.plugin.pipe.component import HFTokenClassifierPipe
    from spanloop.plugin.tagging.schemes import NamedScheme

AggregationStrategy = Literal["first", "average", "max"]
"""How the scores of a word come from those of its wordpieces, in the words of Hugging Face's pipeline."""

AGGREGATION_STRATEGIES: tuple[AggregationStrategy, ...] = get_args(AggregationStrategy)
_OURS = {"first": "first", "average": "mean", "max": "max"}


@dataclass(frozen=True, slots=True)
class Manner:
    """How exactly a model computes and by which library, the tagging scheme that its tags are read in, and
    how the scores of a word come from those of its wordpieces; each None as the model was saved."""

    precision: Precision | None = None
    backend: BackendSetting | None = None
    scheme: NamedScheme | None = None
    aggregation_strategy: AggregationStrategy | None = None

    def typed(self) -> list[str]:
        """The options that say so."""
        values = {
            "--precision": self.precision,
            "--backend": self.backend,
            "--scheme": self.scheme,
            "--aggregation-strategy": self.aggregation_strategy,
        }
        return [f"{option} {value}" for option, value in values.items() if value is not None]

    def set_on(self, nlp: Language) -> list[str]:
        """Have our component in the pipeline read so, and say what of it is new: nothing where it did so
        before.

        Raises:
            RecipeError: where the pipeline has no model of ours, or one that labels single tokens and so
                knows no scheme.
        """
        from spanloop.plugin.model.network import HFNetwork
        from spanloop.recipes.suggest.our_component import classifier

        if not self.typed():
            return []
        found = classifier(nlp)
        network = None if found is None else found[1].network
        if found is None or (self.scheme is None and not isinstance(network, HFNetwork)):
            raise RecipeError(
                f"only a Hugging Face model of our component takes {' '.join(self.typed())}, and this "
                "pipeline has none"
            )
        changed = []
        if isinstance(network, HFNetwork):
            before, network.shim.precision = network.shim.precision, self.precision or network.shim.precision
            changed += [f"in {self.precision}"] if before != network.shim.precision else []
            changed += self._compute_by(network.shim)
            changed += self._aggregate(found[1])
        return changed + self._read(found[1])

    def _compute_by(self, shim: HFShim) -> list[str]:
        from spanloop.plugin.model.backends import backend_of

        before, shim.backend_name = shim.backend_name, self.backend or shim.backend_name
        backend_of(shim.backend_name)  # says it before a model is loaded for nothing
        named = (
            before != shim.backend_name and self.backend != "auto"
        )  # which names what it takes, once known
        return [f"with {self.backend}"] if named else []

    def _aggregate(self, pipe: HFTokenClassifierPipe) -> list[str]:
        if self.aggregation_strategy is None:
            return []
        before = pipe.model.attrs["aggregation"]
        pipe.model.attrs["aggregation"] = _OURS[self.aggregation_strategy]
        return [f"by {self.aggregation_strategy}"] if before != pipe.model.attrs["aggregation"] else []

    def _read(self, pipe: HFTokenClassifierPipe) -> list[str]:
        if self.scheme is None:
            return []
        if pipe.cfg["annotate"] in ("tag", "pos") and self.scheme != "plain":
            raise RecipeError(
                f"--scheme {self.scheme} is for spans: this model gives each token a tag, which is plain"
            )
        before, pipe.cfg["scheme"] = pipe.scheme, self.scheme
        return [f"as {self.scheme}"] if before != self.scheme else []
