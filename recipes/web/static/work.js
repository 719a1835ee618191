// One document being corrected: its tokens, its spans, every edit with undo and redo. Knows no page and no server.
// Offsets are code points. A span: {id, start, end, label}.

import { fates } from "./fates.js";
import { lookedAtParts } from "./parts.js";
import { CodePoints } from "./text.js";

export class Work {
  constructor(item, { charMode = false } = {}) {
    this.id = item.id;
    this.key = item.key;
    this.meta = item.meta;
    this.model = item.model;
    this.predictionId = item.prediction_id;
    this.text = new CodePoints(item.text);
    this.suggestions = item.suggestions;
    this.earlier = item.answer;
    this.parts = item.parts ?? null; // [start, end] of what is asked; null: all of it
    this.sent = []; // what an answer to these parts has looked at already
    this.others = item.others ?? []; // who else has it in hand
    this.reason = item.reason ?? ""; // why it is asked, where somebody said so
    this.tokensFailed = false;
    this.charMode = charMode;
    this.setTokens(item.tokens);
    this.answered = null;
    this.selected = null; // span id
    this.cursor = null; // {anchor, head}: token indices, inclusive
    this._restore(item);
  }

  _restore(item) {
    const draft = item.draft;
    const base = draft?.base ?? startingSpans(item);
    this.seen = this.parts ? 0 : seenOf(item.answer?.ranges);
    this.base = base.map((span, index) => ({
      id: index + 1,
      start: span.start,
      end: span.end,
      label: span.label,
    }));
    this.edits = [];
    this.position = 0;
    this._put([...this.base]);
    for (const edit of draft?.edits ?? []) this._do(edit);
    this.nextId = 1 + Math.max(0, ...this.base.map((s) => s.id), ...this.edits.flatMap((e) => e.added.map((s) => s.id)));
    while (draft && this.position > draft.position) this.undo();
    this.comment = draft?.comment ?? item.answer?.comment ?? "";
    this.flagged = draft?.flagged ?? item.answer?.flagged ?? false;
    this.seconds = draft?.seconds ?? 0;
    this.propose(draft?.proposed ?? []);
  }

  // Spans that the person confirmed from elsewhere ({start, end, label}), as one step that undo takes back.
  propose(places) {
    const fresh = places.filter(
      ({ start, end, label }) => end <= this.text.length && !this.spans.some((s) => s.start === start && s.end === end && s.label === label),
    );
    const gone = new Set(fresh.flatMap(({ start, end }) => this.overlapping(start, end)));
    return this.edit([...gone], fresh.map(({ start, end, label }) => ({ start, end, label, proposed: true })));
  }

  // Everything needed to go on later, undo and redo included.
  draft() {
    const { base, edits, position, comment, flagged, seconds } = this;
    return { base: base.map(plain), edits, position, comment, flagged, seconds: Math.round(seconds * 10) / 10 };
  }

  get touched() {
    return this.position > 0;
  }

  // Flat token offsets from the server, or null: words guessed here until the tokenizer has come to this document.
  setTokens(flat) {
    this.provisional = flat === null;
    this.tokens = Uint32Array.from(flat ?? guessTokens(this.text));
    this.tokenCount = this.tokens.length / 2;
  }

  tokenStart(index) {
    return this.tokens[2 * index];
  }

  tokenEnd(index) {
    return this.tokens[2 * index + 1];
  }

  // The first token that ends after code point `offset`; tokenCount when there is none.
  tokenAt(offset) {
    let low = 0;
    let high = this.tokenCount;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.tokenEnd(middle) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  // The tokens that [start, end) touches as {start, end}, or null if it touches none.
  snap(start, end) {
    const first = this.tokenAt(start);
    const last = this.tokenAt(end - 1);
    if (first >= this.tokenCount) return null;
    const beyond = last >= this.tokenCount || this.tokenStart(last) >= end ? last - 1 : last;
    if (beyond < first) return null;
    return { start: this.tokenStart(first), end: this.tokenEnd(beyond) };
  }

  // Whether spaCy tokens can carry [start, end).
  onTokens(start, end) {
    const snapped = this.snap(start, end);
    return snapped !== null && snapped.start === start && snapped.end === end;
  }

  span(id) {
    return this.spans.find((span) => span.id === id) ?? null;
  }

  spanAt(offset) {
    return this.spans.find((span) => span.start <= offset && offset < span.end) ?? null;
  }

  overlapping(start, end) {
    return this.spans.filter((span) => span.start < end && span.end > start);
  }

  // suggested, changed or added: what was done to the suggestion this span stands for; proposed: it came from an equal
  // string elsewhere, and nobody has looked at it here yet.
  state(span) {
    if (span.proposed) return "proposed";
    const suggestion = this._suggestionOf(span);
    if (!suggestion) return "added";
    const same = suggestion.start === span.start && suggestion.end === span.end && suggestion.label === span.label;
    return same ? "suggested" : "changed";
  }

  // How sure the model is of a suggestion that was left as it is; null for any other span.
  score(span) {
    return this.state(span) === "suggested" ? this._suggestionOf(span).score : null;
  }

  _suggestionOf(span) {
    this._fates ??= fates(this.spans, this.suggestions);
    return this._fates.get(span);
  }

  // One step that undo takes back as a whole. Spans in `added` get ids unless they have one.
  edit(removed, added) {
    if (!removed.length && !added.length) return [];
    const placed = added.map((span) => ({ ...span, id: span.id ?? this.nextId++ }));
    this.edits.length = this.position;
    this._do({ removed: removed.map((span) => ({ ...span })), added: placed });
    return placed;
  }

  undo() {
    if (!this.position) return false;
    this.position -= 1;
    const { removed, added } = this.edits[this.position];
    this._swap(added, removed);
    return true;
  }

  redo() {
    if (this.position >= this.edits.length) return false;
    const { removed, added } = this.edits[this.position];
    this.position += 1;
    this._swap(removed, added);
    return true;
  }

  _do(edit) {
    this.edits.push(edit);
    this.position = this.edits.length;
    this._swap(edit.removed, edit.added);
  }

  _swap(out, into) {
    const gone = new Set(out.map((span) => span.id));
    this._put([...this.spans.filter((span) => !gone.has(span.id)), ...into]);
    if (this.selected !== null && !this.span(this.selected)) this.selected = null;
  }

  _put(spans) {
    this.spans = spans.sort(byStart);
    this._fates = null;
  }

  // Where the hands are: the end of the selected span or of the token with the cursor, 0 if nowhere.
  get here() {
    const span = this.span(this.selected);
    if (span) return span.end;
    return this.cursor ? this.tokenEnd(Math.max(this.cursor.anchor, this.cursor.head)) : 0;
  }

  // The answer as the server takes it; with `until` only for the characters before it, the rest stays open. `ranges`: what
  // was looked at, null for all. Of a document that is asked in parts it is about these, beside what was said of others.
  answer(verdict, seconds, until = null, ranges = verdict !== "accept" ? null : until === null ? lookedAtParts(this) : [[0, until]]) {
    const within = ({ start, end }) => ranges.some(([from, to]) => from <= start && end <= to);
    return {
      document_id: this.id,
      document_key: this.key,
      answer: verdict,
      spans: (ranges === null ? this.spans : this.spans.filter(within)).map(plain),
      prediction_id: this.predictionId,
      seconds: Math.round((this.seconds + seconds) * 10) / 10,
      comment: this.comment,
      flagged: this.flagged,
      ranges,
      in_parts: this.parts !== null,
    };
  }
}

// How far an earlier answer went from the start of the text; 0 where it was about all of it, or about single places.
function seenOf(ranges) {
  return ranges?.length === 1 && ranges[0][0] === 0 ? ranges[0][1] : 0;
}

// An earlier answer, with the suggestions for what it did not look at; without one, all suggestions.
function startingSpans(item) {
  const suggested = item.suggestions;
  if (!item.answer) return suggested;
  const { spans, ranges } = item.answer;
  if (!ranges) return spans;
  return [...spans, ...suggested.filter((s) => !ranges.some(([start, end]) => s.start < end && start < s.end))];
}

function byStart(a, b) {
  return a.start - b.start || a.end - b.end;
}

function plain({ start, end, label }) {
  return { start, end, label };
}

// Words, numbers and single other characters, as flat code point offsets.
function guessTokens(text) {
  const flat = [];
  for (const match of text.string.matchAll(/[\p{L}\p{M}]+|\p{N}+|[^\s\p{L}\p{M}\p{N}]/gu)) {
    flat.push(text.point(match.index), text.point(match.index + match[0].length));
  }
  return flat;
}
