// The page: fetches documents, turns keys and clicks into edits, sends answers, moves on.

import { Card } from "./card.js";
import { Clock } from "./clock.js";
import * as dialogs from "./dialogs.js";
import { Drafts } from "./drafts.js";
import * as hands from "./hands.js";
import { Keymap, labelPlace } from "./keys.js";
import { Labels } from "./labels.js";
import * as mouse from "./mouse.js";
import { Outbox } from "./outbox.js";
import { questions } from "./question.js";
import { client, farewell, get, post } from "./server.js";
import { say, Status } from "./status.js";
import { Work } from "./work.js";

const AHEAD = 5;
const MOVES = new Set(["next_span", "previous_span", "next_unsure", "next_token", "previous_token", "line_down", "line_up"]);
const ON_QUESTIONS = new Set([
  "accept", "accept_sheet", "reject", "ignore", "back", "next_document", "previous_document", "flag", "comment", "save",
  "instructions", "answers", "help", "theme", "stack", "refused",
]);
const STACKS = [1, 3, 5, 10];
const TOKEN_POLL_MS = 400;
const HEARTBEAT_MS = 30000;
const LOOK_AGAIN_MS = 5000;

class Page {
  async start() {
    this.project = await get("/api/project");
    document.title = `${this.project.name} · spanloop`;
    document.getElementById("project").textContent = this.project.name;
    this.keymap = new Keymap(this.project.keys);
    this.labels = new Labels(this.project);
    this.labels.show(document.getElementById("labels"), (name) => this.choose(name));
    this.status = new Status(() => this.run("refused"));
    this.status.figures(this.project.figures);
    this.status.progress(this.project.counts);
    this.drafts = new Drafts(this.project.uid, (state) => this.status.onDrafts(state));
    this.outbox = new Outbox(
      this.project.uid,
      (report) => this.status.onAnswers(report),
      (reply) => this.status.progress(reply.counts),
      () => this.drafts.flush(),
    );
    this.clock = new Clock();
    this.binary = this.project.view === "binary";
    const stack = Number(localStorage.getItem("spanloop.stack"));
    this.stack = STACKS.includes(stack) ? stack : 1;
    this._nameStack();
    this.pointing = localStorage.getItem("spanloop.point") === "true";
    this.pointed = null;
    this._namePointing();
    this.ahead = [];
    this.sheets = []; // arrays of cards, in the order they were shown
    this.at = -1;
    this.active = null;
    this._listen();
    this.outbox.flush();
    await this.fetchAhead();
  }

  get cards() {
    return this.sheets[this.at] ?? [];
  }

  // --- documents -----------------------------------------------------------------------------------------------

  async fetchAhead() {
    const wanted = Math.max(AHEAD, 2 * this.stack) - this.ahead.length;
    if (wanted <= 0 || this.fetching) return;
    this.fetching = true;
    try {
      const reply = await get("/api/next", { client, held: this.held().join(), n: wanted });
      this.exhausted = reply.documents.length === 0;
      const known = new Set(this.held());
      const fresh = reply.documents.filter((item) => !known.has(item.id));
      this.ahead.push(...fresh.flatMap((item) => (this.binary ? questions(item, this.project.only) : [this.open(item)])));
      this.status.progress(reply.counts);
      if (!this.cards.length) this._fillEmpty();
    } catch (error) {
      this.status.onAnswers({ state: "waiting", waiting: this.outbox.waiting, error });
      setTimeout(() => this.fetchAhead(), 2000);
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
    const open = this.sheets.flat().filter((card) => !card.work.answered).map((card) => card.work.id);
    return [...new Set([...open, ...this.ahead.map((work) => work.id), ...this.outbox.documents()])].slice(-900);
  }

  open(item) {
    return new Work({ ...item, draft: this.drafts.newest(item) });
  }

  // Show the next sheet: one that was left, or a new one.
  advance() {
    if (this.at + 1 < this.sheets.length) return this.show(this.at + 1);
    const works = this.ahead.splice(0, this.stack);
    this.fetchAhead();
    if (!works.length) return this.showEnd();
    this.sheets.push(works.map((work) => this._card(work)));
    this.show(this.sheets.length - 1);
  }

  _card(work) {
    const card = new Card(work, this.labels);
    if (!work.asked) mouse.listen(card, this);
    card.element.addEventListener("pointerdown", () => this.activate(card));
    return card;
  }

  show(at, active = null) {
    this.at = at;
    const sheet = document.getElementById("sheet");
    sheet.classList.toggle("stacked", this.cards.length > 1);
    sheet.replaceChildren(...this.cards.map((card) => card.element));
    this.activate(active ?? this.cards.find((card) => !card.work.answered) ?? this.cards[0]);
    if (this.cards.length === 1) scrollTo(0, 0);
    this._resume();
    this._pollTokens();
  }

  // A document done in part opens where it was left.
  _resume() {
    const { work, paper } = this.active;
    if (!work.seen || work.seen >= work.text.length || work.cursor) return;
    hands.placeCursor(work, work.tokenAt(work.seen));
    this.changed(this.active);
    paper.reveal("center");
  }

  showEnd() {
    this.active = null;
    this.at = this.sheets.length;
    const end = document.createElement("p");
    end.className = "end";
    const left = this.sheets.flat().filter((card) => !card.work.answered).length;
    end.textContent = !this.exhausted
      ? "Fetching the next document …"
      : left
        ? `No further documents. ${left} that you passed by ${left === 1 ? "is" : "are"} still without an answer: go back to ${left === 1 ? "it" : "them"} with “${this.keymap.shown("previous_document")}”.`
        : "All documents are answered. Well done.";
    document.getElementById("sheet").replaceChildren(end);
    this.showFocus();
  }

  activate(card) {
    if (this.active === card) return;
    if (this.active) {
      this.active.element.classList.remove("active");
      hands.letGo(this.active.work);
      this.active.update();
    }
    this.active = card;
    card.element.classList.add("active");
    if (this.cards.length > 1) card.element.scrollIntoView({ block: "nearest" });
    this.showFocus();
  }

  // Tokens come from a process of their own; until they are there the card shows provisional words.
  _pollTokens() {
    clearTimeout(this.tokenTimer);
    const card = this.cards.find((one) => one.work.provisional && !one.work.asked);
    if (!card) return;
    this.tokenTimer = setTimeout(async () => {
      try {
        const { tokens } = await get(`/api/documents/${card.work.id}/tokens`);
        if (tokens) card.setTokens(tokens);
      } catch {
        // the next poll asks again
      }
      this._pollTokens();
    }, TOKEN_POLL_MS);
  }

  // How many documents stand on one sheet. What was not answered is dealt again.
  setStack(count) {
    this.stack = count;
    localStorage.setItem("spanloop.stack", count);
    this._nameStack();
    if (this.at < this.sheets.length - 1 || !this.active) return;
    const open = this.sheets.pop();
    const answered = open.filter((card) => card.work.answered);
    if (answered.length) this.sheets.push(answered);
    this.ahead.unshift(...open.filter((card) => !card.work.answered).map((card) => card.work));
    this.at = this.sheets.length - 1;
    this.active = null;
    this.advance();
  }

  _namePointing() {
    document.getElementById("point").setAttribute("aria-pressed", this.pointing);
    document.body.classList.toggle("pointing", this.pointing);
  }

  _nameStack() {
    document.getElementById("stack").textContent = `${this.stack} at a time`;
  }

  // --- answers -------------------------------------------------------------------------------------------------

  answer(verdict, until = null) {
    if (!this.active) return;
    this._send(this.active, verdict, this.clock.take(), until);
    const next = this.cards.find((card) => !card.work.answered);
    if (next) this.activate(next);
    else this.advance();
  }

  // Accept all that the sheet shows; the time goes to the documents by their length.
  answerSheet() {
    const open = this.cards.filter((card) => !card.work.answered);
    const seconds = this.clock.take();
    const characters = open.reduce((sum, card) => sum + card.work.text.length, 0) || 1;
    for (const card of open) this._send(card, "accept", (seconds * card.work.text.length) / characters);
    if (this.cards.length) this.advance();
  }

  // A long document, done in part: what was looked at is saved, the rest waits under the earlier answers.
  answerTo() {
    const work = this.active?.work;
    if (!work) return;
    if (!work.here) return say("Put the cursor on the last word that you looked at first.");
    const cut = work.spanAt(work.here - 1);
    this.answer("accept", cut ? cut.end : work.here);
  }

  _send(card, verdict, seconds, until = null) {
    const { work } = card;
    const answer = { uuid: crypto.randomUUID(), ...work.answer(verdict, seconds, until) };
    work.seen = until ?? work.text.length;
    this.drafts.forget(work);
    this.outbox.put(answer);
    this.status.count(answer);
    work.answered = verdict;
    work.seconds = 0;
    hands.letGo(work);
    card.update();
  }

  // Take back the last edit; where there is none, return to the document answered before.
  back() {
    if (this.active?.work.touched && !this.active.work.answered) return this.edited(this.active.work.undo());
    const place = this.active ? this.cards.indexOf(this.active) : 0;
    const earlier = this.cards.slice(0, place).findLast((card) => card.work.answered);
    if (earlier) return this.reopen(earlier);
    if (this.at > 0) {
      this.show(this.at - 1, this.sheets[this.at - 1].at(-1));
      this.reopen(this.active);
    }
  }

  reopen(card) {
    this.activate(card);
    card.work.answered = null;
    card.update();
    this.showFocus();
  }

  async openAnswer(id) {
    const shown = this.sheets.findIndex((cards) => cards.some((card) => card.work.id === id));
    if (shown >= 0) {
      this.show(shown, this.sheets[shown].find((card) => card.work.id === id));
      return this.reopen(this.active);
    }
    const card = this._card(this.open(await get(`/api/documents/${id}`)));
    const place = Math.min(this.at, this.sheets.length);
    this.sheets.splice(Math.max(0, place), 0, [card]);
    this.show(Math.max(0, place));
  }

  // --- edits ---------------------------------------------------------------------------------------------------

  // From the mouse: a span on these characters, snapped to tokens unless in character mode.
  add(card, start, end) {
    const place = card.work.charMode ? { start, end } : card.work.snap(start, end);
    if (place) hands.put(card.work, place.start, place.end, this.labels.current, { tags: this.labels.tags });
    this.activate(card);
    this.edited();
  }

  // The word under the mouse, {card, token} or null. Keys that change a span mean the one there if none is selected;
  // with pointing on, label keys mean that word too.
  point(place) {
    this.pointed = place;
  }

  // Turn what the mouse points at into what the hands are on.
  _takePointed() {
    const { card, token } = this.pointed;
    this.activate(card);
    hands.placeCursor(card.work, token);
  }

  // A label was chosen by key, click or name: for the selected span, the words under the cursor, or what comes next.
  choose(name) {
    if (this.active?.work.asked) return;
    this.labels.mark(name);
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
      hands.putAtCursor(work, name, { tags: this.labels.tags });
      this.edited();
    }
  }

  chooseByKey(name) {
    if (!this.pointing || !this.pointed || mouse.selectedRange(this.active)) return this.choose(name);
    this._takePointed();
    this.choose(name);
    hands.letGo(this.active.work);
    this.changed(this.active);
  }

  // The active document was edited: draw it and keep the draft. `changed` false: there was nothing to do.
  edited(changed = true) {
    if (!this.active || !changed) return;
    const { work } = this.active;
    if (work.answered) work.answered = null;
    if (!work.asked) {
      work.seconds += this.clock.take();
      this.drafts.keep(work);
    }
    this.changed(this.active);
  }

  // Selection or cursor moved.
  changed(card) {
    card.update();
    card.paper.reveal();
    this.showFocus();
  }

  // The line at the foot: what the hands are on.
  showFocus() {
    const work = this.active?.work;
    const span = work?.span(work.selected);
    const focus = document.getElementById("focus");
    if (!span) {
      focus.textContent = work?.cursor ? `“${cursorText(work)}”` : "";
      return;
    }
    const sure = span.score === null ? "suggested" : `suggested, ${Math.round(100 * span.score)} % sure`;
    const state = { suggested: sure, changed: "changed by you", added: "added by you" }[work.state(span)];
    const off = this.labels.tags || work.onTokens(span.start, span.end) ? "" : "; not on token borders: training keeps it as it can";
    focus.textContent = `“${work.text.slice(span.start, span.end)}” ${span.label} (${state}${off})`;
  }

  // --- commands ------------------------------------------------------------------------------------------------

  // Carry out a command by name; false if it has nothing to act on, so that the browser may have the key.
  run(command) {
    if (this.active?.work.asked && !ON_QUESTIONS.has(command)) return false;
    const act = this.commands[command];
    return act ? act() !== false : false;
  }

  commands = {
    accept: () => this.answer("accept"),
    accept_sheet: () => this.answerSheet(),
    accept_to: () => this.answerTo(),
    reject: () => this.answer("reject"),
    ignore: () => this.answer("ignore"),
    back: () => this.back(),
    nothing: () => {
      if (!this.active) return;
      hands.removeAll(this.active.work);
      this.answer("accept");
    },
    flag: () => this._with((work) => (work.flagged = !work.flagged)),
    comment: () =>
      this.active &&
      dialogs.comment(this.active.work.comment, (text) => this._with((work) => (work.comment = text))),
    save: () => {
      this.drafts.flush();
      this.outbox.retryNow();
    },
    next_span: () => this._toSpan(1),
    previous_span: () => this._toSpan(-1),
    next_unsure: () => this._toSpan(1, (work, span) => this._isUnsure(work, span)),
    next_token: () => this._moved((work) => hands.moveCursor(work, 1)),
    previous_token: () => this._moved((work) => hands.moveCursor(work, -1)),
    line_down: () => this._moveLine(1),
    line_up: () => this._moveLine(-1),
    extend_right: () => this._extend(1),
    extend_left: () => this._extend(-1),
    next_document: () => this.moveDocument(1),
    previous_document: () => this.moveDocument(-1),
    clear: () => this._moved((work) => hands.letGo(work)),
    start_left: () => this._withSpan((work, span) => hands.moveEdge(work, span, "start", -1)),
    start_right: () => this._withSpan((work, span) => hands.moveEdge(work, span, "start", 1)),
    end_left: () => this._withSpan((work, span) => hands.moveEdge(work, span, "end", -1)),
    end_right: () => this._withSpan((work, span) => hands.moveEdge(work, span, "end", 1)),
    delete: () => this._withSpan((work, span) => hands.remove(work, span)),
    split: () => this._withSpan((work, span) => hands.split(work, span)),
    merge: () => this._withSpan((work, span) => hands.merge(work, span)),
    same: () => this._same(),
    undo: () => this.edited(this.active?.work.undo()),
    redo: () => this.edited(this.active?.work.redo()),
    find_label: () => dialogs.findLabel(this.labels, (name) => this.choose(name)),
    characters: () => {
      if (!this.active) return;
      this.active.work.charMode = !this.active.work.charMode;
      this.changed(this.active);
    },
    instructions: () => dialogs.instructions(this.project.instructions),
    answers: async () => dialogs.answers((await get("/api/answers")).answers, (id) => this.openAnswer(id)),
    refused: () =>
      dialogs.refused([...this.outbox.refused], (id) => this.openAnswer(id), (key) => this.outbox.discard(key)),
    help: () => dialogs.help(this.keymap, this.labels),
    theme: () => turnTheme(),
    point: () => {
      this.pointing = !this.pointing;
      localStorage.setItem("spanloop.point", this.pointing);
      this._namePointing();
    },
    stack: () => this.setStack(STACKS[(STACKS.indexOf(this.stack) + 1) % STACKS.length]),
  };

  _with(change) {
    if (!this.active) return;
    change(this.active.work);
    this.edited();
  }

  // Change the selected span, else the one under the mouse.
  _withSpan(change) {
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

  _moved(move) {
    if (!this.active) return false;
    if (move(this.active.work) === false) {
      hands.letGo(this.active.work);
      this.changed(this.active);
      return false;
    }
    this.changed(this.active);
  }

  // Select the next span that `wanted` accepts, in this document or a further one on the sheet.
  _toSpan(direction, wanted = () => true) {
    if (!this.active) return false;
    const cards = direction > 0 ? this.cards : [...this.cards].reverse();
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

  _isUnsure(work, span) {
    return span.score !== null && span.score < this.labels.unsureBelow && work.state(span) === "suggested";
  }

  // The hands go to another card, or let go of this one.
  _leave(card) {
    if (card === this.active) return;
    hands.letGo(this.active.work);
    this.active.update();
    if (card) this.activate(card);
    this.showFocus();
  }

  _moveLine(direction) {
    return this._moved((work) => {
      const { cursor } = work;
      if (!cursor) return hands.moveCursor(work, direction);
      hands.placeCursor(work, this.active.paper.tokenBeyondLine(cursor.head, direction));
    });
  }

  _extend(direction) {
    const work = this.active?.work;
    const span = work?.span(work.selected);
    if (span && !this.labels.tags) return this._withSpan(() => hands.moveEdge(work, span, "end", direction));
    return this._moved((active) => hands.moveCursor(active, direction, { extend: true }));
  }

  moveDocument(direction) {
    const place = this.cards.indexOf(this.active) + direction;
    if (this.active && this.cards[place]) return this.activate(this.cards[place]);
    if (direction > 0) return this.active && this.advance();
    if (this.at > 0) this.show(this.at - 1, this.sheets[this.at - 1].at(-1));
  }

  _same() {
    const work = this.active?.work;
    const span = work?.span(work.selected);
    if (!span) return false;
    const places = hands.samePlaces(work, span).map((place) => ({
      ...place,
      before: work.text.slice(Math.max(0, place.start - 30), place.start),
      text: work.text.slice(place.start, place.end),
      after: work.text.slice(place.end, place.end + 30),
    }));
    if (!places.length) return say("No other place in this document has the same characters without this label.");
    dialogs.same(`“${places[0].text}” as ${span.label}`, places, (chosen) => {
      hands.putAll(work, chosen.map(({ start, end }) => ({ start, end })), span.label);
      this.edited();
    });
  }

  // --- listening -----------------------------------------------------------------------------------------------

  _listen() {
    document.addEventListener("keydown", (event) => this._keyDown(event));
    for (const button of document.querySelectorAll("[data-command]")) {
      const { command } = button.dataset;
      const key = button.querySelector("kbd");
      if (key) key.textContent = this.keymap.shown(command);
      button.addEventListener("click", () => this.run(command));
    }
    // A click on a button must not take the keyboard away from the document.
    document.addEventListener("mousedown", (event) => event.target.closest("button") && event.preventDefault());
    for (const kind of ["keydown", "pointerdown", "pointermove", "wheel"]) {
      document.addEventListener(kind, () => this.clock.tick(), { passive: true });
    }
    addEventListener("pagehide", () => {
      farewell("/api/sittings", { client, held: null });
      this.drafts.flush();
    });
    addEventListener("online", () => this.outbox.retryNow());
    addEventListener("beforeunload", (event) => {
      if (this.outbox.unkept.size) event.preventDefault();
    });
    setInterval(() => this._beat(), HEARTBEAT_MS);
  }

  // Tell the server that this page lives. Not while documents are on their way: it would forget them.
  _beat() {
    if (!this.fetching) post("/api/sittings", { client, held: this.held() }).catch(() => {});
  }

  _keyDown(event) {
    if (event.isComposing || document.getElementById("dialog").open) return;
    const onControl = event.target.closest?.("button, a, input, textarea, select, summary");
    if (onControl && [" ", "Enter"].includes(event.key)) return;
    const command = this.keymap.command(event);
    if (MOVES.has(command)) this.pointed = null;
    const label = command === null ? this.labels.byKey(event, labelPlace(event)) : null;
    if (label !== null) this.chooseByKey(label);
    if (label !== null || (command !== null && this.run(command))) event.preventDefault();
  }
}

function cursorText(work) {
  const { first, last } = hands.cursorTokens(work);
  return work.text.slice(work.tokenStart(first), work.tokenEnd(last));
}

function turnTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("spanloop.theme", next);
}

const theme = localStorage.getItem("spanloop.theme");
if (theme) document.documentElement.dataset.theme = theme;

const page = new Page();
try {
  await page.start();
} catch (error) {
  say(`The page could not start: ${error.message}. Reload it once the server is there.`);
}
