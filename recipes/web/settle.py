"""What a person did to each suggestion, told from the spans they left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from spanloop.store.records import AnnotatedSpan, Span


def settle(
    spans: Iterable[tuple[int, int, str, int | None]],
    suggestions: Sequence[Span],
    *,
    keep_rejected: bool = True,
) -> tuple[AnnotatedSpan, ...]:
    """Final spans ``(start, end, label, id of the suggestion it came from or None)`` as annotated ones.

    A span is *taken* if a suggestion has the same characters and label, *changed* if the page says that it
    grew out of a suggestion and either differs, else *added*. Each suggestion is used once; those that
    nothing is left of follow as *rejected* (not where ``keep_rejected`` is off: a document that was skipped
    or refused judges none). An id that belongs to no suggestion of this document counts as none.
    """
    by_id = {suggestion.id: suggestion for suggestion in suggestions if suggestion.id is not None}
    unused = dict(by_id)
    exact = {(suggestion.start, suggestion.end, suggestion.label): suggestion for suggestion in suggestions}
    settled: list[AnnotatedSpan] = []
    edited: list[tuple[int, int, str, int | None]] = []
    for start, end, label, source in spans:
        same = exact.get((start, end, label))
        if same is not None and same.id in unused:
            del unused[same.id]
            settled.append(AnnotatedSpan(start, end, label, "taken", same.id))
        else:
            edited.append((start, end, label, source))
    for start, end, label, source in edited:
        if source is not None and unused.pop(source, None) is not None:
            settled.append(AnnotatedSpan(start, end, label, "changed", source))
        else:
            settled.append(AnnotatedSpan(start, end, label, "added"))
    settled.sort(key=_place)
    if keep_rejected:
        refused = [AnnotatedSpan(s.start, s.end, s.label, "rejected", s.id) for s in unused.values()]
        settled.extend(sorted(refused, key=_place))
    return tuple(settled)


def _place(span: AnnotatedSpan) -> tuple[int, int]:
    return span.start, span.end
