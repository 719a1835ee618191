// Documents of which only parts are asked: what those are, and what an answer to them has looked at. Knows no page.

// Whether [start, end) shares a character with what is asked: all of the document where no part is named.
export function isAsked(work, start, end = start + 1) {
  return !work.parts || meets(work.parts, start, end);
}

// The characters that an answer says something about, as [start, end], in order and apart: the parts, with each the
// whole of a span that begins or ends in it, and what the person changed elsewhere. Null where all is asked. `without`:
// tokens of a tag project that have no tag; of them nothing is said.
export function lookedAtParts(work, without = []) {
  if (!work.parts) return null;
  const changed = changedSpans(work);
  const met = work.spans.filter(({ start, end }) => isAsked(work, start, end));
  const ranges = joined([...work.parts, ...work.sent, ...[...met, ...changed].map(({ start, end }) => [start, end])]);
  const known = without.reduce((left, token) => cutOut(left, work.tokenStart(token), work.tokenEnd(token)), ranges);
  return without.length ? known.filter(([start, end]) => work.overlapping(start, end).length) : known;
}

// The words of the asked parts, and those of the document, as numbers.
export function countAsked(work) {
  let asked = 0;
  for (let token = 0; token < work.tokenCount; token += 1) asked += isAsked(work, work.tokenStart(token), work.tokenEnd(token));
  return { asked, all: work.tokenCount };
}

// The first token from this one on that is asked; the number of tokens where there is none.
export function nextAsked(work, token) {
  let at = token;
  while (at < work.tokenCount && !isAsked(work, work.tokenStart(at), work.tokenEnd(at))) at += 1;
  return at;
}

// Spans that were there at the start and are gone, or that have come since.
function changedSpans(work) {
  const key = ({ start, end, label }) => `${start} ${end} ${label}`;
  const [before, now] = [work.base, work.spans].map((spans) => new Set(spans.map(key)));
  return [...work.base.filter((span) => !now.has(key(span))), ...work.spans.filter((span) => !before.has(key(span)))];
}

function meets(ranges, start, end) {
  return ranges.some(([from, to]) => start < to && from < end);
}

function joined(ranges) {
  const found = [];
  for (const [start, end] of [...ranges].sort(([a], [b]) => a - b)) {
    if (found.length && start <= found.at(-1)[1]) found.at(-1)[1] = Math.max(found.at(-1)[1], end);
    else found.push([start, end]);
  }
  return found;
}

function cutOut(ranges, start, end) {
  return ranges
    .flatMap(([from, to]) => [[from, Math.min(to, start)], [Math.max(from, end), to]])
    .filter(([from, to]) => from < to);
}
