"""The layers of a CAS: which of its annotations are the spans, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.entry import ReadOptions
from spanloop.recipes.formats.uima import ANNOTATION, STRING

if TYPE_CHECKING:
    from cassis import Cas
    from cassis.typesystem import Type

DKPRO = "de.tudarmstadt.ukp.dkpro.core.api."
ENTITY, PART = f"{DKPRO}ner.type.NamedEntity", f"{DKPRO}lexmorph.type.pos.POS"
TOKEN, SENTENCE = f"{DKPRO}segmentation.type.Token", f"{DKPRO}segmentation.type.Sentence"
METADATA = f"{DKPRO}metadata.type.DocumentMetaData"
VALUES = {"spans": (ENTITY, "value"), "tags": (PART, "PosValue")}
_NOT_SPANS = (DKPRO, "uima.", "de.tudarmstadt.ukp.clarin.webanno.", "de.tudarmstadt.ukp.inception.")
_RELATION = ("Governor", "Dependent")


@dataclass(frozen=True, slots=True)
class Layer:
    """Annotations of one type (with its subtypes), named by a feature; ``feature`` None: by their type."""

    type: Type
    feature: str | None

    @property
    def short(self) -> str:
        """As ``--columns`` takes it: ``NamedEntity.value``."""
        return self._with(self.type.short_name)

    @property
    def long(self) -> str:
        """The same with the package of the type."""
        return self._with(self.type.name)

    def _with(self, name: str) -> str:
        return name if self.feature is None else f"{name}.{self.feature}"

    def label_of(self, annotation: Any) -> str | None:
        """What an annotation of it is called; None where its feature has no value."""
        if self.feature is None:
            return str(annotation.type.short_name)
        value = annotation[self.feature]
        return value if isinstance(value, str) and value.strip() else None


def chosen(path: Path, view: Cas, options: ReadOptions) -> list[Layer]:
    """The layers whose annotations are the spans: those that were named, else that of named entities (in a
    tags project of parts of speech) where the document has such, else the only one that it has.

    Args:
        path: The file, for messages.
        view: The text with its annotations.
        options: ``columns`` names layers: ``NamedEntity.value``, or a type alone whose name is the label.

    Returns:
        The layers; none where the document has no annotation that could be a span.

    Raises:
        FormatError: No layer has such a name, or several could be meant.
    """
    known = list(_layers(view))
    if options.columns:
        return [layer for name in options.columns for layer in _named(path, name, known)]
    usual = [layer for layer in known if (layer.type.name, layer.feature) == VALUES[options.task]]
    if options.task == "tags" or (usual and view.select(usual[0].type)):
        return usual
    there = [layer for layer in known if view.select(layer.type) and _may_be_spans(layer.type)]
    if len(there) > 1:
        names = ", ".join(sorted(layer.short for layer in there))
        raise FormatError(path, None, f"which annotations are the spans? --columns takes {names}")
    return there


def _layers(view: Cas) -> Iterator[Layer]:
    """Every type of annotations, a layer for each of its features that is a text; else the type itself."""
    for kind in view.typesystem.get_types(built_in=False):
        if not view.typesystem.is_instance_of(kind, ANNOTATION):
            continue
        texts = [one.name for one in kind.all_features if one.rangeType.name == STRING]
        yield from (Layer(kind, name) for name in texts or (None,))


def _may_be_spans(kind: Type) -> bool:
    """Whether it is a layer that somebody made, and no relation of one."""
    features = {feature.name for feature in kind.all_features}
    return not kind.name.startswith(_NOT_SPANS) and not features.issuperset(_RELATION)


def _named(path: Path, name: str, known: Sequence[Layer]) -> list[Layer]:
    """The layers of that name, in short or with the package; of a type alone, whatever its features."""
    found = [layer for layer in known if name in (layer.short, layer.long)]
    if found:
        return found
    kinds = {
        layer.type.name: layer.type for layer in known if name in (layer.type.short_name, layer.type.name)
    }
    if not kinds:
        names = ", ".join(
            sorted({layer.short for layer in known if _may_be_spans(layer.type)} | {"NamedEntity.value"})
        )
        raise FormatError(path, None, f"there are no annotations called {name!r}: --columns takes {names}")
    return [Layer(kind, None) for kind in kinds.values()]


def unread(view: Cas, layers: Sequence[Layer]) -> Iterator[tuple[str, int]]:
    """The layers of people's making with annotations that are not read: name, and how many."""
    read = {kind.name for layer in layers for kind in layer.type.descendants}
    for kind in view.typesystem.get_types(built_in=False):
        entity = kind.name == ENTITY or _may_be_spans(kind)
        if kind.name in read or not entity or not view.typesystem.is_instance_of(kind, ANNOTATION):
            continue
        number = sum(one.type.name == kind.name for one in view.select(kind))
        if number:
            yield kind.short_name, number
