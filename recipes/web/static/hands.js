// What hands do to a document: every edit of spans, every move of the cursor. Pure functions of a Work; nothing is drawn here.

import { isAsked, nextAsked } from "./parts.js";

// Put a span on [start, end); spans in its way give way.
export function put(work, start, end, label, { tags = false } = {}) {
  if (tags) return putTags(work, start, end, label);
  const trimmed = trim(work, start, end);
  if (!trimmed) return null;
  const inWay = work.overlapping(trimmed.start, trimmed.end);
  const [span] = work.edit(inWay, [{ ...trimmed, label }]);
  return span;
}

// Tags stand on one token each: every token of the range gets this one, if it has not.
function putTags(work, start, end, label) {
  const inWay = work.overlapping(start, end).filter((span) => span.label !== label || span.proposed);
  const added = [];
  for (let token = work.tokenAt(start); token < work.tokenCount && work.tokenStart(token) < end; token += 1) {
    const place = { start: work.tokenStart(token), end: work.tokenEnd(token) };
    const old = inWay.find((span) => span.start === place.start && span.end === place.end);
    if (!old && work.overlapping(place.start, place.end).some((span) => span.label === label)) continue;
    added.push(old ? { ...old, label, proposed: false } : { ...place, label });
  }
  return work.edit(inWay, added)[0] ?? null;
}

// A span must not begin or end with white space: no spaCy entity may.
function trim(work, start, end) {
  const text = work.text.slice(start, end);
  const front = [...(/^\s*/.exec(text)[0])].length;
  const back = [...(/\s*$/.exec(text)[0])].length;
  return start + front < end - back ? { start: start + front, end: end - back } : null;
}

// Put a span on [start, end) and the hands on it: what was just made is what the next key changes. Tags are many spans, so
// there it is their words that the cursor takes in.
export function mark(work, start, end, label, { tags = false } = {}) {
  const made = put(work, start, end, label, { tags });
  if (!tags) return made && select(work, made);
  const last = work.tokenAt(end - 1);
  placeCursor(work, work.tokenAt(start));
  placeCursor(work, work.tokenStart(last) < end ? last : last - 1, { extend: true });
}

// Give a label to what the hands are on: the selected span, else the words under the cursor; false where there is nothing.
// `goOn`: of tags the next word is next.
export function give(work, label, { tags = false, goOn = false } = {}) {
  const span = work.span(work.selected);
  if (!span && !work.cursor) return false;
  const end = span ? span.end : work.tokenEnd(cursorTokens(work).last);
  if (span) relabel(work, span, label);
  else mark(work, work.tokenStart(cursorTokens(work).first), end, label, { tags });
  if (tags && goOn) placeCursor(work, nextAsked(work, work.tokenAt(end - 1) + 1));
}

function relabel(work, span, label) {
  if (span.label !== label) work.edit([span], [{ ...span, label, proposed: false }]);
  work.selected = span.id;
}

// The cursor stays where the span began, so that the next one is one key away.
export function remove(work, span) {
  work.edit([span], []);
  placeCursor(work, work.tokenAt(span.start));
}

// All spans go that are asked.
export function removeAll(work) {
  work.edit(work.spans.filter(({ start, end }) => isAsked(work, start, end)), []);
}

// Move one edge ("start" or "end") of a span by one token, or by one character in character mode. It stops at its
// neighbours and keeps at least one token.
export function moveEdge(work, span, edge, direction) {
  const offset = nextOffset(work, span, edge, direction);
  if (offset !== null) setEdge(work, span, edge, offset);
}

// Put one edge of a span at a character offset, if that leaves a span and touches no other.
export function setEdge(work, span, edge, offset) {
  const moved = { ...span, [edge]: offset, proposed: false };
  if (moved.start >= moved.end || moved[edge] === span[edge]) return;
  if (moved.start < 0 || moved.end > work.text.length) return;
  if (work.overlapping(moved.start, moved.end).some((other) => other.id !== span.id)) return;
  work.edit([span], [moved]);
  work.selected = span.id;
  work.cursor = null;
}

function nextOffset(work, span, edge, direction) {
  if (work.charMode) return span[edge] + direction;
  if (edge === "start") {
    const token = work.tokenAt(span.start);
    const next = direction > 0 ? token + 1 : work.tokenStart(token) < span.start ? token : token - 1;
    return next >= 0 && next < work.tokenCount ? work.tokenStart(next) : null;
  }
  const token = work.tokenAt(span.end - 1);
  const next = direction < 0 ? token - 1 : work.tokenEnd(token) > span.end ? token : token + 1;
  return next >= 0 && next < work.tokenCount ? work.tokenEnd(next) : null;
}

// Cut a span before the token with the cursor, or after its first token. Both parts keep the label.
export function split(work, span) {
  const head = work.cursor?.head ?? -1;
  const inside = head >= 0 && work.tokenStart(head) > span.start && work.tokenStart(head) < span.end;
  const token = inside ? head : work.tokenAt(span.start) + 1;
  if (token >= work.tokenCount || work.tokenStart(token) >= span.end) return;
  const parts = [
    { ...span, end: work.tokenEnd(token - 1), proposed: false },
    { start: work.tokenStart(token), end: span.end, label: span.label },
  ];
  const [, second] = work.edit([span], parts);
  select(work, second);
}

// One span from this one to the end of the next one, with this one's label.
export function merge(work, span) {
  const next = work.spans[work.spans.indexOf(span) + 1];
  if (!next) return;
  work.edit([span, next], [{ ...span, end: next.end, proposed: false }]);
  select(work, work.span(span.id));
}

// Places of these characters that carry no span with this label yet: [{start, end, now: labels there}].
export function samePlaces(work, needle, label) {
  const length = [...needle].length;
  return work.text
    .occurrences(needle)
    .map((start) => ({ start, end: start + length, now: work.overlapping(start, start + length) }))
    .filter(({ start, end }) => work.onTokens(start, end))
    .filter(({ start, end, now }) => !now.some((s) => s.start === start && s.end === end && s.label === label))
    .map(({ start, end, now }) => ({ start, end, now: now.map((s) => s.label) }));
}

// Give all `places` the label, as one step.
export function putAll(work, places, label) {
  const gone = new Set(places.flatMap(({ start, end }) => work.overlapping(start, end)));
  work.edit([...gone], places.map(({ start, end }) => ({ start, end, label })));
}

// Take the last edit back, or do it again; the hands are then on what that changed. False where there is none.
export function undo(work) {
  return work.undo() && handsOn(work, work.edits[work.position].removed, work.edits[work.position].added);
}

export function redo(work) {
  return work.redo() && handsOn(work, work.edits[work.position - 1].added, work.edits[work.position - 1].removed);
}

function handsOn(work, [came], [went]) {
  if (came) select(work, came);
  else placeCursor(work, work.tokenAt(went.start));
  return true;
}

export function select(work, span) {
  work.selected = span?.id ?? null;
  work.cursor = null;
}

export function letGo(work) {
  work.selected = null;
  work.cursor = null;
}

// Put the cursor on a token; a span there is selected with it.
export function placeCursor(work, token, { extend = false } = {}) {
  const head = Math.max(0, Math.min(work.tokenCount - 1, token));
  const anchor = extend ? anchorFor(work, head) : head;
  work.cursor = { anchor, head };
  work.selected = anchor === head ? (work.spanAt(work.tokenStart(head))?.id ?? null) : null;
}

// Where the words that the cursor takes in begin: at the cursor, else at the far end of the selected span.
function anchorFor(work, head) {
  if (work.cursor) return work.cursor.anchor;
  const span = work.span(work.selected);
  if (!span) return head;
  return work.tokenStart(head) < span.start ? work.tokenAt(span.end - 1) : work.tokenAt(span.start);
}

export function moveCursor(work, step, options) {
  if (!work.tokenCount) return;
  if (work.cursor) return placeCursor(work, work.cursor.head + step, options);
  const span = work.span(work.selected);
  if (!span) return placeCursor(work, step > 0 ? 0 : work.tokenCount - 1);
  placeCursor(work, step > 0 ? work.tokenAt(span.end - 1) + 1 : work.tokenAt(span.start) - 1, options);
}

export function cursorTokens(work) {
  const { anchor, head } = work.cursor;
  return { first: Math.min(anchor, head), last: Math.max(anchor, head) };
}

// Select the next (1) or previous (-1) span that is asked and that `wanted` accepts; false if there is none in that direction.
export function nextSpan(work, direction, wanted = () => true) {
  const here = place(work);
  const spans = work.spans.filter((span) => isAsked(work, span.start, span.end) && wanted(span));
  const next =
    direction > 0
      ? spans.find((span) => span.start > here.start || (span.start === here.start && !here.onSpan))
      : spans.findLast((span) => span.start < here.start);
  if (!next) return false;
  select(work, next);
  return true;
}

function place(work) {
  const span = work.span(work.selected);
  if (span) return { start: span.start, onSpan: true };
  if (work.cursor) return { start: work.tokenStart(work.cursor.head), onSpan: false };
  return { start: -1, onSpan: false };
}
