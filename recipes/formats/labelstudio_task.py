"""One task of Label Studio as it stands in exports, API answers and webhooks: its document and what was said
of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from spanloop.recipes.formats.labelstudio_regions import Regions, is_span_region, read_regions
from spanloop.store import clock
from spanloop.store.records import Answer, NewDocument, Origin, Split

ID, GROUP, SPLIT, META = "spanloop_id", "spanloop_group", "spanloop_split", "spanloop_meta"
"""Where a task that we made keeps what the store knows of its document, in the task's ``data``."""

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one annotation says. ``regions`` None: it says nothing about spans. ``changed_at`` as the store
    writes moments; ``seconds`` spent."""

    regions: Regions | None
    answer: Answer
    annotator: str
    origin: Origin = "human"
    changed_at: str | None = None
    seconds: float | None = None

    @property
    def comment(self) -> str:
        if self.regions is None or not self.regions.others:
            return ""
        kinds = ", ".join(sorted(set(self.regions.others)))
        return f"{len(self.regions.others)} regions that are no spans were left out: {kinds}"


def document_of(task: Record, *, field: str | None = None, project: int | None = None) -> NewDocument:
    """The document of a task. ``field``: where its data has the text; None: ``text``, the only string, or
    the one in which the regions stand. ValueError for a task without text."""
    data = task.get("data")
    if not isinstance(data, Mapping):
        raise ValueError(f'"data" is {type(data).__name__}; an object with the text is expected')
    name = field or _text_field(task, data)
    text = data.get(name)
    if not isinstance(text, str):
        raise ValueError(f"data has no text under {name!r}, only {', '.join(map(repr, data)) or 'nothing'}")
    split = data.get(SPLIT)
    group = data.get(GROUP)
    return NewDocument(
        text=text,
        key=_key(task, data, project),
        group=None if group is None else str(group),
        split=cast(Split, split) if split in ("pool", "eval") else None,
        meta=_meta(data, name),
    )


def _key(task: Record, data: Mapping[str, Any], project: int | None) -> str | None:
    known = data.get(ID)
    if known is not None and str(known):
        return str(known)
    number, of = task.get("id"), task.get("project", project)
    if number is None:
        return None
    return f"labelstudio-{number}" if of is None else f"labelstudio-{of}-{number}"


def _meta(data: Mapping[str, Any], text_field: str) -> dict[str, Any]:
    ours = (text_field, ID, GROUP, SPLIT, META)
    rest = {name: value for name, value in data.items() if name not in ours}
    kept = data.get(META)
    return {**rest, **kept} if isinstance(kept, Mapping) else rest


def _text_field(task: Record, data: Mapping[str, Any]) -> str:
    strings = [name for name, value in data.items() if isinstance(value, str) and not name.startswith(ID[:9])]
    if "text" in strings or not strings:
        return "text"
    if len(strings) == 1:
        return strings[0]
    results = [annotation.get("result") for annotation in annotations_of(task)]
    fitting = [name for name in strings if any(_fits(result, data[name]) for result in results)]
    if len(fitting) == 1:
        return fitting[0]
    raise ValueError(
        f"which of {', '.join(map(repr, strings))} is the text? None is called 'text': rename it in the file"
    )


def _fits(result: Any, text: str) -> bool:
    if not isinstance(result, list) or not any(is_span_region(region) for region in result):
        return False
    regions = read_regions(result, text)
    return bool(regions.spans) and not regions.refused


def annotations_of(task: Record) -> Sequence[Record]:
    """The annotations of a task, oldest first; ``completions`` in exports from before Label Studio 1.0."""
    found = task.get("annotations", task.get("completions"))
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise ValueError('"annotations" must be a list of objects')
    return sorted(found, key=_changed)


def opinion_of(annotation: Record, text: str, *, knows_spans: bool = True) -> Opinion:
    """What an annotation says of the text. Skipped (``was_cancelled``) is ignored, never an empty answer.

    ``knows_spans`` False: where none of its regions is a span, it is silent about spans.
    """
    result = annotation.get("result")
    regions: Regions | None = read_regions([] if result is None else result, text)
    if regions is not None and regions.others and not (regions.spans or regions.refused or knows_spans):
        regions = None
    skipped = bool(annotation.get("was_cancelled") or annotation.get("skipped"))
    return Opinion(
        regions=regions,
        answer="ignore" if skipped else "accept",
        annotator=annotator_of(annotation.get("completed_by")),
        origin="review" if annotation.get("ground_truth") and not skipped else "human",
        changed_at=moment(_changed(annotation)),
        seconds=_seconds(annotation.get("lead_time")),
    )


def annotator_of(person: Any) -> str:
    """What a person of Label Studio is called in the store: by number, which all of its messages know."""
    if isinstance(person, Mapping):
        person = person.get("id", person.get("email"))
    name = "" if person is None else str(person).strip()
    return f"labelstudio-{name}" if name and name.isprintable() else "labelstudio"


def predictions_of(task: Record) -> list[Record]:
    """The predictions that the task carries whole, each once: its own, and those that annotations began
    from."""
    own = task.get("predictions")
    carried = [*(own if isinstance(own, list) else []), *(a.get("prediction") for a in annotations_of(task))]
    found: dict[Any, Record] = {}
    for number, prediction in enumerate(carried):
        if isinstance(prediction, Mapping) and isinstance(prediction.get("result"), list):
            name = prediction.get("id", f"number {number}")
            found.setdefault(name if isinstance(name, str | int) else repr(name), prediction)
    return list(found.values())


def model_of(prediction: Record) -> str:
    """What the model of a prediction is called in the store."""
    version = prediction.get("model_version")
    return str(version) if version else "labelstudio"


def moment(value: Any) -> str | None:
    """A moment as the store writes it; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        return clock.written(clock.moment(value))
    except (ValueError, OverflowError):  # the first hours of year 1 are in year 0 elsewhere
        return None


def _changed(annotation: Record) -> str:
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")


def _seconds(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9
    return float(value) if known else None
