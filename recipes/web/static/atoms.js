// How a text is cut for the page: into blocks at line ends, and into atoms at the edges of tokens and spans.

// Token ranges that lie between line ends, with the characters around them: {first, last, start, end}.
export function* blocks(work) {
  let first = 0;
  let start = 0;
  for (let token = 1; token <= work.tokenCount; token += 1) {
    const gapEnd = token < work.tokenCount ? work.tokenStart(token) : work.text.length;
    const gap = work.text.slice(work.tokenEnd(token - 1), gapEnd);
    if (token < work.tokenCount && !gap.includes("\n")) continue;
    const end = token < work.tokenCount ? gapEnd - trailing(gap) : gapEnd;
    yield { first, last: token, start, end };
    first = token;
    start = end;
  }
}

// How many characters follow the last line end of `gap`.
function trailing(gap) {
  return gap.length - 1 - gap.lastIndexOf("\n");
}

// The run cut at tokens and span boundaries: {start, end, token: index or null for what lies between tokens}.
export function* atoms(work, run, spans) {
  const cuts = spans.flatMap((span) => [span.start, span.end]);
  let at = run.start;
  for (let token = run.first; token < run.last; token += 1) {
    yield* pieces(at, work.tokenStart(token), null, cuts);
    yield* pieces(work.tokenStart(token), work.tokenEnd(token), token, cuts);
    at = work.tokenEnd(token);
  }
  yield* pieces(at, run.end, null, cuts);
}

function* pieces(start, end, token, cuts) {
  const inside = cuts.filter((cut) => start < cut && cut < end).sort((a, b) => a - b);
  for (const cut of [...inside, end]) {
    if (cut > start) yield { start, end: cut, token };
    start = cut;
  }
}
