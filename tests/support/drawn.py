"""What the page draws at one moment, and the law that each act of hands obeys.

The law: the span that a command changes is the one that is drawn as selected (or lies under the words that
are drawn as chosen, where a new span takes their place), and what was just made is what the next command
changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# every span, what is drawn as selected, the words with the cursor, what the browser itself selected
SEEN = """() => {
  const points = (text) => [...text].length;
  const seen = {spans: {}, selected: [], cursor: null, chosen: null, tokens: [], edges: []};
  for (const card of document.querySelectorAll('.card')) {
    const id = card.dataset.document;
    for (const mark of card.querySelectorAll('.mark')) {
      const name = `${id}:${mark.dataset.span}`;
      const atoms = [...mark.querySelectorAll('[data-start]')];
      const label = mark.querySelector('.first')?.dataset.label ?? null;
      const start = Number(atoms[0].dataset.start);
      const end = Number(atoms.at(-1).dataset.start) + points(atoms.at(-1).textContent);
      const old = seen.spans[name];
      seen.spans[name] = old ? [old[0], end, old[2] ?? label] : [start, end, label];
      if (mark.classList.contains('selected') && !seen.selected.includes(name)) seen.selected.push(name);
    }
    for (const token of card.querySelectorAll('.token')) {
      const [start, box] = [Number(token.dataset.start), token.getBoundingClientRect()];
      const end = start + points(token.textContent);
      seen.tokens.push([id, start, end, box.x, box.y, box.width, box.height]);
      if (!token.classList.contains('cursor')) continue;
      if (seen.cursor && seen.cursor[0] !== id) throw new Error('two documents have a cursor');
      seen.cursor = [id, seen.cursor ? seen.cursor[1] : start, end];
    }
    for (const edge of card.querySelectorAll('.edge')) {
      const box = edge.getBoundingClientRect();
      seen.edges.push([box.x + box.width / 2, box.y + box.height / 2]);
    }
    const range = getSelection().isCollapsed ? null : getSelection().getRangeAt(0);
    const all = [...card.querySelectorAll('.token')];
    const parts = range ? all.filter((token) => range.intersectsNode(token)) : [];
    if (parts.length) {
      const last = parts.at(-1);
      const end = Number(last.dataset.start) + points(last.textContent);
      seen.chosen = [id, Number(parts[0].dataset.start), end];
    }
  }
  return seen;
}"""
Stretch = tuple[str, int, int]


@dataclass(frozen=True)
class Seen:
    """The page at one moment."""

    spans: dict[str, tuple[int, int, str]]
    selected: list[str]
    cursor: Stretch | None
    chosen: Stretch | None
    tokens: list[list[Any]]
    edges: list[list[float]]

    def told(self) -> str:
        return (
            f"{self.spans} selected {self.selected} cursor {self.cursor} chosen by the browser {self.chosen}"
        )

    def under(self, stretch: Stretch | None) -> set[str]:
        """The spans that share characters with it."""
        if stretch is None:
            return set()
        card, start, end = stretch
        return {
            name
            for name, (s, e, _) in self.spans.items()
            if name.split(":")[0] == card and s < end and e > start
        }


def look(page: Any) -> Seen:
    found = page.evaluate(SEEN)
    stretches = {name: tuple(found[name]) if found[name] else None for name in ("cursor", "chosen")}
    spans = {name: tuple(value) for name, value in found["spans"].items()}
    return Seen(**{**found, **stretches, "spans": spans})


def broken_law(kind: str, before: Seen, after: Seen, *, tags: bool) -> str:
    """What is wrong with this act, "" if nothing is."""
    changed = {
        name for name in {*before.spans, *after.spans} if before.spans.get(name) != after.spans.get(name)
    }
    old, new = changed & set(before.spans), changed & set(after.spans)
    targets = [bool(after.selected), bool(after.chosen)]
    if len(after.selected) > 1 or all(targets):
        return "two things are drawn as what the hands are on"
    if kind == "move":
        return "a move changed spans" if changed else ""
    if kind == "undo":
        return "" if not new or set(after.selected) <= new else "what undo changed is not drawn as selected"
    if kind == "make":
        made = [after.spans[name] for name in new]
        apart = [
            name
            for name in old
            if not any(s < before.spans[name][1] and e > before.spans[name][0] for s, e, _ in made)
        ]
        if apart:
            return "a span out of the way of what was made was changed"
        return _made(before, after, new, tags=tags, goes_on=False)
    aimed = (
        before.under(before.chosen) if before.chosen else set(before.selected) or before.under(before.cursor)
    )
    if not (before.selected or before.cursor or before.chosen) and changed:
        return "nothing was drawn as selected, and a span was changed"
    beyond = {name for name in old if name not in aimed}
    if kind == "change":
        following = {
            min(
                (n for n in before.spans if _after(before, n, aimed)),
                key=lambda n: before.spans[n][0],
                default="",
            )
        }
        return "a span was changed that was not drawn as selected" if beyond - following else ""
    if beyond:
        return "a label went to a span that was not drawn as selected"
    return _made(before, after, new, tags=tags, goes_on=kind == "label" and not before.chosen)


def _after(seen: Seen, name: str, aimed: set[str]) -> bool:
    """Whether this span stands behind the aimed one in the same document: what merging joins."""
    return any(
        name.split(":")[0] == other.split(":")[0] and seen.spans[name][0] >= seen.spans[other][1]
        for other in aimed
    )


def _made(before: Seen, after: Seen, new: set[str], *, tags: bool, goes_on: bool) -> str:
    """What was just made or labelled is what the next key changes; of tags the next word may be next."""
    if not new:
        return ""
    if not tags:
        return "" if set(after.selected) == new else "what was just made is not drawn as selected"
    if after.cursor is None:
        return "" if set(after.selected) == new else "what was just tagged is not drawn as selected"
    _, start, end = after.cursor
    first, last = (pick(after.spans[name][n] for name in new) for n, pick in ((0, min), (1, max)))
    if goes_on:
        at_end = last == max(token[2] for token in after.tokens if token[0] == after.cursor[0])
        return (
            "" if start >= last or (at_end and end == last) else "the cursor did not go on to the next word"
        )
    return "" if start <= first and end >= last else "what was just tagged is not under the cursor"
