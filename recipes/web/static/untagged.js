// Words of a tag project that have no tag: counted, and kept out of what counts as looked at.

import { countAsked, isAsked, lookedAtParts } from "./parts.js";

// The tokens without a tag, up to a character or in all of what is asked.
export function untagged(work, until = null) {
  const found = [];
  let at = 0;
  for (let token = 0; token < work.tokenCount && (until === null || work.tokenStart(token) < until); token += 1) {
    while (at < work.spans.length && work.spans[at].end <= work.tokenStart(token)) at += 1;
    const none = at === work.spans.length || work.spans[at].start >= work.tokenEnd(token);
    if (none && (until !== null || isAsked(work, work.tokenStart(token), work.tokenEnd(token)))) found.push(token);
  }
  return found;
}

// The stretches of text between the words without a tag, as [start, end], in order and apart: what an answer says
// something about, so that training masks the rest.
export function lookedAt(work, without, until = null) {
  if (work.parts && until === null) return lookedAtParts(work, without);
  const missing = new Set(without);
  const stretches = work.spans.map(({ start, end }) => [start, end]);
  let first = null;
  for (let token = 0; token <= work.tokenCount; token += 1) {
    const inside = token < work.tokenCount && !missing.has(token) && (until === null || work.tokenStart(token) < until);
    if (inside) first ??= token;
    else if (first !== null) {
      stretches.push([work.tokenStart(first), work.tokenEnd(token - 1)]);
      first = null;
    }
  }
  const joined = [];
  for (const [start, end] of stretches.filter(([, end]) => until === null || end <= until).sort(([a], [b]) => a - b)) {
    if (joined.length && start <= joined.at(-1)[1]) joined.at(-1)[1] = Math.max(joined.at(-1)[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

// The count in words, "" if every word has a tag.
export function untaggedText(work) {
  const without = untagged(work).length;
  const { asked } = countAsked(work);
  return without ? `${without} of ${asked} ${asked === 1 ? "word has" : "words have"} no tag` : "";
}
