// The text of one document on the page: every token is an element with one text node and its own data-start.
// Text is cut into blocks at line ends and blocks into runs; an edit renders again only the runs whose spans changed.

import { countPoints } from "./text.js";

const RUN_TOKENS = 150;

export class Paper {
  constructor(work, labels) {
    this.work = work;
    this.labels = labels;
    this.root = document.createElement("div");
    this.root.className = "paper";
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "Text of the document");
    this.build();
  }

  // Lay out the whole text anew: at first, and when its tokens become known.
  build() {
    this.runs = [];
    this.root.replaceChildren();
    this.root.classList.toggle("tags", this.labels.tags);
    for (const block of blocks(this.work)) {
      const element = document.createElement("p");
      element.dir = "auto";
      for (let first = block.first; first < block.last; first += RUN_TOKENS) {
        const last = Math.min(first + RUN_TOKENS, block.last);
        const run = {
          first,
          last,
          start: first === block.first ? block.start : this.work.tokenEnd(first - 1),
          end: last === block.last ? block.end : this.work.tokenEnd(last - 1),
          element: document.createElement("span"),
          shown: null,
        };
        this.runs.push(run);
        element.append(run.element);
      }
      this.root.append(element);
    }
    this.update();
  }

  // Bring the page in line with the work's spans, selection and cursor.
  update() {
    let at = 0;
    const { spans } = this.work;
    for (const run of this.runs) {
      while (at < spans.length && spans[at].end <= run.start) at += 1;
      const here = [];
      for (let index = at; index < spans.length && spans[index].start < run.end; index += 1) here.push(spans[index]);
      const key = here.map((s) => `${s.id} ${s.start} ${s.end} ${s.label} ${roomAfter(spans, s)}`).join();
      if (run.shown === key) continue;
      run.shown = key;
      this._render(run, here);
    }
    this._showSelection();
  }

  _render(run, spans) {
    const fragment = document.createDocumentFragment();
    let open = null;
    let parent = fragment;
    for (const atom of atoms(this.work, run, spans)) {
      const span = spans.find((s) => s.start <= atom.start && atom.start < s.end) ?? null;
      if (span !== open) {
        open = span;
        parent = span ? fragment.appendChild(this._mark(span)) : fragment;
      }
      const element = this._atom(atom);
      if (span && atom.start === span.start) this._caption(element, span);
      parent.append(element);
    }
    run.element.replaceChildren(fragment);
  }

  _mark(span) {
    const mark = document.createElement("span");
    mark.className = `mark ${this.work.state(span)} ${this.labels.className(span.label)}`;
    mark.dataset.span = span.id;
    if (span.score !== null && this.work.state(span) === "suggested") {
      mark.style.setProperty("--score", span.score);
      mark.classList.toggle("unsure", span.score < this.labels.unsureBelow);
    }
    if (!this.labels.tags && !this.work.onTokens(span.start, span.end)) mark.classList.add("off-tokens");
    return mark;
  }

  // The label stands under the first token, so that setting it moves no text; it is cut where the next one begins.
  _caption(element, span) {
    element.classList.add("first");
    element.dataset.label = span.label;
    element.style.setProperty("--room", roomAfter(this.work.spans, span));
  }

  _atom({ start, end, token }) {
    const element = document.createElement("span");
    element.className = token === null ? "gap" : "token";
    element.dataset.start = start;
    if (token !== null) element.dataset.token = token;
    if (end <= this.work.seen && this.work.seen < this.work.text.length) element.classList.add("seen");
    element.textContent = this.work.text.slice(start, end);
    return element;
  }

  _showSelection() {
    for (const old of this.root.querySelectorAll(".selected, .cursor")) old.classList.remove("selected", "cursor");
    for (const old of this.root.querySelectorAll(".edge")) old.remove();
    const { selected, cursor } = this.work;
    if (selected !== null) {
      const marks = this.root.querySelectorAll(`[data-span="${selected}"]`);
      for (const mark of marks) mark.classList.add("selected");
      if (!this.labels.tags && marks.length) this._showEdges(marks[0], marks[marks.length - 1]);
    }
    if (cursor) {
      const [first, last] = [Math.min(cursor.anchor, cursor.head), Math.max(cursor.anchor, cursor.head)];
      for (let token = first; token <= last; token += 1) {
        for (const piece of this.tokenElements(token)) piece.classList.add("cursor");
      }
    }
  }

  // The two ends of the selected span, to be dragged with the mouse.
  _showEdges(first, last) {
    for (const [edge, atom] of [["start", first.firstElementChild], ["end", last.lastElementChild]]) {
      const element = document.createElement("span");
      element.className = "edge";
      element.dataset.edge = edge;
      atom.append(element);
    }
  }

  // The character under a point of the window, as a code point offset, or null outside the text.
  offsetAt(x, y) {
    const place = document.caretPositionFromPoint?.(x, y);
    if (place) return this.offsetOf(place.offsetNode, place.offset);
    const range = document.caretRangeFromPoint?.(x, y);
    return range ? this.offsetOf(range.startContainer, range.startOffset) : null;
  }

  tokenElements(token) {
    return this.root.querySelectorAll(`[data-token="${token}"]`);
  }

  // Scroll what the hands are on into view, if it is not.
  reveal(block = "nearest") {
    const { selected, cursor } = this.work;
    const onCursor = cursor ? this.tokenElements(cursor.head)[0] : null;
    const onSpan = selected === null ? null : this.root.querySelector(`[data-span="${selected}"]`);
    (onCursor ?? onSpan)?.scrollIntoView({ block });
  }

  // The token above (-1) or below (1) this one, nearest to it across; the same token where there is no such line.
  tokenBeyondLine(token, direction) {
    const here = this.tokenElements(token)[0].getBoundingClientRect();
    const middle = (here.left + here.right) / 2;
    let line = null;
    let best = token;
    let nearest = Infinity;
    for (let other = token + direction; other >= 0 && other < this.work.tokenCount; other += direction) {
      const box = this.tokenElements(other)[0].getBoundingClientRect();
      const beyond = direction > 0 ? box.top >= here.bottom - 2 : box.bottom <= here.top + 2;
      if (!beyond) continue;
      line ??= box.top;
      if (Math.abs(box.top - line) > box.height / 2) break;
      const distance = Math.abs((box.left + box.right) / 2 - middle);
      if (distance < nearest) [nearest, best] = [distance, other];
    }
    return best;
  }

  // A place in the page (node and UTF-16 offset, as selections give it) as a code point offset, or null outside the text.
  offsetOf(node, unitOffset) {
    const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    const atom = element.closest?.("[data-start]");
    if (atom && this.root.contains(atom)) {
      const inside = node.nodeType === Node.TEXT_NODE ? countPoints(node.data, unitOffset) : unitOffset ? atomLength(atom) : 0;
      return Number(atom.dataset.start) + inside;
    }
    if (!this.root.contains(element)) return null;
    const child = element.childNodes[unitOffset];
    const next = child?.nodeType === Node.ELEMENT_NODE ? child.matches("[data-start]") ? child : child.querySelector("[data-start]") : null;
    if (next) return Number(next.dataset.start);
    const atoms = element.querySelectorAll("[data-start]");
    const lastAtom = atoms[atoms.length - 1];
    return lastAtom ? Number(lastAtom.dataset.start) + atomLength(lastAtom) : 0;
  }
}

function atomLength(atom) {
  return countPoints(atom.textContent, atom.textContent.length);
}

// Code points between the start of a span and the start of the next one: how long its caption may get.
function roomAfter(spans, span) {
  const next = spans[spans.indexOf(span) + 1];
  return next ? Math.min(60, next.start - span.start) : 60;
}

// Token ranges that lie between line ends, with the characters around them: {first, last, start, end}.
function* blocks(work) {
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
function* atoms(work, run, spans) {
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
