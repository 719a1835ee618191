"""Import, the audit and retrain's check for leaks call the same texts nearly the same, in any script."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.store_making import make_store, stored

from spanloop.recipes.files.importing import import_files
from spanloop.recipes.near_duplicates.audit import audit_duplicates
from spanloop.recipes.near_duplicates.leaks import find_leaks
from spanloop.recipes.near_duplicates.shingles import LIKE, VERSION, shingles_of, tokens_of
from spanloop.store import Store
from spanloop.store.records import Gold, NewDocument

CHINESE = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]
KANA = [chr(code) for code in range(0x3042, 0x3094)]
THAI = [f"{chr(one)}{vowel}" for one in range(0x0E01, 0x0E2F) for vowel in ("", "ะ", "า", "ี", "้", "ู่")]
LATIN = [
    f"{one}{two}{end}" for one in "bdkmprst" for two in ("a", "é", "öl", "in") for end in ("n", "ra", "X")
]
HINDI = [f"{chr(one)}{sign}{chr(one + 3)}" for one in range(0x0915, 0x0935) for sign in ("ि", "ा", "्")]
SCRIPTS = {
    "English": (LATIN, " "),
    "Chinese": (CHINESE, ""),
    "Japanese": (KANA + CHINESE[:400], ""),
    "Thai": (THAI, ""),
    "Hindi": (HINDI, " "),
    "Chinese with Latin words": (CHINESE + LATIN * 20, ""),
    "Thai with spaces": (THAI + [" "] * 30, ""),
}


def pairs(pieces: Sequence[str], between: str, choice: random.Random, count: int) -> list[tuple[str, str]]:
    """Texts, each with a copy in which up to a sixth of the pieces was exchanged."""
    made = []
    for _ in range(count):
        text = choice.choices(pieces, k=choice.randint(12, 80))
        copied = list(text)
        for _ in range(choice.randint(0, len(text) // 6)):
            copied[choice.randrange(len(copied))] = choice.choice(pieces)
        made.append((between.join(text), between.join(copied) + "!"))
    return made


def by_import(folder: Path, couples: Sequence[tuple[str, str]]) -> set[int]:
    """The couples whose second text follows the first, which lies there already in a split of its own."""
    make_store(folder, eval_fraction=0.5).close()
    db = folder / "project.db"
    for side in (0, 1):
        rows = [{"id": f"{n}-{side}", "text": couple[side]} for n, couple in enumerate(couples)]
        file = folder / f"{side}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        import_files(db, [file])
    with Store.open(db) as store:
        assert store.check() == []
        return {
            int(document.key.split("-")[0])
            for document in store.documents.iterate()
            if document.key != document.group
        }


def by_audit(db: Path) -> set[int]:
    return {int(key.split("-")[0]) for group in audit_duplicates(db).groups for key in group.keys}


def by_leaks(couples: Sequence[tuple[str, str]]) -> set[int]:
    train, scored = (
        [Gold(stored(couple[side], str(n)), n, ()) for n, couple in enumerate(couples)] for side in (0, 1)
    )
    leaks = find_leaks(train, scored).found
    assert all(leak.eval == leak.train for leak in leaks)
    return {int(leak.eval) for leak in leaks}


@pytest.mark.parametrize("script", SCRIPTS)
def test_import_audit_and_leaks_agree_on_random_near_duplicates(script: str, tmp_path: Path) -> None:
    pieces, between = SCRIPTS[script]
    couples = pairs(pieces, between, random.Random(script), 150)
    sets = [tuple(shingles_of(text) or frozenset() for text in couple) for couple in couples]
    alike = {n for n, (one, other) in enumerate(sets) if len(one & other) >= LIKE * len(one | other) > 0}
    assert 40 < len(alike) < 140
    assert by_import(tmp_path, couples) == alike
    assert by_audit(tmp_path / "project.db") == alike
    assert by_leaks(couples) == alike


@pytest.mark.parametrize("script", ["Chinese", "Japanese", "Thai", "Chinese with Latin words"])
def test_texts_in_both_splits_are_leaks_in_scripts_without_spaces(script: str) -> None:
    texts = [text for text, _ in pairs(*SCRIPTS[script], random.Random(script), 20)]
    golds = [Gold(stored(text, str(n)), n, ()) for n, text in enumerate(texts)]
    assert len(find_leaks(golds, golds).found) == 20


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("It's 3 o'clock", ["it", "s", "3", "o", "clock"]),
        ("我在用iPhone手机", ["我", "在", "用", "iphone", "手", "机"]),
        ("東京タワー、2024年", ["東", "京", "タ", "ワ", "ー", "2024", "年"]),
        ("ฉันใช้ Wi-Fi", ["ฉ", "ั", "น", "ใ", "ช", "้", "wi", "fi"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("Cafe\u0301 ＡＢＣ ﾃｽﾄ", ["café", "abc", "テ", "ス", "ト"]),
        ("𠮷野家 \ud800", ["𠮷", "野", "家"]),
        ("대한민국", ["대", "한", "민", "국"]),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert tokens_of(text) == tokens


def test_sketches_of_another_version_are_made_anew(tmp_path: Path) -> None:
    """They would find nothing: their hashes are those of other tokens."""
    text = "the quick brown fox jumps over the lazy dog and then it runs away again"
    with make_store(tmp_path) as store:
        (added,) = store.documents.add([NewDocument(text, key="a", group="g")])
        store.sketches.put(VERSION - 1, [(added.document_id, bytes(range(64)))])
        assert store.sketches.read(VERSION)[1] == b""
    file = tmp_path / "new.jsonl"
    file.write_text(json.dumps({"id": "b", "text": f"{text} today"}), encoding="utf-8")
    assert import_files(tmp_path / "project.db", [file]).near_duplicates == 1
    with Store.open(tmp_path / "project.db") as store:
        assert len(store.sketches.read(VERSION)[0]) == 2
        assert list(store.sketches.missing(VERSION)) == []
        kept = store.sketches.read(VERSION)
        store.sketches.put(VERSION, [(1, bytes(64))])  # of this version: left as it is
        assert store.sketches.read(VERSION) == kept


def test_form_letters_are_told_apart_and_their_copies_found(tmp_path: Path) -> None:
    """Three quarters of every letter are the same: more share a hash than are looked at."""
    choice = random.Random(5)
    words = [f"w{n}" for n in range(5000)]
    form = choice.choices(words, k=45)
    letters = [" ".join(form + choice.choices(words, k=15)) for _ in range(600)]
    couples = [(letter, f"{letter} and yours") for letter in letters]
    assert by_leaks(couples) == by_import(tmp_path, couples) == set(range(600))
    assert len(audit_duplicates(tmp_path / "project.db").groups) == 600
