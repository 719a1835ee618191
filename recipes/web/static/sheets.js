// The documents: fetched ahead, laid out on sheets of one or more, walked through forwards and back.

import { Card } from "./card.js";
import { ending, whatNext } from "./ending.js";
import * as hands from "./hands.js";
import * as mouse from "./mouse.js";
import { questions } from "./question.js";
import { client, get, post } from "./server.js";
import { hush, say } from "./status.js";
import { Work } from "./work.js";

const AHEAD = 5;
const KEPT = 200; // sheets to go back to without asking the server
const LOOK_AGAIN_MS = 5000;
const RETRY_MS = 2000;
const TOKEN_POLL_MS = 400;
const STACKS = [1, 3, 5, 10];

export class Sheets {
  constructor(page) {
    this.page = page;
    const stack = Number(localStorage.getItem("spanloop.stack"));
    this.stack = STACKS.includes(stack) ? stack : 1;
    this._nameStack();
    this.binary = page.project.view === "binary";
    this.ahead = [];
    this.all = []; // arrays of cards, in the order they were shown
    this.at = -1;
    this.active = null;
  }

  get cards() {
    return this.all[this.at] ?? [];
  }

  async fetchAhead() {
    const wanted = Math.max(AHEAD, 2 * this.stack) - this.ahead.length;
    if (wanted <= 0 || this.fetching) return;
    this.fetching = true;
    try {
      const reply = await get("/api/next", { client, held: this.held().join(), n: wanted });
      this.page.status.tell("documents", { state: "saved" });
      this.exhausted = reply.documents.length === 0;
      const known = new Set(this.held());
      const fresh = reply.documents.filter((item) => !known.has(item.id));
      this.ahead.push(...fresh.flatMap((item) => (this.binary ? questions(this.page.labels.read(item), this.page.project.only) : [this.open(item)])));
      this.page.status.progress(reply.counts);
      if (!this.cards.length) this._fillEmpty();
    } catch (error) {
      this.page.status.tell("documents", { state: "waiting", error });
      setTimeout(() => this.fetchAhead(), RETRY_MS);
    } finally {
      this.fetching = false;
    }
  }

  // Nothing is on the screen: show what came, or look again in a while, for another hand may import or let go.
  _fillEmpty() {
    if (this.ahead.length) return this.advance();
    this.showEnd();
    clearTimeout(this.lookAgain);
    this.lookAgain = setTimeout(() => this.fetchAhead(), LOOK_AGAIN_MS);
  }

  // Every document this page shows, has fetched, or has an unsent answer for: none of them may be handed out again.
  held() {
    const open = this.all.flat().filter((card) => !card.work.answered).map((card) => card.work.id);
    return [...new Set([...open, ...this.ahead.map((work) => work.id), ...this.page.outbox.documents()])].slice(-900);
  }

  open(item) {
    return new Work(this.page.labels.read({ ...item, draft: this.page.drafts.newest(item) }));
  }

  // Show the next sheet: one that was left, or a new one.
  advance() {
    if (this.at + 1 < this.all.length) return this.show(this.at + 1);
    const works = this.ahead.splice(0, this.stack);
    this.fetchAhead();
    if (!works.length) return this.showEnd();
    this.all.push(works.map((work) => this._card(work)));
    if (this.all.length > KEPT && this.all[0].every((card) => card.work.answered)) this.all.shift();
    this.show(this.all.length - 1);
  }

  _card(work) {
    const card = new Card(work, this.page.labels);
    if (!work.asked) mouse.listen(card, this.page.edits);
    card.element.addEventListener("pointerdown", () => this.activate(card));
    return card;
  }

  show(at, active = null) {
    this.at = at;
    hush();
    this.page.edits.pointing.gone();
    for (const { work } of this.cards) work.told = null; // what was said of words without a tag is not on the screen any more
    const sheet = document.getElementById("sheet");
    sheet.classList.toggle("stacked", this.cards.length > 1);
    sheet.replaceChildren(...this.cards.map((card) => card.element));
    this.activate(active ?? this.cards.find((card) => !card.work.answered) ?? this.cards[0]);
    if (this.cards.length === 1) scrollTo(0, 0);
    this._resume();
    this._pollTokens();
  }

  // The first card of a sheet of several whose end was never on the screen.
  unseen() {
    if (this.cards.length < 2) return null;
    const fold = document.querySelector("footer").getBoundingClientRect().top;
    for (const card of this.cards) card.seen ||= card.element.getBoundingClientRect().bottom <= fold + 1;
    return this.cards.find((card) => !card.seen && !card.work.answered) ?? null;
  }

  // A document done in part opens where it was left, one that is asked in parts at the first of them.
  _resume() {
    const { work, paper } = this.active;
    const at = work.parts && !work.answered ? work.parts[0][0] : work.seen;
    if (!at || at >= work.text.length || work.cursor) return;
    hands.placeCursor(work, work.tokenAt(at));
    this.page.edits.changed(this.active);
    paper.reveal("center");
  }

  // Nothing is left to answer, and the page says so.
  get ended() {
    return this.exhausted && this.at >= this.all.length;
  }

  showEnd() {
    this.active = null;
    this.at = this.all.length;
    const left = this.all.flat().filter((card) => !card.work.answered).length;
    const text = !this.exhausted
      ? "Fetching the next document …"
      : left
        ? `No further documents. ${left} that you passed by ${left === 1 ? "is" : "are"} still without an answer: go back to ${left === 1 ? "it" : "them"} with “${this.page.keymap.shown("previous_document")}”.`
        : "All documents are answered. Well done.";
    document.getElementById("sheet").replaceChildren(ending(text, this.exhausted ? whatNext(this.page) : []));
    this.page.edits.showFocus();
  }

  activate(card) {
    if (this.active === card) return;
    if (this.active) {
      this.active.element.classList.remove("active");
      hands.letGo(this.active.work);
      this.active.update();
      this.page.edits.pointing.lost(this.active);
    }
    this.active = card;
    card.element.classList.add("active");
    if (this.cards.length > 1) card.element.scrollIntoView({ block: "nearest" });
    this.page.edits.showFocus();
  }

  // Tokens come from a process of their own; until they are there the cards show provisional words.
  _pollTokens() {
    clearTimeout(this.tokenTimer);
    const cards = this.cards.filter((card) => card.work.provisional && !card.work.tokensFailed && !card.work.asked);
    if (!cards.length) return;
    this.tokenTimer = setTimeout(async () => {
      await Promise.all(cards.map((card) => this._fetchTokens(card)));
      this._pollTokens();
    }, TOKEN_POLL_MS);
  }

  async _fetchTokens(card) {
    try {
      const { tokens, failed } = await get(`/api/documents/${card.work.id}/tokens`);
      if (!tokens && failed !== card.work.tokensFailed) {
        card.work.tokensFailed = failed;
        card.update();
      }
      if (!tokens) return;
      this.page.edits.pointing.gone(); // what the mouse pointed at is another word now
      card.setTokens(tokens);
    } catch {
      // the next poll asks again
    }
  }

  // One, three, five or ten documents on a sheet.
  turnStack() {
    this.setStack(STACKS[(STACKS.indexOf(this.stack) + 1) % STACKS.length]);
  }

  // How many documents stand on one sheet. What was not answered is dealt again.
  setStack(count) {
    this.stack = count;
    localStorage.setItem("spanloop.stack", count);
    this._nameStack();
    if (this.at < this.all.length - 1 || !this.active) return;
    const open = this.all.pop();
    const answered = open.filter((card) => card.work.answered);
    if (answered.length) this.all.push(answered);
    this.ahead.unshift(...open.filter((card) => !card.work.answered).map((card) => card.work));
    this.at = this.all.length - 1;
    this.active = null;
    this.advance();
  }

  _nameStack() {
    document.getElementById("stack").textContent = `${this.stack} at a time`;
  }

  // Bring a document up out of turn: one of this page, or one that the server lends for it. The cursor goes to `text`.
  async openAnswer(id, text = "") {
    const shown = this.all.findIndex((cards) => cards.some((card) => card.work.id === id));
    if (shown >= 0) {
      this.show(shown, this.all[shown].find((card) => card.work.id === id));
      this.reopen(this.active);
      return this._pointAt(text);
    }
    const fetched = this.ahead.findIndex((work) => work.id === id);
    const work = fetched >= 0 ? this.ahead.splice(fetched, 1)[0] : await this._borrow(id);
    if (!work) return;
    const card = this._card(work);
    const place = Math.min(this.at, this.all.length);
    this.all.splice(Math.max(0, place), 0, [card]);
    this.show(Math.max(0, place));
    this._pointAt(text);
  }

  _pointAt(text) {
    const { work, paper } = this.active;
    const at = text ? work.text.string.toLowerCase().indexOf(text.toLowerCase()) : -1;
    if (at < 0 || work.asked) return;
    hands.placeCursor(work, work.tokenAt(work.text.point(at)));
    this.page.edits.changed(this.active);
    paper.reveal("center");
  }

  // Open a document with the spans of an answer that was refused, to be given anew; false where it cannot be opened.
  async takeUp(answer) {
    await this.openAnswer(answer.document_id);
    const work = this.active?.work;
    if (work?.id !== answer.document_id) return false;
    const { spans } = this.page.labels.read({ answer }).answer;
    work.edit(work.spans, spans.map(({ start, end, label }) => ({ start, end, label })));
    work.comment = answer.comment || work.comment;
    work.flagged = answer.flagged || work.flagged;
    this.page.edits.edited();
    return true;
  }

  async _borrow(id) {
    try {
      return this.open(await post("/api/open", { client, document_id: id }));
    } catch (error) {
      say(`The document could not be opened: ${error.message}.`);
      return null;
    }
  }

  // Who else has documents of this page in hand, as the server said: {id: [names]}.
  tellOthers(others) {
    for (const card of this.all.flat()) {
      card.work.others = others[card.work.id] ?? [];
      if (this.cards.includes(card)) card.update();
    }
  }

  // Draw what is on the screen anew.
  redraw() {
    for (const card of this.all.flat()) card.update();
  }

  reopen(card) {
    this.activate(card);
    card.work.answered = null;
    card.update();
    this.page.edits.showFocus();
  }

  moveDocument(direction) {
    const place = this.cards.indexOf(this.active) + direction;
    if (this.active && this.cards[place]) return this.activate(this.cards[place]);
    if (direction > 0) return this.active && this.advance();
    if (this.at > 0) this.show(this.at - 1, this.all[this.at - 1].at(-1));
  }
}
