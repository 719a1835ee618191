"""Which of a model's files transformers gets to see: a folder with those alone, their JSON checked and
written anew. Whatever else lies beside them (code, adapters, pickles, templates) is not there for it to find.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spanloop.plugin.model import fields, instead
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.places import Place, commit_of, fetch, listed

CONFIG = "config.json"
_TOKENIZER_CONFIG = "tokenizer_config.json"
_TOKENS_MAP = "special_tokens_map.json"
_ADDED_TOKENS = "added_tokens.json"
_ADAPTER = "adapter_config.json"
_CHECKING = {
    CONFIG: fields.of_config,
    _TOKENIZER_CONFIG: fields.of_tokenizer,
    _TOKENS_MAP: fields.of_tokenizer,
    _ADDED_TOKENS: fields.of_added_tokens,
}
_TEXTS = (*_CHECKING, _ADAPTER)
# Vocabularies and rules, read by tokenizers or sentencepiece as data.
VOCABULARY = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "bpe.codes",
    "entity_vocab.json",
    "spiece.model",
    "spm.model",
    "sentencepiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
    "tiktoken.model",
    "tekken.json",
)
_SAFE = ("model", "safetensors")
_PICKLED = ("pytorch_model", "bin")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Origin:
    """What a model in memory was read from.

    Attributes:
        name: a folder or hub id, as typed.
        revision: the branch, tag or commit of the hub that was asked for.
        commit: the commit of the hub that it was.
        files: those that were read, where they lie.
    """

    name: str
    revision: str | None
    commit: str | None
    files: tuple[Path, ...]

    def json(self) -> dict[str, str | None]:
        """For a round's manifest. A commit says what the files were; those of a folder have a hash."""
        files_hash = None if self.commit is not None else _hash(self.files)
        return {
            "name": self.name,
            "revision": self.revision,
            "commit": self.commit,
            "files_hash": files_hash,
        }


@dataclass(frozen=True, slots=True)
class Checked:
    """A folder of checked files, there for as long as the model is being read.

    Attributes:
        folder: what transformers is given.
        config: what stands in its ``config.json``.
        tokenizer: what stands in its ``tokenizer_config.json``.
        safe: its weights are safetensors, not pickled.
        origin: where all of it comes from.
    """

    folder: Path
    config: fields.Fields
    tokenizer: fields.Fields
    safe: bool
    origin: Origin


@contextmanager
def checked(place: Place, *, allow_pickle: bool) -> Iterator[Checked]:
    """Within it, the model's files that are data, in a folder of their own.

    Args:
        place: where the model lies.
        allow_pickle: read pickled weights where there are no others.

    Raises:
        ModelError: where a file leads to code or to another place, or one is missing.
    """
    source, whose = _fetched(place, allow_pickle), f"the model {place.spelled!r} is not loaded"
    with tempfile.TemporaryDirectory(prefix="spanloop-model-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        texts = _texts(source, whose, place)
        for file, text in texts.items():
            (folder / file).write_text(json.dumps(text), encoding="utf-8")
        weights, safe = _weights(source, folder, place, allow_pickle)
        vocabulary = [file for file in VOCABULARY if (source / file).is_file()]
        for file in (*vocabulary, *weights):
            _link(source / file, folder / file)
        read = sorted({path.name for path in folder.iterdir()})
        origin = Origin(place.name, place.revision, commit_of(source), tuple(source / file for file in read))
        yield Checked(folder, texts[CONFIG], texts.get(_TOKENIZER_CONFIG, {}), safe, origin)


def look_at(place: Place) -> None:
    """ModelError for a folder whose JSON leads to code or to another place, or whose weights do. Reads no
    weights, and asks no hub."""
    if place.folder is not None:
        _texts(place.folder, f"the model {place.spelled!r} is not used", place)
        if not _is_safe(place.folder):
            raise _without_weights(place, place.folder, allow_pickle=False)


def _of_kind(kind: tuple[str, str]) -> tuple[str, str, str]:
    """The names that weights of this kind have: in one file, in several, and their index."""
    stem, end = kind
    return f"{stem}.{end}", f"{stem}-*.{end}", f"{stem}.{end}.index.json"


def _fetched(place: Place, allow_pickle: bool) -> Path:
    """The folder with the model's files; pickled weights are downloaded only where there are no others."""
    source = fetch(place, (*_TEXTS, *VOCABULARY, *_of_kind(_SAFE)))
    if allow_pickle and not _is_safe(source):
        return fetch(place, (*_TEXTS, *VOCABULARY, *_of_kind(_PICKLED)))
    return source


def _is_safe(source: Path) -> bool:
    whole, _, index = _of_kind(_SAFE)
    return (source / whole).is_file() or (source / index).is_file()


def _texts(source: Path, whose: str, place: Place) -> dict[str, fields.Fields]:
    """What may be seen of each of the model's JSON files."""
    if (source / _ADAPTER).is_file():
        raise ModelError(
            f"{whose}: its {_ADAPTER} makes it an adapter of another model; merge it into that model "
            "(merge_and_unload of peft) and name the folder where the result is saved"
        )
    if not (source / CONFIG).is_file():
        if line := instead.without_config(_names(place, source), place.spelled, _kind(place)):
            raise ModelError(line)
        raise ModelError(f"{whose}: it has no {CONFIG}, which every model of Hugging Face has")
    texts = {}
    try:
        for file, checking in _CHECKING.items():
            if (source / file).is_file():
                texts[file] = checking(fields.read(source / file, whose), f"{whose}: its {file}")
    except RecursionError as error:
        raise ModelError(f"{whose}: its fields are nested too deeply to be those of a model") from error
    return texts


def _weights(source: Path, folder: Path, place: Place, allow_pickle: bool) -> tuple[Sequence[str], bool]:
    """The files of weights to read, and whether they are safetensors."""
    whose = f"the model {place.spelled!r} is not loaded"
    for kind in (_SAFE, _PICKLED) if allow_pickle else (_SAFE,):
        whole, _, index = _of_kind(kind)
        if (source / whole).is_file():
            return [whole], kind == _SAFE
        if (source / index).is_file():
            table = fields.of_index(fields.read(source / index, whose), kind[1], whose)
            shards = sorted(set(table["weight_map"].values()))
            missing = [shard for shard in shards if not (source / shard).is_file()]
            if missing:
                raise ModelError(f"{whose}: it lacks {missing[0]}, which its index of weights names")
            (folder / index).write_text(json.dumps(table), encoding="utf-8")
            return shards, kind == _SAFE
    raise _without_weights(place, source, allow_pickle=allow_pickle)


def _without_weights(place: Place, source: Path, *, allow_pickle: bool) -> ModelError:
    names, kind = _names(place, source), _kind(place)
    return ModelError(instead.without_weights(names, place.spelled, kind, allow_pickle=allow_pickle))


def _kind(place: Place) -> str:
    return "folder" if place.folder is not None else "repository"


def _names(place: Place, source: Path) -> list[str]:
    """The files of a folder; of a repository, where the hub can be asked, those that it has, else none: what
    was downloaded are the files asked for."""
    return instead.names_in(source) if place.folder is not None else listed(place)


def _link(file: Path, link: Path) -> None:
    """Weights are large: they stay where they are, unless the system has no links for everyone."""
    target = file.resolve()
    try:
        link.symlink_to(target)
    except OSError:
        shutil.copyfile(target, link)


def _hash(files: Sequence[Path]) -> str:
    """SHA-256 over the names, sizes and content of these files, in this order."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
