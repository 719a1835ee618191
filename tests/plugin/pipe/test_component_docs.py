"""docs/component.md: every setting is in it, and its Python runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language
from support.places import ROOT

import spanloop.plugin.pipe.component  # noqa: F401 - registers the factory

PAGE = ROOT / "docs" / "component.md"


def test_every_setting_is_told_with_its_default() -> None:
    text = PAGE.read_text("utf-8")
    settings = dict(Language.get_factory_meta("hf_token_classifier").default_config)
    block = settings.pop("model")
    settings.pop("scorer")
    told: dict[str, str] = {}
    for name, default in re.findall(r"(?m)^\| `(\w+)` \| `([^`]*)`", text):
        told.setdefault(name, default.strip('"'))  # the encoder that pipes share has a table of its own below
    spelt = {None: "null", True: "true", False: "false"}  # 1 == True, but no default is 1
    for name, default in {**settings, **block}.items():
        if name in ("@architectures", "name"):
            continue
        assert told.get(name) == str(spelt.get(default, default)), name
    assert "| `name` |" in text
    assert "| `model` |" in text


@pytest.mark.slow
def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"(?s)```python\n(.*?)```", PAGE.read_text("utf-8"))
    assert len(blocks) > 3
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
