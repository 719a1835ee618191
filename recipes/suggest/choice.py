"""What of a model's answer is taken: its labels under other names, and spans that are sure enough. One value
for predict, prelabel, the recipes for Prodigy and the backend of Label Studio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.report import Shape, Share

if TYPE_CHECKING:
    from spacy.language import Language


@dataclass(frozen=True, slots=True)
class Used(Shape):
    """How the answer of a model was read."""

    label_map: Mapping[str, str] = field(default_factory=dict)
    """The new name of each of its labels that has one; empty where the label is dropped."""
    thresholds: Mapping[str, Share] = field(default_factory=dict)
    """How sure it must be of a span of each label; `*` is for all others."""
    component: str = ""
    """Which component of ours was asked, where the pipeline has several; empty elsewhere."""

    def stored(self) -> dict[str, Any]:
        """What the store keeps with the model: what there is to say of it, empty where that is nothing."""
        found = {
            "label_map": dict(self.label_map),
            "thresholds": dict(self.thresholds),
            "component": self.component,
        }
        return {name: value for name, value in found.items() if value}

    def text(self) -> str:
        """All of it in words, empty where there is nothing to say."""
        from spanloop.plugin.tagging.label_map import typed_map
        from spanloop.plugin.tagging.thresholds import typed_thresholds

        parts = [f"component {self.component}"] if self.component else []
        parts += [f"labels {typed_map(self.label_map)}"] if self.label_map else []
        parts += [f"threshold {typed_thresholds(self.thresholds)}"] if self.thresholds else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Choice:
    """``label_map``: the new name of a label, empty to drop it. ``thresholds`` by label, ``*`` for all
    others; None: as the pipeline was saved. ``component``: which one of ours is asked, where a pipeline has
    several; None: the one that writes what the project is about and knows most of its labels."""

    label_map: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, float] | None = None
    component: str | None = None

    @classmethod
    def typed(cls, label_map: str | None, threshold: str | None, component: str | None = None) -> Choice:
        """What was typed: ``PER=PERSON,MISC=``, ``0.5,PER=0.6`` and a name. RecipeError where it is none."""
        from spanloop.plugin.tagging.label_map import LabelMapError, read_map
        from spanloop.plugin.tagging.thresholds import ThresholdError, read_thresholds

        try:
            return cls(
                read_map(label_map) if label_map else {},
                read_thresholds(threshold) if threshold else None,
                component or None,
            )
        except (LabelMapError, ThresholdError) as error:
            raise RecipeError(str(error)) from error

    def apply(self, nlp: Language) -> Used:
        """Have the pipeline answer so, and tell how it answers. RecipeError where a label is not there, and
        for a threshold where no component gives confidences."""
        from spanloop.plugin.pipe.results import check
        from spanloop.plugin.tagging.label_map import LabelMapError
        from spanloop.plugin.tagging.thresholds import ThresholdError
        from spanloop.recipes.suggest.our_component import classifier

        found = classifier(nlp)
        if found is None:
            return self._of_another(nlp)
        pipe = found[1]
        if self.label_map:
            pipe.cfg["label_map"] = dict(self.label_map)
        try:
            if self.thresholds is not None:
                pipe.threshold = self.thresholds
            check(pipe)
        except (LabelMapError, ThresholdError) as error:
            raise RecipeError(str(error)) from error
        return used_by(nlp)

    def _of_another(self, nlp: Language) -> Used:
        """A pipeline of others: its labels are renamed where its entities are read."""
        if self.thresholds is not None:
            raise RecipeError(
                "a threshold needs confidences, and no component of this pipeline gives any: leave the "
                "threshold out"
            )
        known = labels_of(nlp)
        strangers = [label for label in self.label_map if known and label not in known]
        if strangers:
            raise RecipeError(
                f"the label map names {', '.join(map(repr, strangers))}, which the pipeline does not have; "
                f"its labels are {', '.join(known)}"
            )
        return Used(dict(self.label_map))

    def labels(self, known: Sequence[str]) -> list[str]:
        """The labels of a pipeline of others as they are called here."""
        from spanloop.plugin.tagging.label_map import renamed

        return renamed(known, self.label_map)


def labels_of(nlp: Language) -> list[str]:
    """The labels of our component that is meant, else of all components of a pipeline, each once."""
    from spanloop.recipes.suggest.our_component import classifier

    found = classifier(nlp)
    if found is not None:
        return list(found[1].labels)
    labels = (str(label) for name in nlp.pipe_names for label in nlp.pipe_labels.get(name, []))
    return list(dict.fromkeys(labels))


def used_by(nlp: Language) -> Used:
    """How the pipeline's own settings have its answer read."""
    from spanloop.plugin.tagging.thresholds import in_force
    from spanloop.recipes.suggest.our_component import classifier, ours

    found = classifier(nlp)
    if found is None:
        return Used()
    name, pipe = found
    component = name if len(ours(nlp)) > 1 else ""
    return Used(pipe.label_map, in_force(pipe.threshold), component)
