"""The labelling configuration: where a project keeps its text and which labels it gives to characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.labelstudio import FIELD, FROM_NAME, TO_NAME
from spanloop.store.records import Label

MOST_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Layout:
    """``from_name`` and ``to_name`` stand in every region; ``field`` of a task's data holds the text.

    ``labels`` None: the configuration takes them from the task.
    """

    from_name: str
    to_name: str
    field: str
    labels: tuple[str, ...] | None

    def strangers(self, ours: Iterable[str]) -> tuple[str, ...]:
        """Its labels that the project here does not have."""
        known = set(ours)
        return tuple(label for label in self.labels or () if label not in known)

    def offered(self, ours: Iterable[str]) -> tuple[str, ...]:
        """The labels of ours that can be chosen there."""
        return tuple(label for label in ours if self.labels is None or label in self.labels)


def read_layout(xml: object, ours: Iterable[str] = ()) -> Layout:
    """Find the Labels tag over a Text tag; of several, the one that shares most labels with ``ours``.

    RecipeError for what is no XML, has a DOCTYPE or entities, or labels no plain text.
    """
    if not isinstance(xml, str) or len(xml) > MOST_CHARACTERS:
        raise RecipeError("the labelling configuration is missing or longer than a million characters")
    try:
        root = fromstring(xml, forbid_dtd=True)
    except DefusedXmlException as error:
        raise RecipeError("the labelling configuration has a DOCTYPE or entities: remove them") from error
    except (ElementTree.ParseError, ValueError) as error:
        raise RecipeError(f"the labelling configuration is no XML: {error}") from error
    texts = {tag.get("name", ""): _field(tag) for tag in root.iter("Text")}
    found = [
        Layout(tag.get("name", ""), to_name, field, _labels(tag))
        for tag in root.iter("Labels")
        for to_name in tag.get("toName", "").split(",")
        if (field := texts.get(to_name)) and tag.get("name")
    ]
    if not found:
        raise RecipeError(
            "the labelling configuration has no <Labels> over a <Text> whose value is a field such as $text: "
            "spanloop labels characters of plain text"
        )
    known = set(ours)
    return max(found, key=lambda layout: len(known & set(layout.labels or ())))


def _field(tag: Element) -> str:
    """The field of the data that a Text tag shows; empty where it shows none, or a file behind an address."""
    value = tag.get("value", "")
    if not value.startswith("$") or tag.get("valueType") == "url":
        return ""
    return value[1:]


def _labels(tag: Element) -> tuple[str, ...] | None:
    if tag.get("value", "").startswith("$"):
        return None
    names = [label.get("alias") or label.get("value") for label in tag.iter("Label")]
    return tuple(name for name in names if name)


def write_layout(labels: Sequence[Label]) -> str:
    """The configuration of a project with these labels, in their colours."""
    view = Element("View")
    control = ElementTree.SubElement(view, "Labels", name=FROM_NAME, toName=TO_NAME)
    for label in labels:
        attributes = {"value": label.name, **({"background": label.colour} if label.colour else {})}
        ElementTree.SubElement(control, "Label", attributes)
    ElementTree.SubElement(view, "Text", name=TO_NAME, value=f"${FIELD}")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode")
