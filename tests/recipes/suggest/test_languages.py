"""Texts without blanks: the language is guessed by their script, and told where a tokenizer does not fit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from support.commands import done, jsonl_file, refused
from support.tiny_models import build_tiny

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.languages import (
    Guess,
    guess,
    inside_a_word,
    keeps_whole,
    letters_apart,
    written_without_blanks,
)
from spanloop.recipes.project.init import init
from spanloop.recipes.suggest.predict import predict
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.suggest.tokenise import load_tokenizer, tokenise, tokenizer_hash
from spanloop.recipes.training.retrain import RoundReport, retrain
from spanloop.store import Store

CHINESE = "北京大学在北京。上海很大，我们去东京。"
PLACES = [(0, 2), (5, 7), (8, 10), (15, 17)]
ENGLISH = "Angela Merkel met Barack Obama in New York City, NY."


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It gives every character a tag of its own, much as BERT's Chinese models do."""
    tags = ("O", "B-LOC", "I-LOC")
    return build_tiny(tmp_path_factory.mktemp("tagger"), family="character", tags=tags)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("untrained"), family="character", head=False)


def chinese(folder: Path, documents: int = 6) -> Path:
    """Annotated documents, each different."""
    records = [
        {"id": f"d{number}", "text": f"{CHINESE}{number}", "spans": [[*place, "LOC"] for place in PLACES]}
        for number in range(documents)
    ]
    return jsonl_file(folder / "chinese.jsonl", *records)


# What a script says


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (CHINESE, "Chinese"),
        ("Apple公司在北京开设了一家新的办公室", "Chinese"),
        ("東京はとても大きい都市です。", "Japanese"),
        ("ｶﾀｶﾅ", "Japanese"),
        ("กรุงเทพมหานครเป็นเมืองหลวง", "Thai"),
        ("ພາສາລາວ", "Lao"),
        ("ភ្នំពេញ", "Khmer"),
        ("မြန်မာ", "Burmese"),
        ("서울은 대한민국의 수도이다.", None),
        (ENGLISH, None),
        ("The sign 北京 means Beijing.", None),
        ("Москва", None),
        ("", None),
        ("2024 😀", None),
    ],
)
def test_a_script_tells_whether_blanks_part_words(text: str, written: str | None) -> None:
    assert written_without_blanks(text) == written


def test_a_language_is_guessed_that_can_be_loaded() -> None:
    assert guess([CHINESE]) == Guess("zh", "token", "Chinese")
    assert guess([ENGLISH]) == Guess("en", "token", None)
    assert guess(["Москва и Минск"]) == Guess("xx", "token", None)
    assert guess(["ພາສາລາວ"]) == Guess("xx", "wordpiece", "Lao")
    assert guess([]) == Guess("en", "token", None)


def test_a_tokenizer_that_is_not_installed_gives_way_to_wordpieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pythainlp", None)
    assert guess(["กรุงเทพมหานคร"]) == Guess("xx", "wordpiece", "Thai")


def test_each_language_cuts_its_own_script() -> None:
    assert keeps_whole("en", "Chinese")
    assert keeps_whole("xx", "Thai")
    assert keeps_whole("th", "Chinese")
    assert not keeps_whole("zh", "Chinese")
    assert not keeps_whole("ja", "Japanese")


@pytest.mark.parametrize(
    ("place", "inside"), [(0, False), (2, True), (7, False), (8, True), (18, False), (19, False)]
)
def test_a_place_within_a_line_is_inside_a_token(place: int, inside: bool) -> None:
    assert inside_a_word(CHINESE, place) == (inside or place in (7, 8))


@given(st.text(alphabet="北京大e\u0301 x,。 ก\u0e49", max_size=20))
def test_letters_apart_cover_what_they_cut(text: str) -> None:
    whole = [(0, len(text))] if text else []
    parts = letters_apart(text, whole)
    assert "".join(text[start:end] for start, end in parts) == text
    edges = {edge for part in parts for edge in part}
    for place in range(1, len(text)):
        if {text[place - 1], text[place]} <= set("北京大"):
            assert place in edges, "each letter for itself"
        if {text[place - 1], text[place]} <= set("ex,"):
            assert place not in edges, "blanks part these"
        if text[place] in ("\u0301", "\u0e49"):
            assert place not in edges, "an accent stays with its letter"


# predict and prelabel


def test_predict_labels_what_blanks_do_not_part_by_wordpieces(tagger: Path) -> None:
    alone = next(predict([CHINESE], model=str(tagger))).entry.spans or ()
    assert len(alone) > 1
    assert max(span.end - span.start for span in alone) < len(CHINESE)
    mixed = [found.entry.spans for found in predict([ENGLISH, CHINESE], model=str(tagger))]
    assert mixed[1] == alone, "what stands beside it changes nothing"
    assert mixed[0] == next(predict([ENGLISH], model=str(tagger))).entry.spans


def test_predict_takes_the_language_that_is_named(tagger: Path) -> None:
    whole = next(predict([CHINESE], model=str(tagger), lang="xx")).entry
    assert whole.tokens == ((0, 19),) or len(whole.tokens or ()) < 4
    by_letters = next(predict([CHINESE], model=str(tagger), lang="zh")).entry
    assert by_letters.tokens == tuple((place, place + 1) for place in range(len(CHINESE)))
    lines = done("predict", CHINESE, "--model", tagger, "--lang", "zh", "--tags").splitlines()
    assert [line.split(",")[0] for line in lines if line][:3] == ["Word: 北", "Word: 京", "Word: 大"]


def test_predict_reads_files_as_it_is_told(tagger: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("note;body\nx;Zoë met Bob\n", encoding="latin-1")
    how = ("--format", "csv", "--columns", "text=body", "--encoding", "latin-1")
    assert done("predict", file, "--model", tagger, *how, "--json")["documents"][0]["text"] == "Zoë met Bob"
    out = tmp_path / "out"
    done("predict", file, "--model", tagger, *how, "--out", out)
    assert '"text": "Zoë met Bob"' in (out / "a.jsonl").read_text(encoding="utf-8")


def test_a_language_that_is_none_is_one_line(tagger: Path, tmp_path: Path) -> None:
    assert "the language 'qq' cannot be loaded" in refused("predict", "x", "--model", tagger, "--lang", "qq")
    init(tmp_path / "p.db", labels=["LOC"])
    import_files(tmp_path / "p.db", [jsonl_file(tmp_path / "a.jsonl", {"text": "x"})])
    said = refused("predict", "x", "--model", tmp_path / "p.db", "--lang", "en")
    assert "has a language of its own: leave --lang out" in said
    said = refused("prelabel", tmp_path / "p.db", "--lang", "zh")
    assert "--lang zh goes with --model" in said


THAI = "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย"
JAPANESE = "東京はとても大きい都市です。大阪も大きい。"


@pytest.mark.parametrize(
    ("lang", "package", "needs"), [("th", "pythainlp", "PyThaiNLP"), ("ja", "sudachipy", "SudachiPy")]
)
def test_a_language_whose_tokenizer_is_not_installed_names_it_in_one_line(
    tagger: Path, monkeypatch: pytest.MonkeyPatch, lang: str, package: str, needs: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    said = refused("predict", THAI, "--model", tagger, "--lang", lang)
    assert said.startswith(f"the language {lang!r} cannot be loaded: ")
    assert needs in said


@pytest.mark.parametrize("text", [THAI, JAPANESE])
def test_thai_and_japanese_are_labelled_by_wordpieces_where_no_language_is_named(
    tagger: Path, text: str
) -> None:
    (found,) = predict([text], model=str(tagger))
    spans = found.entry.spans or ()
    pipe = spacy.blank("xx").add_pipe(
        "hf_token_classifier", config={"model": str(tagger), "unit": "wordpiece"}
    )
    (scores,) = pipe.predict([spacy.blank("xx").make_doc(text)])  # type: ignore[attr-defined]
    assert [(span.start, span.end) for span in spans] == [
        (span.start, span.end)
        for span in pipe.decode(scores)  # type: ignore[attr-defined]
    ]
    assert max(span.end - span.start for span in spans) < len(text)
    assert "".join(text[start:end] for start, end in found.entry.tokens or ()) == text


@pytest.mark.parametrize(
    ("lang", "package", "text"), [("th", "pythainlp", THAI), ("ja", "sudachipy", JAPANESE)]
)
def test_thai_and_japanese_are_cut_by_their_own_tokenizers_where_these_are_installed(
    tagger: Path, lang: str, package: str, text: str
) -> None:
    pytest.importorskip(
        package, reason=f"{package}, which spaCy's tokenizer of {lang} needs, is not installed"
    )
    (found,) = predict([text], model=str(tagger), lang=lang)
    tokens = [text[start:end] for start, end in found.entry.tokens or ()]
    assert "".join(tokens) == text
    assert len(text) > len(tokens) > 3, "words: neither letters nor a whole line"
    edges = {edge for token in found.entry.tokens or () for edge in token}
    assert {edge for span in found.entry.spans or () for edge in (span.start, span.end)} <= edges


def test_prelabel_cuts_as_the_language_that_is_named(tagger: Path, tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["LOC"], lang="xx", eval_fraction=0)
    import_files(db, [chinese(tmp_path)], as_="documents")
    unsure = prelabel(db, model=str(tagger))
    assert unsure.spans > unsure.documents, "several in a line"
    by_letters = prelabel(db, model=str(tagger), lang="zh")
    assert by_letters.documents == unsure.documents, "another tokenizer is another model"
    with Store.open(db) as store:
        assert [model.name for model in store.models.all()] == [str(tagger), f"{tagger} on tokens of zh"]


# init and import


def test_the_first_import_chooses_the_language(tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["LOC"])
    with Store.open(db) as store:
        assert (store.project.lang, store.project.unit) == (None, "token")
    report = import_files(db, [chinese(tmp_path)])
    assert report.language == "language: zh, for these texts are written without blanks (Chinese)"
    assert report.misfit is None
    with Store.open(db) as store:
        assert (store.project.lang, store.project.unit) == ("zh", "token")
    again = import_files(db, [jsonl_file(tmp_path / "e.jsonl", {"text": ENGLISH})])
    assert again.language is None


def test_a_language_without_tokenizer_makes_the_project_label_wordpieces(tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["LOC"])
    import_files(db, [jsonl_file(tmp_path / "lao.jsonl", {"text": "ພາສາລາວ"})])
    with Store.open(db) as store:
        assert (store.project.lang, store.project.unit) == ("xx", "wordpiece")


@pytest.mark.parametrize("lang", ["xx", "en"])
def test_an_import_tells_that_the_language_does_not_fit(tmp_path: Path, lang: str) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["LOC"], lang=lang)
    report = import_files(db, [chinese(tmp_path)])
    assert report.language is None
    assert report.misfit == (
        f"6 of 6 documents are written without blanks (Chinese), where the tokenizer of '{lang}' takes a "
        "whole line for one token, and 24 of 24 spans cannot be learned: "
        f"spanloop project {db} set --lang zh"
    )
    assert report.misfit in done("import", db, chinese(tmp_path))


def test_a_language_that_is_named_and_fits_says_nothing(tmp_path: Path) -> None:
    for lang, file in (
        ("zh", chinese(tmp_path)),
        ("de", jsonl_file(tmp_path / "e.jsonl", {"text": ENGLISH})),
    ):
        init(tmp_path / f"{lang}.db", labels=["LOC"], lang=lang)
        report = import_files(tmp_path / f"{lang}.db", [file])
        assert (report.language, report.misfit) == (None, None)


# A project whose model labels wordpieces


def test_a_project_of_wordpieces_learns_what_tokens_cannot_carry(tmp_path: Path, untrained: Path) -> None:
    lost = {}
    for unit in ("token", "wordpiece"):
        db = tmp_path / f"{unit}.db"
        init(db, labels=["LOC"], lang="xx", unit=unit, model=str(untrained), eval_fraction=0)
        import_files(db, [chinese(tmp_path)], split="pool")
        import_files(
            db, [jsonl_file(tmp_path / "e.jsonl", {"text": "东京。", "spans": [[0, 2, "LOC"]]})], split="eval"
        )
        report = retrain(db, TrainConfig(epochs=1), promote="yes")
        assert isinstance(report, RoundReport)
        with Store.open(db) as store:
            manifest = store.rounds.get(1).manifest or {}
            lost[unit] = manifest["gold_spans_lost"]
    assert lost["token"] > 0
    assert lost["wordpiece"] == 0
    found = next(predict([CHINESE], model=str(db))).entry
    assert found.tokens == tuple((place, place + 1) for place in range(len(CHINESE)))
    assert prelabel(db).documents == 7, "with the round, which labels wordpieces too"


def test_the_page_of_such_a_project_takes_each_letter_for_a_token(tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["LOC"], lang="xx", unit="wordpiece", eval_fraction=0)
    import_files(db, [chinese(tmp_path, 1)])
    with Store.open(db) as store:
        nlp = load_tokenizer(store.project)
        names = {tokenizer_hash(nlp), tokenizer_hash(nlp, "wordpiece")}
        assert len(names) == 2
        store.set_project(tokenizer=tokenizer_hash(nlp, store.project.unit))
        assert tokenise(store, nlp, store.tokenizations.missing(store.project.tokenizer or "", 10)) == 1
        tokens = store.tokenizations.get(1)
    assert tokens is not None
    assert {edge for place in PLACES for edge in place} <= {edge for token in tokens for edge in token}


def test_a_unit_that_was_named_stays_and_can_be_changed(tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["LOC"], unit="wordpiece")
    import_files(db, [chinese(tmp_path)])
    with Store.open(db) as store:
        assert (store.project.lang, store.project.unit) == ("zh", "wordpiece")
    assert done("project", db, "set", "--unit", "token", "--json")["unit"] == "token"
    with Store.open(db) as store:
        assert store.project.unit == "token"


def test_the_advice_of_an_import_can_be_typed(tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["LOC"], lang="xx")
    misfit = import_files(db, [chinese(tmp_path)]).misfit or ""
    done(*misfit.rpartition(": spanloop ")[2].split(" "))
    assert import_files(db, [chinese(tmp_path)]).misfit is None


def test_a_tags_project_has_no_wordpieces(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="a tags project gives each token one tag"):
        init(tmp_path / "p.db", labels=["NOUN"], task="tags", unit="wordpiece")


def test_a_round_of_another_unit_is_not_gone_on_from(tmp_path: Path, untrained: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["LOC"], lang="xx", unit="wordpiece", model=str(untrained), eval_fraction=0)
    import_files(db, [chinese(tmp_path)], split="pool")
    import_files(
        db, [jsonl_file(tmp_path / "e.jsonl", {"text": "东京。", "spans": [[0, 2, "LOC"]]})], split="eval"
    )
    retrain(db, TrainConfig(epochs=1), promote="yes")
    with Store.open(db) as store:
        store.set_project(unit="token")
    said = refused("retrain", db, "--epochs", 1, "--base", "round")
    assert "labels each wordpiece, and the project each token by now" in said
