// Point & press. With it on, the word under the mouse is what the hands are on, and is drawn as that: no key has to be
// told where to go by a click. Off, the mouse has to click.

import * as hands from "./hands.js";
import { hasSelection } from "./mouse.js";

const HOLD_MS = 200;

export class Pointing {
  constructor(edits) {
    this.edits = edits;
    this.on = localStorage.getItem("spanloop.point") === "true";
    this.place = null; // {card, token}: what the hands are on because the mouse is there
    this.spot = null;
    this.sweep = null;
    this._name();
  }

  turn() {
    this.on = !this.on;
    localStorage.setItem("spanloop.point", this.on);
    this.leave();
    this._name();
  }

  _name() {
    document.getElementById("point").setAttribute("aria-pressed", this.on);
    document.body.classList.toggle("pointing", this.on);
  }

  // The mouse is over a paper. Text that moves under a mouse at rest tells of itself too, but nobody pointed there.
  moved(card, event) {
    if (!this.on || event.pointerType !== "mouse" || event.buttons) return;
    const spot = `${event.clientX} ${event.clientY}`;
    if (spot === this.spot) return;
    this.spot = spot;
    if (hasSelection()) return; // text that the browser selected waits for its label
    const token = event.target.closest?.("[data-token]");
    if (token) this._aim(card, Number(token.dataset.token));
    else this.leave();
  }

  _aim(card, token) {
    if (this.place?.card === card && this.place.token === token) return;
    if (this.place && this.place.card !== card) this.leave();
    this.place = { card, token };
    if (this.sweep?.follow()) return;
    this._letGoOf(this.edits.active, card);
    hands.placeCursor(card.work, token);
    card.update();
    this.edits.showFocus();
  }

  _letGoOf(other, card) {
    if (!other || other === card) return;
    hands.letGo(other.work);
    other.update();
  }

  // The mouse has left the words: what the hands were on because of it, they are not on any more.
  leave() {
    if (!this.place) return;
    const { card } = this.place;
    this.place = null;
    hands.letGo(card.work);
    card.update();
    this.edits.showFocus();
  }

  // What the mouse pointed at is gone: whatever is under it now may be pointed at anew.
  gone() {
    this.leave();
    this.spot = null;
  }

  // The keyboard moves on, from where the mouse was if that is in the active document.
  forget() {
    if (this.place && this.place.card !== this.edits.active) this.leave();
    this.place = null;
  }

  // The hands have left this document for another, though the mouse has not.
  lost(card) {
    if (this.place?.card === card) this.place = null;
  }

  // The document under the mouse becomes the active one.
  take() {
    if (this.place) this.edits.page.sheets.activate(this.place.card);
  }

  // A label's key, `code`, is down on the word under the mouse. Held, it takes in the words that the mouse goes over.
  press(name, code) {
    this.take();
    const { token } = this.place;
    const before = this.edits.active.work.position;
    this.edits.choose(name, { goOn: false });
    this.sweep = new Sweep(this, { name, code, token, before });
  }

  // This key was let go of; without `code` any.
  release(code = this.sweep?.code) {
    if (!this.sweep || this.sweep.code !== code) return;
    this.sweep.end();
    this.sweep = null;
  }
}

// A label's key held down while the mouse goes on: one span from the word where it was pressed to the one under the mouse.
// Whoever just types never gets there, for it begins after a fifth of a second and outside of the span that the key made.
class Sweep {
  constructor(pointing, { name, code, token, before }) {
    Object.assign(this, { pointing, name, code, token, before, card: pointing.place.card, held: false, begun: false });
    this.timer = setTimeout(() => {
      this.held = true;
      this.follow();
    }, HOLD_MS);
  }

  // Whether the hands are on what the key makes, and not on the single word under the mouse.
  follow() {
    const { pointing, card, token, name } = this;
    const { work } = card;
    if (!this.held || pointing.place?.card !== card) return false;
    const to = pointing.place.token;
    if (to === this.to) return true;
    this.to = to;
    const made = work.spanAt(work.tokenStart(token));
    const inside = to === token || (made && made.start <= work.tokenStart(to) && work.tokenStart(to) < made.end);
    if (!this.begun && inside) return false;
    this.begun = true;
    while (work.position > this.before) work.undo();
    const [first, last] = [Math.min(token, to), Math.max(token, to)];
    hands.mark(work, work.tokenStart(first), work.tokenEnd(last), name, { tags: pointing.edits.page.labels.tags });
    pointing.edits.edited();
    return true;
  }

  end() {
    clearTimeout(this.timer);
  }
}
