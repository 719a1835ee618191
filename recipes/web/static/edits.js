// Edits of the active document, from keys and mouse, and the line at the foot that says what the hands are on.

import * as hands from "./hands.js";
import * as mouse from "./mouse.js";
import { sameElsewhere } from "./same.js";

const HOLD_MS = 200;

export class Edits {
  constructor(page) {
    this.page = page;
    this.pointing = localStorage.getItem("spanloop.point") === "true";
    this.pointed = null;
    this._namePointing();
  }

  get active() {
    return this.page.sheets.active;
  }

  // From the mouse: a span on these characters, snapped to tokens unless in character mode.
  add(card, start, end) {
    const place = card.work.charMode ? { start, end } : card.work.snap(start, end);
    if (place) hands.put(card.work, place.start, place.end, this.page.labels.current, { tags: this.page.labels.tags });
    this.page.sheets.activate(card);
    this.edited();
  }

  // The word under the mouse, {card, token} or null. Keys that change a span mean the one there if none is selected;
  // with pointing on, label keys mean that word too.
  point(place) {
    this.pointed = place;
    this.sweep?.follow();
  }

  // Turn what the mouse points at into what the hands are on.
  _takePointed() {
    const { card, token } = this.pointed;
    this.page.sheets.activate(card);
    hands.placeCursor(card.work, token);
  }

  // A label was chosen by key, click or name: for the selected span, the words under the cursor, or what comes next.
  // By keys the cursor then goes on; a click or a tap keeps the new span selected, with its ends to drag.
  choose(name, { byKey = true } = {}) {
    if (this.active?.work.asked) return;
    this.page.labels.mark(name);
    const work = this.active?.work;
    if (!work) return;
    const dragged = mouse.selectedRange(this.active);
    const span = work.span(work.selected);
    if (dragged) {
      getSelection().removeAllRanges();
      this.add(this.active, dragged.start, dragged.end);
    } else if (span) {
      hands.relabel(work, span, name);
      this.edited();
    } else if (work.cursor) {
      const put = hands.putAtCursor(work, name, { tags: this.page.labels.tags });
      if (!byKey) hands.select(work, put);
      this.edited();
    }
  }

  // `code`: the key itself. Held down, it takes in the words that the mouse goes over.
  chooseByKey(name, code) {
    if (!this.pointing || !this.pointed || mouse.selectedRange(this.active)) return this.choose(name);
    this.release(this.sweep?.code);
    const { token } = this.pointed;
    const { work } = this.pointed.card;
    const before = work.position;
    this._takePointed();
    this.choose(name);
    hands.letGo(work);
    this.changed(this.active);
    this.sweep = new Sweep(this, { name, code, token, before });
  }

  // The key was let go of.
  release(code) {
    if (!this.sweep || this.sweep.code !== code) return;
    this.sweep.end();
    this.sweep = null;
  }

  // The active document was edited: draw it and keep the draft. `changed` false: there was nothing to do.
  edited(changed = true) {
    if (!this.active || !changed) return;
    const { work } = this.active;
    if (work.answered) work.answered = null;
    if (!work.asked) {
      work.seconds += this.page.clock.take();
      this.page.drafts.keep(work);
    }
    this.changed(this.active);
  }

  // Selection or cursor moved.
  changed(card) {
    card.update();
    card.paper.reveal();
    this.showFocus();
  }

  change(change) {
    if (!this.active) return;
    change(this.active.work);
    this.edited();
  }

  // Change the selected span, else the one under the mouse.
  changeSpan(change) {
    const selected = this.active?.work.span(this.active.work.selected);
    if (!selected && this.pointed) this._takePointed();
    const work = this.active?.work;
    const span = work?.span(work.selected);
    if (!span) {
      if (this.pointed && work) hands.letGo(work);
      return false;
    }
    const before = work.position;
    change(work, span);
    if (!selected) hands.letGo(work);
    this.edited(work.position !== before);
  }

  move(move) {
    if (!this.active) return false;
    if (move(this.active.work) === false) {
      hands.letGo(this.active.work);
      this.changed(this.active);
      return false;
    }
    this.changed(this.active);
  }

  // Select this span and bring it into view.
  jump(span) {
    hands.select(this.active.work, span);
    this.changed(this.active);
  }

  // Select the next span that `wanted` accepts, in this document or a further one on the sheet.
  toSpan(direction, wanted = () => true) {
    if (!this.active) return false;
    const cards = direction > 0 ? this.page.sheets.cards : [...this.page.sheets.cards].reverse();
    for (const card of cards.slice(cards.indexOf(this.active))) {
      if (card !== this.active) hands.letGo(card.work);
      if (!hands.nextSpan(card.work, direction, (span) => wanted(card.work, span))) continue;
      this._leave(card);
      this.changed(card);
      return true;
    }
    this._leave(null);
    return false;
  }

  isUnsure(work, span) {
    const score = work.score(span);
    return work.state(span) === "proposed" || (score !== null && score < this.page.labels.unsureBelow);
  }

  // The hands go to another card, or let go of this one.
  _leave(card) {
    if (card === this.active) return;
    hands.letGo(this.active.work);
    this.active.update();
    if (card) this.page.sheets.activate(card);
    this.showFocus();
  }

  moveLine(direction) {
    return this.move((work) => {
      const { cursor } = work;
      if (!cursor) return hands.moveCursor(work, direction);
      hands.placeCursor(work, this.active.paper.tokenBeyondLine(cursor.head, direction));
    });
  }

  extend(direction) {
    const work = this.active?.work;
    const span = work?.span(work.selected);
    if (span && !this.page.labels.tags) return this.changeSpan(() => hands.moveEdge(work, span, "end", direction));
    return this.move((active) => hands.moveCursor(active, direction, { extend: true }));
  }

  same() {
    const work = this.active?.work;
    const span = work?.span(work.selected);
    if (!span) return false;
    sameElsewhere(this.page, this.active, span);
  }

  // Label keys act on the word under the mouse, or not.
  turnPointing() {
    this.pointing = !this.pointing;
    localStorage.setItem("spanloop.point", this.pointing);
    this._namePointing();
  }

  _namePointing() {
    document.getElementById("point").setAttribute("aria-pressed", this.pointing);
    document.body.classList.toggle("pointing", this.pointing);
  }

  // The line at the foot: what the hands are on.
  showFocus() {
    const work = this.active?.work;
    const span = work?.span(work.selected);
    const focus = document.getElementById("focus");
    document.getElementById("tools").classList.toggle("off", !span);
    if (!span) {
      focus.textContent = work?.cursor ? `“${cursorText(work)}”` : "";
      return;
    }
    const score = work.score(span);
    const sure = score === null ? "suggested" : `suggested, ${Math.round(100 * score)} % sure`;
    const states = { suggested: sure, changed: "changed by you", added: "added by you", proposed: "from an equal string elsewhere" };
    const state = states[work.state(span)];
    const off = this.page.labels.tags || work.onTokens(span.start, span.end) ? "" : "; not on token borders: training keeps it as it can";
    focus.textContent = `“${work.text.slice(span.start, span.end)}” ${span.label} (${state}${off})`;
  }
}

// A label's key held down while the mouse goes on: one span from the word where it was pressed to the one under the mouse.
// Whoever just types never gets there, for it begins after a fifth of a second and outside of the span that the key made.
class Sweep {
  constructor(edits, { name, code, token, before }) {
    Object.assign(this, { edits, name, code, token, before, card: edits.active, held: false, begun: false });
    this.timer = setTimeout(() => {
      this.held = true;
      this.follow();
    }, HOLD_MS);
  }

  follow() {
    const { edits, card, token, name } = this;
    const { work } = card;
    if (!this.held || edits.pointed?.card !== card) return;
    const to = edits.pointed.token;
    if (to === this.to) return;
    this.to = to;
    const made = work.spanAt(work.tokenStart(token));
    if (!this.begun && (to === token || (made && made.start <= work.tokenStart(to) && work.tokenStart(to) < made.end))) return;
    this.begun = true;
    while (work.position > this.before) work.undo();
    const [first, last] = [Math.min(token, to), Math.max(token, to)];
    hands.put(work, work.tokenStart(first), work.tokenEnd(last), name, { tags: edits.page.labels.tags });
    edits.edited();
  }

  end() {
    clearTimeout(this.timer);
  }
}

function cursorText(work) {
  const { first, last } = hands.cursorTokens(work);
  return work.text.slice(work.tokenStart(first), work.tokenEnd(last));
}
