// Edits of the active document, from keys and mouse, and the line at the foot that says what the hands are on.

import * as hands from "./hands.js";
import * as mouse from "./mouse.js";
import { Pointing } from "./pointing.js";
import { sameElsewhere } from "./same.js";
import { untaggedText } from "./untagged.js";

const MARKED = "spanloop.marked"; // whether this browser has ever changed a span

export class Edits {
  constructor(page) {
    this.page = page;
    this.pointing = new Pointing(this);
  }

  get active() {
    return this.page.sheets.active;
  }

  // The document that the hands are on: with a mouse that points, the one under it.
  _work() {
    this.pointing.take();
    return this.active?.work;
  }

  // From the mouse: a span on these characters, snapped to tokens unless in character mode.
  add(card, start, end) {
    this.page.sheets.activate(card);
    const place = card.work.charMode ? { start, end } : card.work.snap(start, end);
    if (place) hands.mark(card.work, place.start, place.end, this.page.labels.current, { tags: this.page.labels.tags });
    this.edited();
  }

  // The browser itself selects text: that is what the hands are on now, and nothing else is drawn so.
  selecting() {
    const card = this.active;
    if (!card || !mouse.selectedRange(card)) return;
    this.pointing.leave();
    if (card.work.selected === null && !card.work.cursor) return;
    hands.letGo(card.work);
    card.update();
    this.showFocus();
  }

  // A label was chosen by key, click or name: for what the hands are on, else for what comes next. What it is given to
  // stays what the hands are on; only of tags, by keys, the next word is next.
  choose(name, { goOn = true } = {}) {
    if (this.active?.work.asked) return;
    this.page.labels.mark(name);
    const work = this._work();
    if (!work) return;
    const dragged = mouse.selectedRange(this.active);
    if (dragged) {
      getSelection().removeAllRanges();
      return this.add(this.active, dragged.start, dragged.end);
    }
    const before = work.position;
    if (hands.give(work, name, { tags: this.page.labels.tags, goOn }) === false) return;
    if (work.position === before) this.changed(this.active);
    else this.edited();
  }

  // `code`: the key itself, which may be held down.
  chooseByKey(name, code) {
    if (this.pointing.place && !mouse.selectedRange(this.active)) this.pointing.press(name, code);
    else this.choose(name);
  }

  // The active document was edited: draw it and keep the draft. `changed` false: there was nothing to do.
  edited(changed = true) {
    if (!this.active || !changed) return;
    const { work } = this.active;
    if (work.answered) work.answered = null;
    if (!work.asked) {
      if (work.touched) localStorage.setItem(MARKED, "true");
      work.seconds += this.page.clock.take();
      this.page.drafts.keep(work);
    }
    this.changed(this.active);
  }

  // Selection or cursor moved.
  changed(card) {
    if (card.work.selected !== null || card.work.cursor) mouse.dropSelection();
    card.update();
    card.paper.reveal();
    this.showFocus();
  }

  // `change` returns false where there was nothing to do.
  change(change) {
    if (this.active) this.edited(change(this.active.work));
  }

  comment(text) {
    if (text === this.active?.work.comment) return;
    this.change((work) => {
      work.comment = text;
    });
  }

  changeSpan(change) {
    const work = this._work();
    const span = work?.span(work.selected);
    if (!span) return false;
    const before = work.position;
    change(work, span);
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
    const work = this._work();
    const span = work?.span(work.selected);
    if (span && !this.page.labels.tags) return this.changeSpan(() => hands.moveEdge(work, span, "end", direction));
    return this.move((active) => hands.moveCursor(active, direction, { extend: true }));
  }

  same() {
    const work = this._work();
    const span = work?.span(work.selected);
    if (!span) return false;
    sameElsewhere(this.page, this.active, span);
  }

  _needsHint(work) {
    return Boolean(work) && !work.asked && localStorage.getItem(MARKED) === null;
  }

  _noSpan(work) {
    const text = work?.cursor ? `“${cursorText(work)}”` : this._needsHint(work) ? howTo(this.page.labels.tags) : "";
    return [text, work && !work.asked && this.page.labels.tags ? untaggedText(work) : ""].filter(Boolean).join(" · ");
  }

  // The line at the foot: what the hands are on.
  showFocus() {
    const work = (this.pointing.place?.card ?? this.active)?.work;
    const span = work?.span(work.selected);
    const focus = document.getElementById("focus");
    document.getElementById("tools").classList.toggle("off", !span);
    for (const button of document.querySelectorAll("#verdicts .of-document")) button.disabled = !this.active;
    focus.classList.toggle("first-run", !span && !work?.cursor && this._needsHint(work));
    if (!span) {
      focus.textContent = this._noSpan(work);
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

// Whoever has never marked anything is told how, once.
const HOW = {
  mouse: "Drag over words to mark them, or click a word and press a label’s key. ? shows all keys.",
  touch: "Tap a word, then a label. For several words drag on from the chosen one.",
  tags: "Click a word, or go to it with →, then press a tag’s key. ? shows all keys.",
};

function howTo(tags) {
  if (matchMedia("(pointer: coarse)").matches) return HOW.touch;
  return tags ? HOW.tags : HOW.mouse;
}

function cursorText(work) {
  const { first, last } = hands.cursorTokens(work);
  return work.text.slice(work.tokenStart(first), work.tokenEnd(last));
}
