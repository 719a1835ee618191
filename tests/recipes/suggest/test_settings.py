"""What a project is made of is looked at before it is stored, by ``init`` as by ``project set``; a change
cuts every text anew and is known to a page that is being served."""

from __future__ import annotations

import queue
import threading
from pathlib import Path

import pytest
import spacy
from support.commands import done, jsonl_file, refused
from support.processes import wait_for
from support.tiny_models import build_tiny

from spanloop.recipes.suggest.tokenise import boundaries, serve, tokenizer_hash
from spanloop.store import Store

BAD = [
    (("--lang", "qq"), "spaCy has no language 'qq'"),
    (("--lang", "eng"), "did you mean en?"),
    (("--lang", "../en"), "spaCy has no language '../en'"),
    (("--nlp", "typo"), "there is no spaCy pipeline 'typo'"),
    (("--model", "no/such"), "no model 'no/such' can be had from the hub"),
    (("--model", "./none"), "there is no model folder './none'"),
    (("--nlp", "typo", "--lang", "en"), "give --nlp or --lang, not both"),
]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Chinese texts in a project that cuts where blanks are."""
    db = tmp_path / "p.db"
    done("init", db, "--labels", "LOC", "--lang", "xx", "--eval-fraction", 0)
    texts = [
        {"id": "1", "text": "我在北京工作", "spans": [[2, 4, "LOC"]]},
        {"id": "2", "text": "上海 很大", "spans": [[0, 2, "LOC"]]},
    ]
    done("import", db, jsonl_file(tmp_path / "zh.jsonl", *texts))
    return db


@pytest.mark.parametrize(("options", "line"), BAD)
def test_what_is_not_there_is_refused_and_nothing_is_stored(
    db: Path, tmp_path: Path, options: tuple[str, ...], line: str
) -> None:
    before = done("project", db, "--json")
    assert line in refused("project", db, "set", *options)
    assert done("project", db, "--json") == before
    assert line in refused("init", tmp_path / "new.db", "--labels", "LOC", *options)
    assert not (tmp_path / "new.db").exists()


def test_nothing_to_change_is_told(db: Path) -> None:
    assert "say what to change: --model, --lang or --nlp" in refused("project", db, "set")


def test_another_language_cuts_every_text_anew_and_says_what_does_not_fit(db: Path) -> None:
    told = done("project", db, "set", "--lang", "de", "--json")
    assert told["tokenised"] == {"documents": 2, "refused": 0, "spans": 2, "spans_off_tokens": 1}
    assert "1 of 2 gold spans do not begin and end at its tokens" in done(
        "project", db, "set", "--lang", "xx"
    )
    told = done("project", db, "set", "--lang", "zh", "--json")
    assert told["tokenised"]["spans_off_tokens"] == 0
    assert (told["lang"], told["nlp"]) == ("zh", None)
    zh = spacy.blank("zh")
    with Store.open(db) as store:
        assert store.project.tokenizer == tokenizer_hash(zh)
        assert store.tokenizations.get(1) == boundaries(zh, "我在北京工作")
    again = done("project", db, "set", "--lang", "zh", "--json")
    assert again["tokenised"]["documents"] == 0


def test_a_pipeline_takes_the_place_of_a_language_and_the_other_way_round(db: Path, tmp_path: Path) -> None:
    spacy.blank("zh").to_disk(tmp_path / "cutter")
    told = done("project", db, "set", "--nlp", tmp_path / "cutter", "--json")
    assert (told["lang"], told["nlp"]) == (None, str(tmp_path / "cutter"))
    assert told["tokenised"]["spans_off_tokens"] == 0
    told = done("project", db, "set", "--lang", "en", "--json")
    assert (told["lang"], told["nlp"]) == ("en", None)


def test_folders_are_kept_relative_to_the_project_file(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_tiny(tmp_path / "models" / "tiny", head=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    told = done("project", "../p.db", "set", "--model", "../models/tiny", "--json")
    assert (told["model"], told["tokenised"]) == ("./models/tiny", None)
    with Store.open(db) as store:
        assert store.project.base_model == str(tmp_path / "models" / "tiny")
    whole = str(tmp_path / "models" / "tiny")
    assert done("project", db, "set", "--model", whole, "--json")["model"] == whole


def test_a_page_that_is_being_served_gets_the_new_tokens(db: Path) -> None:
    """`serve` is what the page asks for tokens; what is imported after the change is cut by the new one."""
    wishes: queue.Queue[int | None] = queue.Queue()
    server = threading.Thread(target=serve, args=(db, wishes), daemon=True)
    server.start()
    with Store.open(db) as store:
        assert wait_for(lambda: store.tokenizations.get(1)) == [(0, 6)]
        done("project", db, "set", "--lang", "zh")
        done("import", db, jsonl_file(db.with_name("more.jsonl"), {"id": "3", "text": "东京也很大"}))
        wishes.put(3)
        assert wait_for(lambda: store.tokenizations.get(3)) == [(n, n + 1) for n in range(5)]
    wishes.put(None)
    server.join(timeout=30)
    assert not server.is_alive()
