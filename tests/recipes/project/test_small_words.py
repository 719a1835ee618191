"""What a command says of what was not asked in so many words: what a merged label counts as, how far a split
came out from what was wanted, the help of the command that was named."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused, run

from spanloop.recipes import import_files, init, labels, merge_labels, prelabel


def test_a_merged_label_says_what_it_counts_as(tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "GPE", "LOC", "OLD"])
    merge_labels(db, "GPE", "LOC")
    done("labels", db, "retire", "OLD")
    assert {row.name: (row.retired, row.merged_into) for row in labels(db).labels} == {
        "PER": (False, None),
        "LOC": (False, None),
        "GPE": (True, "LOC"),
        "OLD": (True, None),
    }
    shown = {line.split()[1 if line[0] != " " else 0]: line for line in done("labels", db).splitlines()[1:]}
    assert shown["GPE"].endswith("counts as LOC")
    assert shown["OLD"].endswith("retired")
    done("labels", db, "rename", "LOC", "PLACE")
    assert "counts as PLACE" in done("labels", db)


def test_a_project_without_documents_says_what_to_type_before_suggestions(tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER"])
    patterns = jsonl_file(tmp_path / "patterns.jsonl", {"label": "PER", "pattern": "Ann"})
    for options in ((), ("--patterns", patterns)):
        assert refused("prelabel", db, *options) == (
            f"{db} has no document yet to suggest for: import some first, with spanloop import {db} FILE"
        )


def grouped(sizes: list[int]) -> list[dict[str, object]]:
    """Documents of groups of those sizes."""
    return [
        {"text": f"text {group} {number} {'x' * group}", "id": f"{group}-{number}", "group": f"g{group}"}
        for group, size in enumerate(sizes)
        for number in range(size)
    ]


def test_a_split_far_from_what_was_asked_for_is_told(tmp_path: Path) -> None:
    """One group of most documents goes to one side whole."""
    db = tmp_path / "p.db"
    init(db, labels=["PER"], eval_fraction=0.5)
    report = import_files(
        db, [jsonl_file(tmp_path / "x.jsonl", *grouped([200, 1, 1]))], near_duplicates=False
    )
    assert report.drawn == 202
    assert report.drawn_eval == report.splits["eval"]
    assert (report.eval_fraction, report.largest_group) == (0.5, 200)
    assert "50% were asked for" in report.text()
    assert "the largest has 200 documents" in report.text()


@pytest.mark.parametrize("given", [{}, {"split": "pool"}])
def test_a_split_that_chance_explains_or_that_was_given_is_not(
    tmp_path: Path, given: dict[str, object]
) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER"], eval_fraction=0.2)
    lines = [{**line, **given} for line in grouped([1] * 100)]
    report = import_files(db, [jsonl_file(tmp_path / "x.jsonl", *lines)], near_duplicates=False)
    assert report.drawn == (0 if given else 100)
    assert report.eval_fraction is None
    assert "asked for" not in report.text()


@pytest.mark.parametrize(
    ("typed", "usage", "says"),
    [
        (["labels", "rename", "--help"], "labels DB rename [OPTIONS] OLD NEW", "Another name for a label"),
        (["labels", "p.db", "rename", "--help"], "labels DB rename [OPTIONS] OLD NEW", "Another name"),
        (["rounds", "promote", "-h"], "rounds DB promote [OPTIONS] NUMBER", "Put round NUMBER to use"),
        (["labels", "--help"], "labels [OPTIONS] DB [COMMAND]", "List, add, change"),
    ],
)
def test_help_is_of_the_command_that_was_named(typed: list[str], usage: str, says: str) -> None:
    result = run(*typed)
    assert result.exit_code == 0
    assert usage in result.stdout
    assert says in result.stdout


def test_only_what_is_open_gets_suggestions_where_that_is_asked(tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER"], eval_fraction=0)
    lines = [{"text": f"Ann met number {n}", **({"spans": []} if n < 2 else {})} for n in range(5)]
    import_files(db, [jsonl_file(tmp_path / "x.jsonl", *lines)])
    patterns = jsonl_file(tmp_path / "patterns.jsonl", {"label": "PER", "pattern": "Ann"})
    assert prelabel(db, patterns=patterns, open_only=True).documents == 3
    assert prelabel(db, patterns=patterns, open_only=True).documents == 0
    assert prelabel(db, patterns=patterns).documents == 2
