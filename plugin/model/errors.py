"""What is wrong with a model, and what the libraries that read one raise."""

from __future__ import annotations

from pickle import PickleError
from types import TracebackType

# Damaged and hostile files make these libraries raise errors of their own, which have no ancestor in common.
_LIBRARIES = ("safetensors", "safetensors_rust", "tokenizers", "huggingface_hub", "httpx", "transformers")
_RAISED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    PickleError,
    RuntimeError,
    TypeError,
    ValueError,
)


class ModelError(ValueError):
    """A model that cannot be found, read or used: one line that says what to do."""


class reading:
    """Within it, whatever a library says of a file that it cannot use is a ModelError in one line.

    Args:
        what: the line's beginning, such as ``no tokenizer can be read from 'name'``.
        named: what stands in the place of a path in the library's message, by that path.
    """

    def __init__(self, what: str, named: dict[str, str] | None = None) -> None:
        self.what = what
        self.named = named or {}

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, ModelError) or not _of_a_library(error):
            return
        line = first_line(error)
        for path, name in self.named.items():
            line = line.replace(path, name)
        raise ModelError(f"{self.what}: {line}") from error


def _of_a_library(error: BaseException) -> bool:
    # tokenizers raises a bare Exception for a file that it cannot read
    return (
        isinstance(error, _RAISED)
        or type(error) is Exception
        or type(error).__module__.partition(".")[0] in _LIBRARIES
    )


def first_line(error: BaseException) -> str:
    """The first line of a library's message."""
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
