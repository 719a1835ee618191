"""What is fast on this machine, told without loading any of it: the processor, and what can compute on it."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.util import find_spec
from pathlib import Path

from spanloop.plugin.model.backends import is_here

CPU_INFO = Path("/proc/cpuinfo")
# What a processor says of itself, as Linux writes it for Intel, AMD and ARM, and what it is good for.
_MULTIPLIES = {
    "AVX-512": ("avx512f",),
    "AMX": ("amx_tile",),
    "bfloat16": ("avx512_bf16", "amx_bf16", "bf16"),
    "eight bits": ("avx512_vnni", "avx_vnni", "amx_int8", "i8mm", "asimddp"),
}
_MAC = ("sysctl", "-n", "machdep.cpu.brand_string")


def processor() -> str:
    """Its name and what of use it can do."""
    said = _said()
    if not said:
        return _brand()
    able = [what for what, flags in _MULTIPLIES.items() if set(flags) & set(said.get("flags", ()))]
    return f"{' '.join(said.get('name', ())) or platform.machine()}: {', '.join(able) or 'nothing special'}"


def backends() -> tuple[str, str]:
    """What can compute predictions here, and what to install or set for more; the second is empty where
    nothing is left to do."""
    here = ["torch with packed linear layers" if _packs() else "torch"]
    here += [name for name in ("openvino", "onnx") if is_here(name)]
    here += ["int8"] if is_here("openvino") and find_spec("nncf") is not None else []
    return ", ".join(here), _advice(here)


def _advice(here: list[str]) -> str:
    if "openvino" not in here and platform.machine().lower() in ("x86_64", "amd64"):
        return "faster: pip install 'spanloop[openvino]', then --backend auto"
    if "openvino" not in here and "onnx" not in here:
        return "faster: pip install 'spanloop[onnx]', then --backend auto"
    flags = set(_said().get("flags", ()))
    if "openvino" in here and flags & set(_MULTIPLIES["bfloat16"]):
        more = "faster: --backend openvino --precision bf16"
        return more if "int8" in here else f"{more}; fastest: pip install 'spanloop[int8]', spanloop optimise"
    if "openvino" in here and "int8" not in here:
        return "faster: --backend auto; fastest: pip install 'spanloop[int8]', spanloop optimise"
    return "faster: --backend auto"


def _packs() -> bool:
    """Whether this torch was built with oneDNN: then its headers lie beside it."""
    found = find_spec("torch")
    places = (found.submodule_search_locations if found else None) or ()
    return any((Path(place) / "include" / "dnnl.h").is_file() for place in places)


def _said() -> dict[str, list[str]]:
    """The words of the processor's name and its abilities; empty where the system has no such file."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    told: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        wanted = {"model name": "name", "flags": "flags", "Features": "flags"}.get(name.strip())
        if wanted:
            told.setdefault(wanted, value.split())
    return told


def _brand() -> str:
    if platform.system() == "Darwin" and os.access("/usr/sbin/sysctl", os.X_OK):
        run = subprocess.run(_MAC, capture_output=True, text=True, check=False)
        return run.stdout.strip() or platform.machine()
    return platform.processor() or platform.machine()
