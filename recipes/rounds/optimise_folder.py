"""A saved pipeline that computes faster, without a project: measured and compared on documents that are
given."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.offsets import Offsets
from spanloop.recipes.formats.entry import Entry
from spanloop.recipes.formats.how_read import HowRead
from spanloop.recipes.formats.placing import HARMLESS, part_overlaps, trimmed
from spanloop.recipes.rounds.beside import TIMED, agreement, once_more, ours, quantise, times_as_fast
from spanloop.recipes.rounds.model_card import card_of_pipeline, needs, section_of
from spanloop.recipes.rounds.optimised import Optimised, how_it_computes, refuse_loss
from spanloop.store.files.atomic import whole_folder

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.alignment.values import CharSpan
    from spanloop.plugin.model.backends import BackendName
    from spanloop.plugin.model.device import Precision
    from spanloop.plugin.pipe.component import HFTokenClassifierPipe
    from spanloop.recipes.formats.sources import Source
    from spanloop.store.records import Span, Task

_MOST = 2000
_LEAST = 10


def optimise_pipeline(
    source: Path,
    target: Path,
    files: Sequence[str | Path],
    reading: HowRead,
    *,
    backend: BackendName,
    precision: Precision,
    max_loss: float,
) -> Optimised:
    """As `optimise` says of a saved pipeline; ``target`` is not there yet."""
    from spanloop.recipes.suggest.pipelines import load_pipeline

    nlp, small = load_pipeline(source), once_more(source, backend, precision)
    pipes = (ours(nlp, str(source)), ours(small, str(source)))
    tags = pipes[0].cfg["annotate"] in ("tag", "pos")
    entries = documents(files, reading, "tags" if tags else "spans", seed=0)
    half = min(len(entries) // 2, 300) if precision == "int8" else 0
    if half:
        quantise(*pipes, nlp, [entry.text for entry in entries[:half]])
    compared = entries[half:]
    both = _say_both(nlp, small, pipes, compared)
    known = [at for at, entry in enumerate(compared) if entry.spans is not None]
    before, after = (_judged(said, compared, known, tags=tags) for said in both)
    result = Optimised(
        folder=target,
        round=None,
        backend=backend,
        precision=precision,
        measured_on=half,
        eval_documents=len(compared),
        gold_documents=len(known),
        f1_before=before.f1,
        f1_after=after.f1,
        agreement=agreement(*both),
        calibration_before=before.error,
        calibration_after=after.error,
        times_as_fast=times_as_fast(nlp, small, [entry.text for entry in compared[:TIMED]]),
    )
    refuse_loss(result, max_loss)
    small.meta["requirements"] = needs(small)
    small.meta["description"] = f"{nlp.meta['name']} {how_it_computes(backend, precision)}"
    with whole_folder(target) as part:
        small.to_disk(part)
        card = card_of_pipeline(source, nlp.meta, needs(small))
        (part / "README.md").write_text(f"{card}\n{section_of(result)}", encoding="utf-8")
    return result


@dataclass(frozen=True, slots=True)
class _Judged:
    """What spans are worth beside gold: None without any."""

    f1: float | None = None
    error: float | None = None


def _judged(
    said: Sequence[Sequence[CharSpan]], entries: Sequence[Entry], known: Sequence[int], *, tags: bool
) -> _Judged:
    """By the metric that rounds are judged by, on those of the documents whose gold is known."""
    from spanloop.plugin.metrics.score import score_spans, score_tags
    from spanloop.plugin.tagging.calibrate import calibration_error, judge
    from spanloop.recipes.convert import char_spans

    if not known:
        return _Judged()
    truth, found = [char_spans(entries[at].spans or ()) for at in known], [said[at] for at in known]
    if tags:
        report = score_tags(truth, found, (), bootstrap=0)
    else:
        report = score_spans(truth, found, [()] * len(known), (), bootstrap=0)
    return _Judged((report.accuracy or report.micro).f1, calibration_error(*judge(found, truth)))


def documents(files: Sequence[str | Path], reading: HowRead, task: Task, seed: int) -> list[Entry]:
    """Documents of the files, in an order of chance.

    Args:
        files: in any format that import reads; of 2,000 documents at most, the first.
        reading: how they are read.
        task: what their gold is: spans, or a tag a token.
        seed: of the draw.

    Returns:
        Each with its spans where all of them have a place in its text, else with None: what is left of them
        is no gold.

    Raises:
        RecipeError: where there are fewer than ten.
        FormatError: where a file is read otherwise than it is meant.
    """
    read = (entry for source in reading.sources(files) for entry in _entries(source, reading, task))
    entries = [entry for entry in islice(read, _MOST) if entry.text.strip()]
    if len(entries) < _LEAST:
        raise RecipeError(
            f"{len(entries)} documents in {', '.join(map(str, files)) or 'no file'}: give {_LEAST} or more "
            "like those that the pipeline will read, with --texts FILE"
        )
    random.Random(seed).shuffle(entries)
    return entries


def _entries(source: Source, reading: HowRead, task: Task) -> Iterator[Entry]:
    """The documents of one file, with the gold that an import would make of them."""
    options = reading.options(task)
    offsets = None
    if source.fmt.offsets:
        offsets = Offsets(
            source.path, reading.offsets, lambda: source.entries(options), lenient=source.fmt.foreign
        )
    for entry in source.entries(options):
        if entry.spans is None or entry.answer != "accept":
            yield replace(entry, spans=None)
            continue
        placed = entry if offsets is None else offsets.read(entry)
        yield replace(placed, spans=_gold(placed))


def _gold(entry: Entry) -> tuple[Span, ...] | None:
    """Its spans as the store would have them; None where one of them would not be there."""
    length = len(entry.text)
    if entry.refused or any(not 0 <= span.start < span.end <= length for span in entry.spans or ()):
        return None
    inside = [span for given in entry.spans or () if (span := trimmed(given, entry.text)) is not None]
    kept, left = part_overlaps(inside)
    return kept if all(reason in HARMLESS for _, reason in left) else None


def _say_both(
    nlp: Language,
    small: Language,
    pipes: tuple[HFTokenClassifierPipe, HFTokenClassifierPipe],
    entries: Sequence[Entry],
) -> tuple[list[list[CharSpan]], list[list[CharSpan]]]:
    """The spans that each says of each document."""
    before, after = (
        [pipe.decode(scores) for scores in pipe.predict([one.make_doc(entry.text) for entry in entries])]
        for one, pipe in zip((nlp, small), pipes, strict=True)
    )
    return before, after
