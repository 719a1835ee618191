"""benchmarks/data.py: originals become the corpora of the figures; what is missing is one line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.places import ROOT

SCRIPT = ROOT / "benchmarks" / "data.py"
# original, converter, corpus, split; the converter's own arguments behind the path
KEPT = [
    ("wnut17train.conll", "wnut17", "wnut17", "train", ()),
    ("wikigold.iob1.conll", "wikigold", "wikigold", "train", ()),
    ("en_ewt-ud-dev.conllu", "ud_tags", "ud_en_ewt", "dev", ()),
    ("en_ewt-ud-dev.conllu", "ud_chunks", "ud_en_chunks", "dev", ("dev",)),
]


@pytest.fixture
def converting(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import converting

    return converting


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def numbered(corpus: str, split: str, rows: Any) -> str:
    """As data.py writes them."""
    named = ({"id": f"{corpus}-{split}-{at:05d}", **row} for at, row in enumerate(rows))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in named)


@pytest.mark.data
@pytest.mark.parametrize(("name", "converter", "corpus", "split", "more"), KEPT, ids=[k[2] for k in KEPT])
def test_an_original_gives_the_corpus_of_the_figures(
    data: Path, converting: Any, name: str, converter: str, corpus: str, split: str, more: tuple[str, ...]
) -> None:
    made = numbered(corpus, split, getattr(converting, converter)(data / "raw" / name, *more))
    assert made == (data / corpus / f"{split}.jsonl").read_text("utf-8")


@pytest.mark.data
def test_sentences_of_ncbi_find_their_documents_and_their_text(
    data: Path, converting: Any, tmp_path: Path
) -> None:
    standoff = data / "exports" / "brat" / "ncbi_devel20"
    documents = {path.stem for path in standoff.glob("*.txt")}
    wanted = [row for row in rows_of(data / "ncbi_disease" / "dev.jsonl") if row["doc"] in documents]
    pairs = (zip(row["tokens"], row["tags"], strict=True) for row in wanted)
    conll = tmp_path / "devel.tsv"
    conll.write_text("\n".join("".join(f"{a}\t{b}\n" for a, b in pair) for pair in pairs), "utf-8")
    found = list(converting.ncbi_disease(conll, standoff))
    assert len(documents) == 20
    assert found == [{name: row[name] for name in row if name != "id"} for row in wanted]
    conll.write_text(conll.read_text("utf-8") + "\none\tO\n", "utf-8")
    with pytest.raises(converting.ConversionError, match="goes on after the last document"):
        list(converting.ncbi_disease(conll, standoff))


def test_a_sentence_of_universal_ner(converting: Any, tmp_path: Path) -> None:
    original = tmp_path / "zh.iob2"
    head = "# sent_id = batch-0016-0015\n# text = 目前博愛校區並無\n"
    original.write_text(
        head + "1\t目前\tO\t-\t-\n2\t博愛\tB-LOC\t-\tx\n3\t校區\tI-LOC\t-\tx\n4\t並無\tO\t-\t-\n\n", "utf-8"
    )
    assert list(converting.uner(original)) == [
        {
            "doc": "batch-0016",
            "sent_id": "batch-0016-0015",
            "tokens": ["目前", "博愛", "校區", "並無"],
            "tags": ["O", "B-LOC", "I-LOC", "O"],
            "text": "目前博愛校區並無",
            "spans": [{"start": 2, "end": 6, "label": "LOC"}],
        }
    ]


def test_chapters_of_litbank_are_split_by_name_and_keep_their_levels(converting: Any, tmp_path: Path) -> None:
    lines = "the\tO\tB-LOC\tO\tO\t\ncoast\tB-GPE\tI-LOC\tO\tO\t\n\nRain\tO\tO\tO\tO\t\n\n"
    for number in range(12):
        (tmp_path / f"{number:02d}_a_book_brat.tsv").write_text(lines, "utf-8")
    splits = {split: list(converting.litbank(tmp_path, split)) for split in ("train", "dev", "test")}
    assert {split: sorted({row["doc"][:2] for row in rows}) for split, rows in splits.items()} == {
        "train": ["01", "02", "03", "04", "06", "07", "08", "09", "11"],
        "dev": ["05"],
        "test": ["00", "10"],
    }
    first, second = splits["dev"]
    assert (first["tags"], first["inner_tags"]) == (["O", "B-GPE"], [["B-LOC", "I-LOC"]])
    assert first["spans"] == [{"start": 4, "end": 9, "label": "GPE"}]
    assert "inner_tags" not in second


def run(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """The script as it is typed, where no server answers."""
    nowhere = {"https_proxy": "http://127.0.0.1:9", "SPANLOOP_DATA": str(folder), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, env=nowhere, capture_output=True, text=True, check=False)


@pytest.mark.data
def test_without_a_network_each_missing_corpus_is_a_line(data: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "litbank").mkdir()
    shutil.copy(data / "raw" / "wikigold.iob1.conll", tmp_path / "raw")
    done = run("wikigold", "litbank", "wnut17", "ncbi_disease", folder=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["litbank", "raw", "wikigold"]
    for name in ("wnut17", "ncbi_disease"):
        [line] = [line for line in done.stderr.splitlines() if line.startswith(f"{name}: ")]
        assert "cannot be fetched (no connection)" in line
    assert "litbank is there already and stays as it is" in done.stdout
    assert "train written to" in done.stdout


def test_another_release_is_told_and_kept_only_where_it_is_asked_for(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for split in ("train", "dev", "test"):
        sentence = "# sent_id = a-0001\n# text = Rain\n1\tRain\train\tNOUN\tNN\t_\t0\troot\t_\t_\n\n"
        (raw / f"en_ewt-ud-{split}.conllu").write_text(sentence, "utf-8")
    done = run("ud_en_ewt", folder=tmp_path)
    assert (done.returncode, (tmp_path / "ud_en_ewt").exists()) == (1, False)
    assert "train is another release than the one behind our figures" in done.stderr
    assert run("ud_en_ewt", "--any-release", folder=tmp_path).returncode == 0
    [row] = rows_of(tmp_path / "ud_en_ewt" / "train.jsonl")
    assert (row["doc"], row["tags"]) == ("a", ["NOUN"])
