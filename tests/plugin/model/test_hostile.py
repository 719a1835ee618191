"""A model from elsewhere is data: none of the ways in which one can ask for code is taken."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from packaging.version import Version
from support.hostile_models import (
    CANARIES,
    REFUSED,
    Bomb,
    Trap,
    build_traps,
    change,
    stand_in_for_kernels,
)
from support.places import ROOT
from support.tiny_models import TAGS

from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.fingerprint import fingerprint
from spanloop.plugin.model.known_classes import FETCHES_KERNELS
from spanloop.plugin.model.pretrained import load, save, stated_tags

WORKER = ROOT / "tests" / "support" / "hostile_worker.py"
# Which spelling reaches the package ``kernels`` (CVE-2026-4372 is the first; later ones take public fields).
_KERNELS_OLD = ["kernel_internal", "kernel"]
_KERNELS_NEW = ["kernel", "kernel_public", "kernel_of_the_known_community"]


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trap]:
    return build_traps(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers.utils import import_utils

    version = getattr(import_utils, "KERNELS_MIN_VERSION", "0.6.0")
    return stand_in_for_kernels(tmp_path_factory.mktemp("kernels"), version)


def work(how: str, traps: Sequence[Trap], kernels: Path) -> list[str]:
    """What comes of each, where kernels could be fetched."""
    folders = [str(trap.folder) for trap in traps]
    canaries = traps[0].canary.parent
    surroundings = {
        **os.environ,
        CANARIES: str(canaries),
        "PYTHONPATH": str(kernels),
        "HF_MODULES_CACHE": str(canaries.parent / "modules"),
    }
    done = subprocess.run(
        [sys.executable, str(WORKER), how, *folders], env=surroundings, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told: list[str] = json.loads(done.stdout.strip().rpartition("\n")[2])
    return told


@pytest.fixture(scope="module")
def refusals(traps: dict[str, Trap], kernels: Path) -> dict[str, str]:
    return dict(zip(traps, work("spanloop", list(traps.values()), kernels), strict=True))


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_one_line_and_none_of_its_code_has_run(
    name: str, traps: dict[str, Trap], refusals: dict[str, str]
) -> None:
    line = refusals[name]
    assert REFUSED[name][1] in line
    assert str(traps[name].folder) in line
    assert "\n" not in line
    assert not traps[name].canary.exists()


def test_the_traps_are_live(tmp_path: Path, kernels: Path) -> None:
    """Whoever trusts them runs their code: else the tests above would say nothing."""
    traps = build_traps(tmp_path)
    live = ["auto_map", "auto_map_beside_a_known_type", "auto_map_of_the_tokenizer", "adapter_alone"]
    here = Version(version("transformers"))
    if here >= Version("4.53"):  # the releases before know no kernels of a hub
        live += _KERNELS_OLD if here < Version("5.3") else _KERNELS_NEW
    work("transformers", [traps[name] for name in live], kernels)
    assert [name for name in live if not traps[name].canary.exists()] == []


def test_pickled_weights_are_read_as_data_even_where_they_are_allowed(tmp_path: Path) -> None:
    trap = build_traps(tmp_path)["pickle"]
    with pytest.raises(ModelError, match="no token classifier can be read from") as caught:
        load(str(trap.folder), allow_pickle=True)
    assert "\n" not in str(caught.value)
    assert not trap.canary.exists()
    with contextlib.suppress(TypeError, AttributeError):  # what comes out of it is no table of weights
        torch.load(trap.folder / "pytorch_model.bin", weights_only=False)
    assert trap.canary.exists()


@pytest.fixture
def model(folder: Path, tmp_path: Path) -> Path:
    """A good model that a test may spoil."""
    return Path(shutil.copytree(folder, tmp_path / "model"))


def test_code_that_lies_beside_a_model_is_not_run(model: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for name in ("handler.py", "modeling_bert.py", "custom_generate/generate.py", "sitecustomize.py"):
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_text(f"open({str(canary)!r}, 'w')", "utf-8")
    torch.save({"classifier.bias": Bomb(canary)}, model / "pytorch_model.bin")
    assert load(str(model)).tags == TAGS
    assert not canary.exists()


@pytest.mark.parametrize("file", ["tokenizer_config.json", "special_tokens_map.json"])
@pytest.mark.parametrize("field", ["tokenizer_file", "vocab_file", "tokenizer_object", "chat_template"])
def test_a_tokenizer_is_read_from_its_own_folder_alone(
    file: str, field: str, model: Path, folders: dict[str, Path]
) -> None:
    plain = fingerprint(load(str(model)))
    change(model, file, **{field: str(folders["unigram"] / "tokenizer.json")})
    assert fingerprint(load(str(model))) == plain


def test_what_names_a_place_does_not_go_on_into_what_is_saved(model: Path, tmp_path: Path) -> None:
    named = {"backbone": "stranger/net", "text": {"at": "https://example.org/x"}, "files": ["a/b", "c"]}
    change(
        model, _name_or_path="stranger/other", _auto_class="X", _commit_hash="y", words="gelu_new", **named
    )
    (model / "chat_template.jinja").write_text("{{ x }}", "utf-8")
    save(load(str(model)), tmp_path / "saved")
    written = "".join(path.read_text("utf-8") for path in (tmp_path / "saved").glob("*.json"))
    assert not [word for word in ("stranger", "example.org", "a/b", "_auto_class") if word in written]
    assert "gelu_new" in written
    assert not list((tmp_path / "saved").glob("*.jinja"))


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-50])


DAMAGE = {
    "no JSON": lambda model: (model / "config.json").write_text("{", "utf-8"),
    "no text": lambda model: (model / "config.json").write_bytes(b"\xff\xfe\x00"),
    "no fields": lambda model: (model / "config.json").write_text("[1]", "utf-8"),
    "deep": lambda model: (model / "config.json").write_text('{"a":' * 900 + "1" + "}" * 900, "utf-8"),
    "deeper": lambda model: (model / "config.json").write_text("[" * 200_000, "utf-8"),
    "a number of 5,000 digits": lambda model: (model / "config.json").write_text(f'{{"a": {"9" * 5000}}}'),
    "no config": lambda model: (model / "config.json").unlink(),
    "labels in a list": lambda model: change(model, id2label=["O", "B-PER"]),
    "labels with gaps": lambda model: change(model, id2label={"0": "O", "7": "B-PER"}),
    "labels that are none": lambda model: change(model, id2label={"0": {"auto_map": "x"}}),
    "endless layers": lambda model: change(model, num_hidden_layers=10**12),
    "an endless size": lambda model: change(model, hidden_size=10**12),
    "weights cut short": lambda model: _cut(model / "model.safetensors"),
    "weights that are none": lambda model: (model / "model.safetensors").write_bytes(b"x" * 100),
    "a tokenizer cut short": lambda model: _cut(model / "tokenizer.json"),
    "a tokenizer that is none": lambda model: (model / "tokenizer.json").write_text("{}", "utf-8"),
    "special tokens that are none": lambda model: change(
        model, "tokenizer_config.json", added_tokens_decoder={"x": {"y": "z"}}
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_model_is_one_line(what: str, model: Path) -> None:
    DAMAGE[what](model)
    with pytest.raises(ModelError) as caught:
        load(str(model))
    assert str(model) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert stated_tags(str(model)) in ((), TAGS)


@pytest.mark.filterwarnings("ignore")  # torch says of some sizes that nothing is left of them
@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_whatever_a_field_holds_the_model_is_read_or_refused_in_a_line(file: str, model: Path) -> None:
    fields = json.loads((model / file).read_text("utf-8"))
    for name in [*fields, "attention_dropout", "torch_dtype", "tokenizer_class", "additional_special_tokens"]:
        for value in (None, "x", -1, 0, 1.5, [], {}, [[]], {"0": 1}, True):
            (model / file).write_text(json.dumps({**fields, name: value}), "utf-8")
            try:
                told = f"a model of {len(load(str(model)).tags)} tags"
            except ModelError as error:
                told = str(error)
            assert len(told.splitlines()) == 1, (name, value)


def test_the_architectures_that_fetch_kernels_unasked_are_known() -> None:
    """They are refused where the package that fetches is installed: so none may be missing."""
    from transformers import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING

    fetches = re.compile(r"\b(get_kernel|lazy_load_kernel)\(")
    found = set()
    for config_class in MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING:
        kind = config_class.model_type
        folder = Path(sys.modules[config_class.__module__].__file__ or "").parent
        if any(fetches.search(file.read_text("utf-8")) for file in folder.glob("modeling_*.py")):
            found.add(kind)
    assert found <= set(FETCHES_KERNELS)
