"""Which packages lie here, and which of them do not go together: read from what each says of itself, without
loading any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from spanloop.recipes.report import Shape

NEEDED = (
    "spanloop",
    "spacy",
    "transformers",
    "tokenizers",
    "huggingface-hub",
    "torch",
    "accelerate",
    "safetensors",
    "numpy",
    "scipy",
    "seqeval",
    "sqlite-utils",
)
OPTIONAL = ("spacy-transformers", "peft", "matplotlib", "openvino", "nncf", "onnxruntime", "onnx")
# What a package says of torch and accelerate stands where it says how it is installed with them.
_EXTRAS = ("", "torch")
_ENCODER = "spacy-transformers"


@dataclass(frozen=True, slots=True)
class BadPair(Shape):
    """``package`` takes only certain releases of ``other``, and another one lies here."""

    package: str
    version: str
    other: str
    other_version: str
    wants: str
    """The releases of ``other`` that ``package`` takes, as pip writes them."""
    advice: str
    """What to type: the one to remove comes first where spanloop does without it."""

    @classmethod
    def of(cls, package: str, version: str, other: str, other_version: str, wants: str) -> BadPair:
        """The pair, with what to do about it."""
        install = f"pip install '{other}{wants}'"
        advice = f"pip uninstall {package}, or {install}" if package in OPTIONAL else install
        return cls(package, version, other, other_version, wants, advice)

    @property
    def what(self) -> str:
        return (
            f"{self.package} {self.version} wants {self.other}{self.wants}, "
            f"and {self.other} {self.other_version} is installed"
        )


def installed(names: Sequence[str] = (*NEEDED, *OPTIONAL)) -> dict[str, str | None]:
    """The version of each package, None where it is not there."""
    return {name: None if (found := _find(name)) is None else found.version for name in names}


def bad_pairs(names: Sequence[str] = (*NEEDED, *OPTIONAL)) -> tuple[BadPair, ...]:
    """The packages among ``names`` that want another release of one of them than the one that is here."""
    versions = installed(names)
    found = [
        BadPair.of(name, version, other, other_version, str(wish.specifier))
        for name, version in versions.items()
        if version is not None
        for wish in _wishes(name)
        if (other := canonicalize_name(wish.name)) in versions
        and (other_version := versions[other]) is not None
        and not wish.specifier.contains(other_version, prereleases=True)
    ]
    return tuple(dict.fromkeys(found))


def why_spacy_stops(error: BaseException | None) -> str | None:
    """One line in place of an import that failed because spacy-transformers lies beside a transformers that
    it does not know: spaCy imports it for every pipeline, whether it is used or not. None for any other
    error."""
    while error is not None and not isinstance(error, ImportError):
        error = error.__cause__ or error.__context__
    pair = next((pair for pair in bad_pairs((_ENCODER, "transformers")) if pair.package == _ENCODER), None)
    if error is None or pair is None:
        return None
    return f"spaCy cannot start: {pair.what}; {pair.advice}"


def _find(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _wishes(name: str) -> Iterator[Requirement]:
    """What a package wants of others, those that an extra of torch asks for included."""
    found = _find(name)
    for line in (found.requires if found else None) or ():
        wish = Requirement(line)
        if wish.marker is None or any(wish.marker.evaluate({"extra": extra}) for extra in _EXTRAS):
            yield wish
