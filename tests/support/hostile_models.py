"""Model folders that want to run code, each in another way: whoever runs it leaves a file, the canary."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from support.tiny_models import build_tiny

CANARIES = "SPANLOOP_CANARIES"
"""Names, in the environment, the folder in which the stand-in for ``kernels`` leaves what it is asked for."""


@dataclass(frozen=True)
class Trap:
    """A folder with a hostile model. ``canary``: what is there once its code has run."""

    folder: Path
    canary: Path


class Bomb:
    """What runs code as soon as it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.canary, "ran")


def change(folder: Path, file: str = "config.json", **fields: Any) -> None:
    """Set fields of a JSON file of the model."""
    path = folder / file
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    path.write_text(json.dumps({**known, **fields}), "utf-8")


def _with_code(trap: Trap, *names: str) -> None:
    """Program files, as a repository with an architecture of its own has them."""
    for name in names:
        path = trap.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"from pathlib import Path\nPath({str(trap.canary)!r}).write_text('ran')\n"
            "from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast\n"
            "class C(BertConfig):\n    model_type = 'evil'\n"
            "class M(BertForTokenClassification):\n    config_class = C\n"
            "class T(PreTrainedTokenizerFast):\n    pass\n",
            "utf-8",
        )


_MAP = {"AutoConfig": "evil.C", "AutoModelForTokenClassification": "evil.M"}


def _auto_map(trap: Trap) -> None:
    _with_code(trap, "evil.py")
    change(trap.folder, auto_map=_MAP, model_type="evil")


def _auto_map_beside_a_known_type(trap: Trap) -> None:
    _with_code(trap, "evil.py")
    change(trap.folder, auto_map=_MAP)


def _auto_map_of_another_repository(trap: Trap) -> None:
    change(trap.folder, auto_map={"AutoConfig": "stranger/code--evil.C"})


def _auto_map_of_the_tokenizer(trap: Trap) -> None:
    _with_code(trap, "evil.py")
    change(trap.folder, "tokenizer_config.json", auto_map={"AutoTokenizer": [None, "evil.T"]})


def _auto_map_of_a_part(trap: Trap) -> None:
    _with_code(trap, "evil.py")
    change(trap.folder, text_config={"model_type": "evil", "auto_map": _MAP})


def _kernel(**fields: str) -> Callable[[Trap], None]:
    """A field that names a kernel of a hub; the stand-in for ``kernels`` leaves the canary of that name."""

    def build(trap: Trap) -> None:
        change(trap.folder, **{name: value.format(trap.canary.name) for name, value in fields.items()})

    return build


def _kernel_of_a_part(trap: Trap) -> None:
    named = f"stranger/{trap.canary.name}:forward"
    change(trap.folder, text_config={"_attn_implementation_internal": named})


def _kernel_by_part(trap: Trap) -> None:
    change(trap.folder, _attn_implementation={"": f"stranger/{trap.canary.name}:forward"})


def _quantization(trap: Trap) -> None:
    change(trap.folder, quantization_config={"quant_method": "fp8", "modules_to_not_convert": ["evil.M"]})


def _adapter(trap: Trap) -> None:
    """Beside a whole model, so that only the adapter leads elsewhere."""
    base = Trap(trap.folder.with_name(f"{trap.folder.name}-base"), trap.canary)
    shutil.copytree(trap.folder, base.folder)
    _auto_map(base)
    change(
        trap.folder,
        "adapter_config.json",
        base_model_name_or_path=str(base.folder),
        peft_type="LORA",
        task_type="TOKEN_CLS",
    )


def _adapter_alone(trap: Trap) -> None:
    _adapter(trap)
    (trap.folder / "config.json").unlink()
    (trap.folder / "model.safetensors").unlink()


def _pickle(trap: Trap) -> None:
    (trap.folder / "model.safetensors").unlink()
    torch.save({"classifier.bias": Bomb(trap.canary)}, trap.folder / "pytorch_model.bin")


def _index(trap: Trap, file: str) -> None:
    (trap.folder / "model.safetensors").unlink()
    table = {"metadata": {"total_size": 1}, "weight_map": {"classifier.bias": file}}
    change(trap.folder, "model.safetensors.index.json", **table)


def _index_of_pickles(trap: Trap) -> None:
    torch.save({"classifier.bias": Bomb(trap.canary)}, trap.folder / "weights.bin")
    _index(trap, "weights.bin")


def _index_of_another_place(trap: Trap) -> None:
    elsewhere = trap.folder.with_name(f"{trap.folder.name}-elsewhere")
    elsewhere.mkdir()
    shutil.copy(trap.folder / "model.safetensors", elsewhere)
    _index(trap, f"../{elsewhere.name}/model.safetensors")


def _tokenizer_that_is_a_model(trap: Trap) -> None:
    change(trap.folder, "tokenizer_config.json", tokenizer_class="AutoModel")


def _setting(**fields: Any) -> Callable[[Trap], None]:
    def build(trap: Trap) -> None:
        change(trap.folder, **fields)

    return build


REFUSED: dict[str, tuple[Callable[[Trap], None], str]] = {
    "auto_map": (_auto_map, "'auto_map'"),
    "auto_map_beside_a_known_type": (_auto_map_beside_a_known_type, "'auto_map'"),
    "auto_map_of_another_repository": (_auto_map_of_another_repository, "'auto_map'"),
    "auto_map_of_the_tokenizer": (_auto_map_of_the_tokenizer, "tokenizer_config.json has 'auto_map'"),
    "auto_map_of_a_part": (_auto_map_of_a_part, "'auto_map'"),
    "kernel_internal": (
        _kernel(_attn_implementation_internal="stranger/{}:forward"),
        "'_attn_implementation_internal'",
    ),
    "kernel": (_kernel(_attn_implementation="stranger/{}:forward"), "'_attn_implementation'"),
    "kernel_public": (_kernel(attn_implementation="stranger/{}:forward"), "'attn_implementation'"),
    "kernel_of_the_known_community": (
        _kernel(attn_implementation="kernels-community/{}"),
        "'attn_implementation'",
    ),
    "kernel_of_a_part": (_kernel_of_a_part, "'_attn_implementation_internal'"),
    "kernel_by_part": (_kernel_by_part, "'_attn_implementation'"),
    "kernel_of_experts": (
        _kernel(_experts_implementation_internal="stranger/{}:forward"),
        "'_experts_implementation_internal'",
    ),
    "use_kernels": (_setting(use_kernels=True), "'use_kernels'"),
    "quantization": (_quantization, "'quantization_config'"),
    "adapter": (_adapter, "adapter_config.json makes it an adapter of another model"),
    "adapter_alone": (_adapter_alone, "adapter_config.json makes it an adapter of another model"),
    "pickle": (_pickle, "holds no model.safetensors: pickled weights can run code"),
    "index_of_pickles": (_index_of_pickles, "names 'weights.bin', which is no .safetensors file beside it"),
    "index_of_another_place": (_index_of_another_place, "which is no .safetensors file beside it"),
    "tokenizer_that_is_a_model": (_tokenizer_that_is_a_model, "'AutoModel', is no tokenizer"),
    "further_files": (_setting(configuration_files=["config.9.0.0.json"]), "'configuration_files'"),
    "a_method_for_a_setting": (_setting(save_pretrained="x"), "'save_pretrained', which is no setting"),
    "an_unknown_type": (_setting(model_type="evil"), "no token classifier"),
    "another_kind_of_model": (_setting(model_type="rag"), "no token classifier"),
    "no_type": (_setting(model_type=None), "does not say of which architecture"),
}
"""How each is built, and what its refusal says."""


def build_traps(folder: Path) -> dict[str, Trap]:
    """Every hostile folder of `REFUSED`."""
    model = build_tiny(folder / "tiny")
    canaries = folder / "canaries"
    canaries.mkdir()
    traps = {name: Trap(folder / name, canaries / name) for name in REFUSED}
    for name, trap in traps.items():
        shutil.copytree(model, trap.folder)
        REFUSED[name][0](trap)
    return traps


def stand_in_for_kernels(folder: Path, version: str) -> Path:
    """A package ``kernels`` of that version, to put on the path: a kernel that it is asked for runs code."""
    package = folder / "kernels"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(_KERNELS, "utf-8")
    about = folder / f"kernels-{version}.dist-info"
    about.mkdir()
    (about / "top_level.txt").write_text("kernels\n", "utf-8")
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: kernels\nVersion: {version}\n", "utf-8")
    return folder


_KERNELS = f"""
import os
from pathlib import Path

def get_kernel(repository, *_, **__):
    Path(os.environ["{CANARIES}"], repository.split("/")[1]).write_text("ran")
    raise FileNotFoundError(repository)

def _decorator(*_, **__):
    return lambda decorated: decorated

use_kernel_forward_from_hub = use_kernelized_func = replace_kernel_forward_from_hub = _decorator

def register_kernel_mapping(*_, **__):
    pass

class _Anything:
    def __init__(self, *_, **__):
        pass

def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Anything
"""
