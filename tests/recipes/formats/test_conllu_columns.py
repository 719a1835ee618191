"""CoNLL-U goes out with the columns it came in with: only the tags are the project's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from spanloop.recipes.files.export import export
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.formats.conllu import FORMAT, FORMAT_XPOS
from spanloop.recipes.formats.entry import ReadOptions, WriteOptions
from spanloop.recipes.project.init import init
from spanloop.store import Store
from spanloop.store.records import AnnotatedSpan, NewAnnotation, Span

TAGS, WRITE = ReadOptions(task="tags"), WriteOptions(task="tags")
LABELS = ["ADP", "ADV", "AUX", "DET", "NOUN", "PART", "PRON", "PUNCT", "VERB"]
LINES = """\
# newdoc id = d1
# genre = mail
# sent_id = s1
# text = I don't (really) know.
1\tI\tI\tPRON\tPRP\tCase=Nom\t7\tnsubj\t7:nsubj\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdo\tdo\tAUX\tVBP\tMood=Ind\t7\taux\t7:aux\t_
3\tn't\tnot\tPART\tRB\t_\t7\tadvmod\t7:advmod\t_
4\t(\t(\tPUNCT\t-LRB-\t_\t5\tpunct\t5:punct\tSpaceAfter=No
5\treally\treally\tADV\tRB\tDegree=Pos\t7\tadvmod\t7:advmod\tLang=en|SpaceAfter=No
6\t)\t)\tPUNCT\t-RRB-\t_\t5\tpunct\t5:punct\t_
6.1\tdo\tdo\tVERB\tVB\t_\t_\t_\t7:conj\t_
7\tknow\tknow\tVERB\tVB\tVerbForm=Fin\t0\troot\t0:root\tSpaceAfter=No
8\t.\t.\tPUNCT\t.\t_\t7\tpunct\t7:punct\t_

# newpar
# sent_id = s2
# text = du!
1-2\tdu\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
1\tde\tde\tADP\tP\t_\t2\tcase\t_\t_
2\tle\tle\tDET\tD\t_\t0\troot\t_\t_
3\t!\t!\tPUNCT\tPONCT\t_\t2\tpunct\t_\t_

"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "in.conllu"
    path.write_text(LINES, encoding="utf-8")
    return path


@pytest.fixture
def db(file: Path, tmp_path: Path) -> Path:
    db = tmp_path / "p.db"
    init(db, labels=LABELS, task="tags", lang="en", eval_fraction=0)
    import_files(db, [file])
    return db


@pytest.mark.parametrize("form", [FORMAT, FORMAT_XPOS], ids=["upos", "xpos"])
@pytest.mark.parametrize("by", ["sentence", "document"])
def test_what_nobody_changed_is_written_as_it_was_read(
    file: Path, tmp_path: Path, form: object, by: str
) -> None:
    format_ = FORMAT if form is FORMAT else FORMAT_XPOS
    entries = list(format_.read(file, ReadOptions(task="tags", by=by)))  # type: ignore[arg-type]
    assert format_.write is not None
    done = format_.write(tmp_path / "out.conllu", entries, WRITE)
    assert (tmp_path / "out.conllu").read_text("utf-8") == LINES
    assert (done.columns_lost, done.spans_lost) == (0, 0)


def test_a_changed_tag_changes_one_column(file: Path, tmp_path: Path) -> None:
    first, second = FORMAT.read(file, TAGS)
    spans = tuple(
        replace(s, label="NOUN") if s.start == 0 else s for s in first.spans or () if s.label != "ADV"
    )
    assert FORMAT.write is not None
    FORMAT.write(tmp_path / "out.conllu", [replace(first, spans=spans), second], WRITE)
    wanted = LINES.replace("I\tI\tPRON", "I\tI\tNOUN").replace("really\treally\tADV", "really\treally\t_")
    assert (tmp_path / "out.conllu").read_text("utf-8") == wanted


def test_other_words_keep_the_columns_that_name_no_word(file: Path, tmp_path: Path) -> None:
    """The tokenizer of the project leaves "(really)" whole, and somebody calls it a noun."""
    first, _ = FORMAT.read(file, TAGS)
    outside = tuple(s for s in first.spans or () if not 8 <= s.start < 16)
    spans = tuple(sorted([*outside, Span(8, 16, "NOUN")], key=lambda s: s.start))
    tokens = tuple((s.start, s.end) for s in spans)
    assert FORMAT.write is not None
    done = FORMAT.write(tmp_path / "out.conllu", [replace(first, spans=spans, tokens=tokens)], WRITE)
    assert done.columns_lost == 1
    rows = [
        line.split("\t") for line in (tmp_path / "out.conllu").read_text("utf-8").splitlines() if "\t" in line
    ]
    assert [row[1] for row in rows] == ["I", "do", "n't", "(really)", "know", "."]
    assert rows[0] == ["1", "I", "I", "PRON", "PRP", "Case=Nom", "_", "_", "_", "_"]
    assert rows[3] == ["4", "(really)", "_", "NOUN", *["_"] * 6]
    assert rows[4][2:6] == ["know", "VERB", "VB", "VerbForm=Fin"]
    assert "# genre = mail" in (tmp_path / "out.conllu").read_text("utf-8")


def test_a_project_gives_its_file_back_word_by_word(db: Path, tmp_path: Path) -> None:
    done = export(db, tmp_path / "out.conllu", tokens="file")
    assert (tmp_path / "out.conllu").read_text("utf-8") == LINES
    assert done.columns_lost == 0
    with Store.open(db) as store:
        gold = next(store.annotations.gold())
        spans = [AnnotatedSpan(s.start, s.end, "NOUN" if s.start == 0 else s.label) for s in gold.spans]
        answer = NewAnnotation("u", gold.document.id, "anna", "human", "accept", tuple(spans))
        store.annotations.add(answer)
    export(db, tmp_path / "anew.conllu", tokens="file")
    assert (tmp_path / "anew.conllu").read_text("utf-8") == LINES.replace("I\tI\tPRON", "I\tI\tNOUN")


def test_the_files_own_words_serve_other_formats_too(db: Path, tmp_path: Path) -> None:
    export(db, tmp_path / "out.conll", tokens="file")
    words = [
        line.split()[0] for line in (tmp_path / "out.conll").read_text("utf-8").splitlines() if line.strip()
    ]
    assert words[-2:] == ["du", "!"]
    assert words[1:9] == ["I", "do", "n't", "(", "really", ")", "know", "."]
