// Yes/no mode: one suggestion at a time in the sentence around it. What was decided of a document is sent as the
// characters that were looked at, with the spans taken; the refused ones follow from that.

import { CodePoints } from "./text.js";
import { Work } from "./work.js";

const CONTEXT = 300; // characters to each side at most, where no sentence ends

// The questions that a document asks: suggestions of the wanted label (null: of any), the least sure first.
export function questions(item, only) {
  const text = new CodePoints(item.text);
  const decided = new Map();
  return item.suggestions
    .filter((suggestion) => only === null || suggestion.label === only)
    .sort((a, b) => (a.score ?? 1) - (b.score ?? 1))
    .map((suggestion) => new Question(item, text, suggestion, decided));
}

class Question extends Work {
  constructor(item, text, suggestion, decided) {
    const from = sentenceStart(text, suggestion.start);
    const to = sentenceEnd(text, suggestion.end);
    super({
      ...item,
      text: text.slice(from, to),
      tokens: item.tokens && within(item.tokens, from, to),
      suggestions: [{ ...suggestion, start: suggestion.start - from, end: suggestion.end - from }],
      answer: null,
      draft: null,
    });
    this.asked = suggestion;
    this.item = item;
    this.decided = decided;
  }

  // The document's decisions so far with this one; null where there is nothing to store.
  answer(verdict, seconds) {
    if (verdict === "ignore") this.decided.delete(this.asked);
    else this.decided.set(this.asked, verdict);
    const decisions = [...this.decided].sort(([a], [b]) => a.start - b.start);
    const taken = decisions.filter(([, decision]) => decision === "accept");
    return {
      ...super.answer(decisions.length ? "accept" : "ignore", seconds),
      spans: taken.map(([{ start, end, label }]) => ({ start, end, label })),
      ranges: decisions.length ? decisions.map(([{ start, end }]) => [start, end]) : null,
    };
  }
}

// Flat token offsets of the tokens that lie in [from, to), counted from `from`.
function within(tokens, from, to) {
  const flat = [];
  for (let at = 0; at < tokens.length; at += 2) {
    if (tokens[at] >= from && tokens[at + 1] <= to) flat.push(tokens[at] - from, tokens[at + 1] - from);
  }
  return flat;
}

function sentenceStart(text, start) {
  const before = text.slice(Math.max(0, start - CONTEXT), start);
  const ends = [...before.matchAll(/[.!?]\s+|[。！？\n]/g)];
  const last = ends.at(-1);
  const kept = last ? before.slice(last.index + last[0].length) : before;
  return start - [...kept].length;
}

function sentenceEnd(text, end) {
  const after = text.slice(end, Math.min(text.length, end + CONTEXT));
  const stop = /[.!?](?=\s|$)|[。！？\n]/.exec(after);
  return end + [...(stop ? after.slice(0, stop.index + stop[0].length) : after)].length;
}
