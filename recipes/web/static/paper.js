// The text of one document on the page: every token is an element with one text node and its own data-start.
// Text is cut into blocks at line ends and blocks into runs; an edit renders again only the runs whose spans changed.
// In long documents runs far from the screen are plain text, in the same place and of the same size, until they come near.

import { atoms, blocks } from "./atoms.js";
import { isAsked } from "./parts.js";
import { countPoints } from "./text.js";

const RUN_TOKENS = 150;
const LIVE_TOKENS = 1500; // so many from the start are live at once: more than a screen holds
const NEIGHBOURS = 6; // runs that come alive with one near the screen: many in one layout, not one in each

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
    this.lit = []; // elements that show the selection or the cursor
    this.edges = [];
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
          live: last <= LIVE_TOKENS,
          shown: null,
        };
        this.runs.push(run);
        element.append(run.element);
      }
      this.root.append(element);
    }
    this.update();
    this._watch();
  }

  // Bring the page in line with the work's spans, selection and cursor.
  update() {
    let at = 0;
    const { spans } = this.work;
    for (const run of this.runs) {
      while (at < spans.length && spans[at].end <= run.start) at += 1;
      const here = [];
      for (let index = at; index < spans.length && spans[index].start < run.end; index += 1) here.push(index);
      this._renderIfChanged(run, here);
    }
    this._showSelection();
  }

  // `here`: the places of the run's spans among the work's.
  _renderIfChanged(run, here) {
    const { spans } = this.work;
    const shown = (n) => `${spans[n].id} ${spans[n].start} ${spans[n].end} ${spans[n].label} ${this.work.state(spans[n])} ${roomAfter(spans, n)}`;
    const key = run.live ? here.map(shown).join() : "plain";
    if (run.shown === key) return;
    run.shown = key;
    if (run.live) this._render(run, here);
    else run.element.replaceChildren(this._atom({ start: run.start, end: run.end, token: null }));
  }

  // Give runs their tokens and spans, which far from the screen they lack.
  _enliven(runs) {
    const { spans } = this.work;
    for (const run of runs) {
      if (run.live) continue;
      run.live = true;
      this._renderIfChanged(run, spans.flatMap((span, n) => (span.start < run.end && span.end > run.start ? [n] : [])));
    }
  }

  _watch() {
    this.observer?.disconnect();
    this.observer = new IntersectionObserver((entries) => this._onNear(entries), { rootMargin: "100% 0px" });
    for (const run of this.runs) if (!run.live) this.observer.observe(run.element);
  }

  _onNear(entries) {
    const near = new Set(entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target));
    if (!near.size) return;
    const places = this.runs.flatMap((run, place) => (near.has(run.element) ? [place] : []));
    const runs = this.runs.slice(Math.max(0, places[0] - NEIGHBOURS), places.at(-1) + 1 + NEIGHBOURS);
    for (const run of runs) this.observer.unobserve(run.element);
    this._enliven(runs);
    this._showSelection();
  }

  _render(run, here) {
    const fragment = document.createDocumentFragment();
    const spans = here.map((place) => this.work.spans[place]);
    let open = null;
    let parent = fragment;
    for (const atom of atoms(this.work, run, spans)) {
      const span = spans.find((s) => s.start <= atom.start && atom.start < s.end) ?? null;
      if (span !== open) {
        open = span;
        parent = span ? fragment.appendChild(this._mark(span)) : fragment;
      }
      const element = this._atom(atom);
      if (span && atom.start === span.start) this._caption(element, span, here[spans.indexOf(span)]);
      parent.append(element);
    }
    run.element.replaceChildren(fragment);
  }

  _mark(span) {
    const mark = document.createElement("span");
    mark.className = `mark ${this.work.state(span)} ${this.labels.className(span.label)}`;
    mark.dataset.span = span.id;
    mark.classList.toggle("unasked", !isAsked(this.work, span.start, span.end));
    const score = this.work.score(span);
    if (score !== null) {
      mark.style.setProperty("--score", score);
      mark.classList.toggle("unsure", score < this.labels.unsureBelow);
    }
    if (!this.labels.tags && !this.work.onTokens(span.start, span.end)) mark.classList.add("off-tokens");
    return mark;
  }

  // The label stands under the first token, so that setting it moves no text; it is cut where the next one begins.
  _caption(element, span, place) {
    element.classList.add("first");
    element.dataset.label = span.label;
    element.style.setProperty("--room", roomAfter(this.work.spans, place));
  }

  _atom({ start, end, token }) {
    const element = document.createElement("span");
    element.className = token === null ? "gap" : "token";
    element.dataset.start = start;
    if (token !== null) element.dataset.token = token;
    if (end <= this.work.seen && this.work.seen < this.work.text.length) element.classList.add("seen");
    if (!isAsked(this.work, start, end)) element.classList.add("unasked");
    element.textContent = this.work.text.slice(start, end);
    return element;
  }

  _showSelection() {
    for (const old of this.lit) old.classList.remove("selected", "cursor");
    for (const old of this.edges) old.remove();
    this.lit = [];
    this.edges = [];
    const span = this.work.span(this.work.selected);
    if (span) this._light(this._marks(span), "selected");
    if (span && !this.labels.tags && this.lit.length) this._showEdges(this.lit[0], this.lit.at(-1));
    const { cursor } = this.work;
    if (!cursor) return;
    const [first, last] = [Math.min(cursor.anchor, cursor.head), Math.max(cursor.anchor, cursor.head)];
    for (let token = first; token <= last; token += 1) this._light(this.tokenElements(token), "cursor");
  }

  _light(elements, className) {
    for (const element of elements) element.classList.add(className);
    this.lit.push(...elements);
  }

  _marks(span) {
    const runs = this.runs.filter((run) => run.start < span.end && run.end > span.start);
    this._enliven(runs);
    return runs.flatMap((run) => [...run.element.querySelectorAll(`[data-span="${span.id}"]`)]);
  }

  // The two ends of the selected span, to be dragged with the mouse.
  _showEdges(first, last) {
    for (const [edge, atom] of [["start", first.firstElementChild], ["end", last.lastElementChild]]) {
      const element = document.createElement("span");
      element.className = "edge";
      element.dataset.edge = edge;
      atom.append(element);
      this.edges.push(element);
    }
  }

  // The character under a point of the window, as a code point offset, or null outside the text.
  offsetAt(x, y) {
    const place = document.caretPositionFromPoint?.(x, y);
    if (place) return this.offsetOf(place.offsetNode, place.offset);
    const range = document.caretRangeFromPoint?.(x, y);
    return range ? this.offsetOf(range.startContainer, range.startOffset) : null;
  }

  // The elements of a token: one, or more where a span begins or ends inside of it.
  tokenElements(token) {
    const run = this.runs[this._runOf(token)];
    this._enliven([run]);
    return run.element.querySelectorAll(`[data-token="${token}"]`);
  }

  _runOf(token) {
    let low = 0;
    let high = this.runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.runs[middle].first <= token) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  // Scroll what the hands are on into view, if it is not.
  reveal(block = "nearest") {
    const { selected, cursor } = this.work;
    const onCursor = cursor ? this.tokenElements(cursor.head)[0] : null;
    const span = this.work.span(selected);
    const onSpan = span ? this._marks(span)[0] : null;
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

// Code points between the start of the span at this place and the start of the next one: how long its caption may get.
function roomAfter(spans, place) {
  const next = spans[place + 1];
  return next ? Math.min(60, next.start - spans[place].start) : 60;
}
