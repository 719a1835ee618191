from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.metrics.intervals import averages, figures, per_label
from spanloop.plugin.metrics.score import ScoreReport, score_spans, score_tags
from spanloop.plugin.tagging.reading import read_tags
from spanloop.plugin.tagging.schemes import Run, encode

LABELS = ["PER", "LOC", "ORG"]


@st.composite
def tag_documents(draw: st.DrawFn) -> list[tuple[list[str], list[str]]]:
    """Gold and predicted legal IOB2 tags of a few documents."""
    documents = []
    for _ in range(draw(st.integers(1, 5))):
        n_tokens = draw(st.integers(1, 8))
        sides = []
        for _ in range(2):
            tags = draw(st.lists(st.sampled_from(["O", "B", "I"]), min_size=n_tokens, max_size=n_tokens))
            names = draw(st.lists(st.sampled_from(LABELS), min_size=n_tokens, max_size=n_tokens))
            raw = ["O" if t == "O" else f"{t}-{name}" for t, name in zip(tags, names, strict=True)]
            sides.append(encode(decode_tags(raw), n_tokens))
        documents.append((sides[0], sides[1]))
    return documents


def decode_tags(tags: list[str]) -> list[Run]:
    return read_tags(dict.fromkeys(tags), "IOB2").runs(tags)


def chars(tags: list[str]) -> list[CharSpan]:
    """Tokens of two characters with one space between them."""
    return [CharSpan(start * 3, end * 3 - 1, label) for start, end, label in decode_tags(tags)]


def report(documents: list[tuple[list[str], list[str]]], *, bootstrap: int = 0) -> ScoreReport:
    return score_spans(
        [chars(gold) for gold, _ in documents],
        [chars(predicted) for _, predicted in documents],
        [[(3 * k, 3 * k + 2) for k in range(len(gold))] for gold, _ in documents],
        LABELS,
        bootstrap=bootstrap,
    )


@given(tag_documents())
@settings(max_examples=40)
def test_spans_score_as_seqeval_scores_their_tags(documents: list[tuple[list[str], list[str]]]) -> None:
    scored = report(documents)
    gold, predicted = [list(side) for side in zip(*documents, strict=True)]
    if all(tag == "O" for tags in gold + predicted for tag in tags):
        assert (scored.micro.f1, scored.micro.support) == (0.0, 0)
        return
    expected = classification_report(
        gold, predicted, output_dict=True, mode="strict", scheme=IOB2, zero_division=0
    )
    for name, figure in [
        ("micro avg", scored.micro),
        ("weighted avg", scored.weighted),
        *[(label, scored.labels[label]) for label in LABELS if label in expected],
    ]:
        row = expected[name]
        assert (figure.precision, figure.recall, figure.f1, figure.support) == pytest.approx(
            (row["precision"], row["recall"], row["f1-score"], row["support"])
        )
    with_gold = [expected[label] for label in LABELS if expected.get(label, {"support": 0})["support"]]
    if len(with_gold) == sum(label in expected for label in LABELS):
        assert scored.macro.f1 == pytest.approx(expected["macro avg"]["f1-score"])
    mean = [
        sum(row[name] for row in with_gold) / max(len(with_gold), 1) for name in ("precision", "f1-score")
    ]
    assert [scored.macro.precision, scored.macro.f1] == pytest.approx(mean)


@given(tag_documents())
@settings(max_examples=40)
def test_figures_from_counts_are_those_of_seqeval(documents: list[tuple[list[str], list[str]]]) -> None:
    scored = report(documents)
    total = scored.counts.sum(axis=0).astype(np.float64)
    names = tuple(scored.labels)
    for name, value in averages(total).items():
        figure = getattr(scored, name)
        assert tuple(value) == pytest.approx((figure.precision, figure.recall, figure.f1))
    for name, value in zip(names, per_label(total), strict=True):
        figure = scored.labels[name]
        assert tuple(value) == pytest.approx((figure.precision, figure.recall, figure.f1))


@given(tag_documents())
@settings(max_examples=40)
def test_lenient_is_never_below_strict(documents: list[tuple[list[str], list[str]]]) -> None:
    scored = report(documents)
    assert scored.lenient_micro is not None
    assert scored.lenient_micro.f1 >= scored.micro.f1 - 1e-9
    assert scored.lenient_micro.support == scored.micro.support


@given(tag_documents())
@settings(max_examples=30)
def test_nothing_is_nan_and_intervals_hold_their_order(documents: list[tuple[list[str], list[str]]]) -> None:
    for row in report(documents, bootstrap=50).rows("eval"):
        values = [row[key] for key in ("precision", "recall", "f1", "f1_low", "f1_high")]
        assert all(value is None or (math.isfinite(value) and 0 <= value <= 1) for value in values)
        assert row["f1_low"] is None or row["f1_low"] <= row["f1_high"]


def test_a_snapped_span_is_a_miss() -> None:
    scored = score_spans([[CharSpan(0, 2, "PER")]], [[CharSpan(0, 4, "PER")]], [[(0, 4)]], ["PER"])
    assert scored.micro.f1 == 0.0
    assert scored.lenient_micro is not None
    assert scored.lenient_micro.f1 == 1.0


def test_a_gold_span_no_token_can_carry_is_a_miss() -> None:
    scored = score_spans([[CharSpan(4, 5, "PER")]], [[]], [[(0, 3)]], ["PER"])
    assert (scored.micro.recall, scored.micro.support) == (0.0, 1)


def test_labels_that_seqeval_would_mistake_stay_apart() -> None:
    gold = [
        [CharSpan(0, 2, "PER-"), CharSpan(3, 5, "PER"), CharSpan(6, 8, "micro avg"), CharSpan(9, 11, "_")]
    ]
    tokens = [[(0, 2), (3, 5), (6, 8), (9, 11)]]
    wrong = [
        [CharSpan(0, 2, "PER"), CharSpan(3, 5, "PER-"), CharSpan(6, 8, "micro avg"), CharSpan(9, 11, "_")]
    ]
    scored = score_spans(gold, wrong, tokens, ["PER", "PER-", "micro avg", "_"])
    assert {label: figure.f1 for label, figure in scored.labels.items()} == {
        "PER": 0.0,
        "PER-": 0.0,
        "micro avg": 1.0,
        "_": 1.0,
    }
    assert scored.micro.f1 == 0.5


def test_a_label_of_neither_gold_nor_prediction_has_a_figure_but_no_part_in_macro() -> None:
    scored = score_spans([[CharSpan(0, 2, "A")]], [[CharSpan(0, 2, "A")]], [[(0, 2)]], ["A", "B"])
    assert scored.labels["B"].support == 0
    assert scored.macro.f1 == 1.0


def test_false_alarms_of_a_label_without_gold_cost_micro_and_leave_macro_alone() -> None:
    """One more label, of which there is no gold, must not halve the figure of all others."""
    gold = [[CharSpan(0, 2, "A")], []]
    before = score_spans(gold, [[CharSpan(0, 2, "A")], []], [[(0, 2)]] * 2, ["A"])
    after = score_spans(gold, [[CharSpan(0, 2, "A")], [CharSpan(0, 2, "B")]], [[(0, 2)]] * 2, ["A", "B"])
    assert (before.macro.f1, after.macro.f1, after.without_gold) == (1.0, 1.0, ("B",))
    assert after.micro.f1 < before.micro.f1


def test_what_a_document_says_nothing_of_is_neither_right_nor_wrong() -> None:
    """Both documents have a B; only the first one knows B, and the model finds both."""
    found = [[CharSpan(0, 2, "A"), CharSpan(3, 5, "B")]] * 2
    gold = [found[0], [CharSpan(0, 2, "A")]]
    tokens = [[(0, 2), (3, 5)]] * 2
    scored = score_spans(gold, found, tokens, ["A", "B"], unknown=[(), ("B",)])
    assert (scored.micro.f1, scored.micro.support) == (1.0, 3)
    assert scored.known == {"A": 2, "B": 1}
    assert score_spans(gold, found, tokens, ["A", "B"]).micro.f1 < 1.0
    documents = {row["label"]: row["documents"] for row in scored.rows("eval") if row["metric"] == "strict"}
    assert documents == {None: 2, "A": 2, "B": 1}


def test_a_token_that_may_have_a_later_tag_is_left_out() -> None:
    """The second document does not know B, and says A where the model says B."""
    gold = [[CharSpan(0, 2, "A")], [CharSpan(0, 2, "A"), CharSpan(3, 5, "A")]]
    found = [[CharSpan(0, 2, "B")], [CharSpan(0, 2, "B"), CharSpan(3, 5, "A")]]
    scored = score_tags(gold, found, ["A", "B"], unknown=[(), ("B",)])
    assert scored.accuracy is not None
    assert (scored.accuracy.f1, scored.accuracy.support) == (0.5, 2)


def test_a_label_seen_only_in_eval_is_scored() -> None:
    scored = score_spans([[CharSpan(0, 2, "NEW")]], [[]], [[(0, 2)]], ["A"])
    assert scored.labels["NEW"].recall == 0.0


@pytest.mark.parametrize("documents", [0, 1, 3])
def test_nothing_to_score_gives_zeros_without_intervals(documents: int) -> None:
    scored = score_spans([[]] * documents, [[]] * documents, [[(0, 1)]] * documents, ["A"])
    assert (scored.micro.f1, scored.micro.support, scored.micro.f1_low) == (0.0, 0, None)
    assert score_spans([], [], [], []).labels == {}


def test_predictions_outside_of_what_was_looked_at_do_not_count() -> None:
    gold, predicted = [[CharSpan(0, 2, "A")]], [[CharSpan(0, 2, "A"), CharSpan(6, 8, "A")]]
    tokens = [[(0, 2), (3, 5), (6, 8)]]
    assert score_spans(gold, predicted, tokens, ["A"]).micro.precision == 0.5
    assert score_spans(gold, predicted, tokens, ["A"], ranges=[[(0, 5)]]).micro.precision == 1.0


def test_overlapping_spans_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        score_spans([[CharSpan(0, 4, "A"), CharSpan(2, 6, "A")]], [[]], [[(0, 2), (2, 4), (4, 6)]], ["A"])


def test_token_confusion_counts_tokens() -> None:
    scored = score_spans(
        [[CharSpan(0, 5, "A")]], [[CharSpan(0, 2, "B")]], [[(0, 2), (3, 5), (6, 8)]], ["A", "B"]
    )
    assert scored.confusion == {("A", "B"): 1, ("A", "O"): 1, ("O", "O"): 1}


def test_tags_are_scored_by_accuracy_and_per_tag() -> None:
    gold = [[CharSpan(0, 1, "N"), CharSpan(2, 3, "V")], [CharSpan(0, 1, "N")]]
    predicted = [[CharSpan(0, 1, "N"), CharSpan(2, 3, "N"), CharSpan(4, 5, "V")], []]
    scored = score_tags(gold, predicted, ["N", "V"])
    assert scored.accuracy is not None
    assert scored.accuracy.f1 == pytest.approx(1 / 3)
    assert scored.accuracy.support == 3
    assert (scored.labels["N"].precision, scored.labels["N"].recall) == (0.5, 0.5)
    assert scored.labels["V"].f1 == 0.0
    assert [row["metric"] for row in scored.rows("eval")][:2] == ["accuracy", "strict"]


def test_the_same_seed_gives_the_same_interval() -> None:
    documents = [(["B-PER", "O"], ["B-PER", "O"]), (["B-LOC", "O"], ["O", "O"]), (["O", "O"], ["O", "B-PER"])]
    assert report(documents, bootstrap=200) == report(documents, bootstrap=200)


@pytest.mark.slow
def test_intervals_cover_the_truth() -> None:
    """500 worlds of 200 documents: at least 93 % of the 95 % intervals hold the F1 of the population."""
    rng = np.random.default_rng(0)
    # A document has 0-4 gold spans, 70 % of them found, and 0.5 false alarms on average.
    truth = 2 * 0.7 * 2 / (2 + (0.7 * 2 + 0.5))
    covered = 0
    for world in range(500):
        support = rng.integers(0, 5, size=200)
        hits = rng.binomial(support, 0.7)
        counts = np.stack([hits, rng.poisson(0.5, size=200), support - hits], axis=-1)[:, None, :]
        micro = figures(counts, ("A",), replicates=400, seed=world)[0]["micro"]
        assert micro.f1_low is not None
        assert micro.f1_high is not None
        covered += micro.f1_low <= truth <= micro.f1_high
    assert covered >= 465
