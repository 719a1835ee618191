"""A CAS of UIMA from its file, by dkpro-cassis: XMI with its type system, or JSON, which has it inside.

XMI without a type system beside it is read by the names that stand in it. Offsets in these files count UTF-16
code units; cassis makes code points of them.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler, feature_namespaces

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats.entry import Notes

if TYPE_CHECKING:
    from cassis import Cas, TypeSystem

ANNOTATION, STRING, STRINGS, TOP = (
    "uima.tcas.Annotation",
    "uima.cas.String",
    "uima.cas.StringArray",
    "uima.cas.TOP",
)
TYPE_SYSTEM = "TypeSystem.xml"
_XMI = "http://www.omg.org/XMI"
_BEGIN, _END = "http:///", ".ecore"
_OWN = frozenset({"id", "sofa", "begin", "end"})
_NO_PLACE = re.compile(r"Not mapping external offset \[(-?\d+)\].*\[0-(\d+)\]")


def needs_cassis(does: str) -> None:
    """RecipeError with what to install, where dkpro-cassis is not here; ``does``: is read, is written."""
    try:
        import cassis  # noqa: F401
    except ImportError as error:
        raise RecipeError(f"UIMA's XMI {does} with dkpro-cassis: pip install 'spanloop[xmi]'") from error


@dataclass(frozen=True, slots=True)
class Loaded:
    """A CAS, and the ids of annotations that begin or end inside a character, which has two units there."""

    cas: Cas
    inside: frozenset[int] = frozenset()


def load(path: Path, notes: Notes) -> Loaded:
    """The CAS of a file.

    Args:
        path: XMI, with ``TypeSystem.xml`` beside it or in the folder above, or JSON.
        notes: Told of types that the type system lacks, and of a missing type system.

    Returns:
        The CAS with offsets in code points; those that no text has are as they were.

    Raises:
        RecipeError: dkpro-cassis is not here.
        FormatError: It is no CAS.
    """
    needs_cassis("is read")
    with path.open("rb") as file:
        is_json = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    between: set[int] = set()
    with _told(path, notes, between):
        cas, places = _from_json(path) if is_json else _from_xmi(path, notes)
        cut = {one for one, edges in places() if not between.isdisjoint(edges)} if between else ()
        return Loaded(cas, frozenset(cut))


Places = Callable[[], Iterable[tuple[int, tuple[int, int]]]]
"""The ids of a file's annotations with their edges as they stand there."""


def _from_xmi(path: Path, notes: Notes) -> tuple[Cas, Places]:
    from cassis import load_cas_from_xmi

    names = _names_in(path)
    described = _type_system_of(path)
    if described is None:
        notes.add(f"no {TYPE_SYSTEM} lies beside {path.name}: read by the names in it")
        return load_cas_from_xmi(path, typesystem=names.type_system()), names.places.items
    changed = described.stat()
    known = _type_system(described, changed.st_size, changed.st_mtime_ns)
    return load_cas_from_xmi(path, typesystem=known, lenient=True), names.places.items


def _from_json(path: Path) -> tuple[Cas, Places]:
    from cassis import load_cas_from_json

    with path.open(encoding="utf-8-sig") as file:
        content = file.read()

    def places() -> Iterator[tuple[int, tuple[int, int]]]:
        structures = json.loads(content)["%FEATURE_STRUCTURES"]
        listed = (
            structures
            if isinstance(structures, list)
            else [{**one, "%ID": key} for key, one in structures.items()]
        )
        return (
            (int(one["%ID"]), (one["begin"], one["end"])) for one in listed if "begin" in one and "end" in one
        )

    return load_cas_from_json(content), places


@contextmanager
def _told(path: Path, notes: Notes, between: set[int]) -> Iterator[None]:
    """What cassis and its XML parser raise is one FormatError; what they warn of is told, but for offsets.
    ``between``: gets those between the two units of a character; one outside the text is the ledger's."""
    from cassis.typesystem import TypeNotFoundError
    from lxml.etree import LxmlError

    failures = (
        LxmlError,
        TypeNotFoundError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        RuntimeError,
    )

    def listen(message: Warning | str, *_about: Any, **_more: Any) -> None:
        said = str(message)
        if found := _NO_PLACE.match(said):
            between.update({int(found[1])} if 0 <= int(found[1]) <= int(found[2]) else ())
        else:
            notes.add(f"{path.name}: {' '.join(said.split())[:200]}")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = listen
        try:
            yield
        except RecipeError:
            raise
        except failures as error:
            said = " ".join(str(error).split())[:200]
            raise FormatError(path, None, f"it is no CAS that can be read: {said}") from error


def _type_system_of(path: Path) -> Path | None:
    """The type system beside the file or in the folder above; of a single file ``NAME.xml`` too."""
    places = (path.parent / TYPE_SYSTEM, path.parent / "typesystem.xml", path.parent.parent / TYPE_SYSTEM)
    return next((place for place in places if place.is_file()), None)


@lru_cache(maxsize=4)
def _type_system(path: Path, _size: int, _changed: int) -> TypeSystem:
    """The type system of a file, once for all the documents beside it."""
    from cassis import load_typesystem

    _names_in(path)
    return load_typesystem(path)


@dataclass(slots=True)
class _Names:
    """The types that an XMI speaks of, with their attributes and the elements inside them; the edges of its
    annotations by their ids."""

    attributes: dict[str, set[str]] = field(default_factory=dict)
    inside: dict[str, set[str]] = field(default_factory=dict)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)

    def type_system(self) -> TypeSystem:
        """Every type with what stands in the file as texts; what has a begin and an end is an annotation."""
        from cassis import TypeSystem

        made = TypeSystem()
        for name, attributes in self.attributes.items():
            if not made.contains_type(name):
                placed = {"begin", "end"} <= attributes
                plain = "uima.cas.AnnotationBase" if "sofa" in attributes else TOP
                made.create_type(name, ANNOTATION if placed else plain)
            elif name.startswith("uima.cas."):
                continue
            known = made.get_type(name)
            texts = dict.fromkeys(attributes - _OWN, STRING)
            texts |= dict.fromkeys(self.inside.get(name, ()), STRINGS)
            for feature, kind in texts.items():
                if known.get_feature(feature) is None:
                    made.create_feature(known, feature, kind)
        return made


class _Reading(ContentHandler):
    """Gathers the names as the file passes; nothing of it is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.names = _Names()
        self.within: list[str] = []

    def startElementNS(self, name: tuple[str | None, str], _qname: str | None, attrs: Any) -> None:
        space, local = name
        if len(self.within) == 1 and space is not None and space.startswith(_BEGIN):
            package = space.removeprefix(_BEGIN).removesuffix(_END).replace("/", ".")
            whole = f"{package}.{local}".removeprefix("uima.noNamespace.")
            values = {key: attrs.getValue((space, key)) for space, key in attrs.getNames()}
            self.names.attributes.setdefault(whole, set()).update(values)
            if {"id", "begin", "end"} <= values.keys():
                self.names.places[int(values["id"])] = (int(values["begin"]), int(values["end"]))
            local = whole
        elif len(self.within) == 2:
            self.names.inside.setdefault(self.within[1], set()).add(local)
        self.within.append(local)

    def endElementNS(self, _name: tuple[str | None, str], _qname: str | None) -> None:
        self.within.pop()


def _names_in(path: Path) -> _Names:
    """Read a file of XML from somebody else once, before any parser that would follow what it names.
    FormatError where it has a document type (which XMI never has), or is no XML."""
    from defusedxml import DefusedXmlException
    from defusedxml.sax import make_parser

    parser = make_parser()
    parser.forbid_dtd = True
    parser.setFeature(feature_namespaces, True)
    reading = _Reading()
    parser.setContentHandler(reading)
    try:
        with path.open("rb") as file:
            parser.parse(file)
    except DefusedXmlException as error:
        raise FormatError(
            path, None, "it has a document type (<!DOCTYPE), which could name other files"
        ) from error
    except SAXParseException as error:
        raise FormatError(path, error.getLineNumber(), f"it is no XML: {error.getMessage()}") from error
    except (SAXException, LookupError, ValueError) as error:
        raise FormatError(path, None, f"it is no XML: {error}") from error
    return reading.names
