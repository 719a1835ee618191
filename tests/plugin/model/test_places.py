"""Where a model comes from: a folder, or one commit of a repository of the hub."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.hostile_models import change
from support.hub_cache import REPOSITORY, commit_of, fill, point, use
from support.tiny_models import build_tiny

from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.files import look_at
from spanloop.plugin.model.places import place_of
from spanloop.plugin.model.pretrained import load, stated_tags

OLD, NEW = ("O", "B-OLD", "I-OLD"), ("O", "B-NEW", "I-NEW")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two commits: the branch ``main`` is at the second, the tag ``v1`` at the first."""
    commits = {1: build_tiny(tmp_path / "old", tags=OLD), 2: build_tiny(tmp_path / "new", tags=NEW)}
    fill(tmp_path / "cache", commits, {"main": 2, "v1": 1, "refs/pr/3": 1})
    use(tmp_path / "cache", monkeypatch)
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("named", "number", "tags"),
    [
        (REPOSITORY, 2, NEW),
        (f"{REPOSITORY}@main", 2, NEW),
        (f"{REPOSITORY}@v1", 1, OLD),
        (f"{REPOSITORY}@refs/pr/3", 1, OLD),
        (f"{REPOSITORY}@{commit_of(1)}", 1, OLD),
    ],
)
@pytest.mark.usefixtures("cache")
def test_a_revision_is_the_commit_that_is_loaded(named: str, number: int, tags: tuple[str, ...]) -> None:
    loaded = load(named)
    assert loaded.tags == tags
    assert stated_tags(named) == tags
    assert loaded.origin.json() == {
        "name": REPOSITORY,
        "revision": named.partition("@")[2] or None,
        "commit": commit_of(number),
        "files_hash": None,
    }
    assert loaded.model.config.name_or_path == REPOSITORY


def test_a_pinned_commit_stays_where_the_branch_moves(cache: Path) -> None:
    pinned = f"{REPOSITORY}@{load(REPOSITORY).origin.commit}"
    point(cache, {"main": 1})
    assert load(REPOSITORY).tags == OLD
    assert load(pinned).tags == NEW


def test_the_settings_name_a_revision_too_but_not_another_one(cache: Path) -> None:
    assert load(REPOSITORY, revision="v1").tags == OLD
    assert load(f"{REPOSITORY}@v1", revision="v1").tags == OLD
    with pytest.raises(ModelError, match="names a revision, and the settings another one, 'main'"):
        load(f"{REPOSITORY}@v1", revision="main")


@pytest.mark.parametrize("revision", ["nope", commit_of(7)])
@pytest.mark.usefixtures("cache")
def test_a_revision_that_is_not_there_is_one_line(revision: str) -> None:
    with pytest.raises(ModelError, match=f"no model '{REPOSITORY}@{revision}' can be had") as caught:
        load(f"{REPOSITORY}@{revision}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("revision", ["", "../../v1", "a/../b", "/etc", "-x", "v1@v2", "a b", "a\n"])
def test_what_is_no_revision_is_refused_before_anything_is_looked_for(revision: str) -> None:
    with pytest.raises(ModelError, match="is no revision of 'stranger/tagger': type a branch"):
        place_of(f"{REPOSITORY}@{revision}")


def test_a_folder_may_have_an_at_in_its_name(folder: Path, tmp_path: Path) -> None:
    named = Path(shutil.copytree(folder, tmp_path / "tagger@v1"))
    assert place_of(str(named)).folder == named
    with pytest.raises(ModelError, match="there is no model folder"):
        place_of(str(tmp_path / "tagger@v2"))


def test_the_hash_of_a_folder_is_of_the_files_that_are_read(folder: Path, tmp_path: Path) -> None:
    first = Path(shutil.copytree(folder, tmp_path / "first"))
    second = Path(shutil.copytree(folder, tmp_path / "second"))
    (second / "README.md").write_text("of no account", "utf-8")
    before = load(str(first)).origin.json()
    assert before["commit"] is None
    assert before["files_hash"] == load(str(second)).origin.json()["files_hash"]
    change(second, hidden_dropout_prob=0.2)
    assert before["files_hash"] != load(str(second)).origin.json()["files_hash"]


def test_a_hostile_repository_is_refused_like_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build_tiny(tmp_path / "model")
    change(model, auto_map={"AutoConfig": "evil.C"})
    adapter = build_tiny(tmp_path / "adapter")
    change(adapter, "adapter_config.json", base_model_name_or_path="stranger/other")
    pickled = build_tiny(tmp_path / "pickled")
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    fill(tmp_path / "cache", {1: model, 2: adapter, 3: pickled}, {"main": 1, "adapter": 2, "pickled": 3})
    use(tmp_path / "cache", monkeypatch)
    for revision, why in (
        ("main", "'auto_map'"),
        ("adapter", "an adapter of another model"),
        ("pickled", f"the model repository '{REPOSITORY}@pickled' holds no model"),
    ):
        with pytest.raises(ModelError, match=why):
            load(f"{REPOSITORY}@{revision}")
    assert load(f"{REPOSITORY}@pickled", allow_pickle=True).tags


def test_a_folder_can_be_looked_at_without_being_loaded(folder: Path, tmp_path: Path) -> None:
    look_at(place_of(str(folder)))
    look_at(place_of("nobody/nothing"))  # asks no hub
    hostile = Path(shutil.copytree(folder, tmp_path / "hostile"))
    change(hostile, "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.T", None]})
    with pytest.raises(ModelError, match=r"tokenizer_config\.json has 'auto_map'"):
        look_at(place_of(str(hostile)))
