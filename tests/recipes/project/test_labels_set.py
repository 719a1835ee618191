"""What the page shows of a label can be changed, and no label gets a key that does something else there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.places import ROOT
from support.store_making import make_store

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.project.labels import add_label, set_label
from spanloop.recipes.project.page_keys import LETTERS
from spanloop.store import Store, StoreError

KEYS_JS = ROOT / "recipes" / "web" / "static" / "keys.js"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    with make_store(tmp_path, labels=[f"L{n}" for n in range(1, 13)]) as store:
        return store.path


def test_each_part_changes_alone(db: Path) -> None:
    def label() -> tuple[object, ...]:
        with Store.open(db) as store:
            found = next(label for label in store.labels.all() if label.name == "L12")
            return found.key, found.colour, found.description, found.position

    key, colour, _, position = label()
    set_label(db, "L12", description="the twelfth")
    assert label() == (key, colour, "the twelfth", position)
    set_label(db, "L12", colour="#0072B2")
    assert label() == (key, "#0072B2", "the twelfth", position)
    set_label(db, "L12", key="n")
    assert label() == ("n", "#0072B2", "the twelfth", position)
    set_label(db, "L12", key="n")  # its own key is not taken by another
    set_label(db, "L12", key="", description="")
    assert label() == (None, "#0072B2", "", position)


def test_a_place_moves_the_others_and_the_digits_stay_with_the_places(db: Path) -> None:
    with Store.open(db) as store:
        store.labels.retire("L2")
    set_label(db, "L12", position=2)
    with Store.open(db) as store:
        labels = store.labels.all()
        assert [label.name for label in labels][:4] == ["L1", "L12", "L3", "L4"]
        assert [label.key for label in labels][:3] == ["1", "i", "3"]  # a letter of its own stays
        assert [label.position for label in labels] == sorted(label.position for label in labels)
    set_label(db, "L1", position=99)
    with Store.open(db) as store:
        labels = store.labels.all()
        assert (labels[-1].name, labels[-1].key, labels[0].name) == ("L1", None, "L12")
        given = [label.key for label in store.labels.all() if label.key]
        assert len(given) == len(set(given))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"key": "a"}, "the page's own, for 'accept': free are j k n t y"),
        ({"key": "A"}, "the page's own"),
        ({"key": "7"}, "use --position 7"),
        ({"key": "0"}, "use --position 10"),
        ({"colour": "blue"}, "type it as #rrggbb"),
        ({"colour": "#12345"}, "type it as #rrggbb"),
        ({}, "say what to change"),
    ],
)
def test_what_the_page_could_not_do_is_refused(db: Path, change: dict[str, str], told: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(told)):
        set_label(db, "L1", **change)  # type: ignore[arg-type]
    if change:
        with pytest.raises(RecipeError, match=re.escape(told)):
            add_label(db, "new", **change)  # type: ignore[arg-type]


def test_a_taken_key_and_an_unknown_label_are_named(db: Path) -> None:
    with pytest.raises(StoreError, match="belongs to label 'L11'"):
        set_label(db, "L1", key="b")
    with pytest.raises(StoreError, match="there is no label 'X'"):
        set_label(db, "X", key="n")


def test_a_key_that_the_project_took_from_a_command_is_free(db: Path) -> None:
    with Store.open(db) as store:
        store.set_project(page={"keys": {"flag": ["ctrl+f"], "delete": ["k"]}})
    set_label(db, "L1", key="f")
    with pytest.raises(RecipeError, match="for 'delete'"):
        set_label(db, "L1", key="K")


def test_the_letters_are_those_of_the_page() -> None:
    found = re.findall(r"^  (\w+): \{ keys: \[(.*?)\]", KEYS_JS.read_text(encoding="utf-8"), re.M)
    single = {
        (command, key) for command, keys in found for key in re.findall(r'"([^"]+)"', keys) if len(key) == 1
    }
    assert single == set(LETTERS.items())
