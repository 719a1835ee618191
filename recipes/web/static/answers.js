// Answering: one document, all on the sheet, a part of one; and taking an answer back.

import * as hands from "./hands.js";
import { say } from "./status.js";
import { lookedAt, untagged } from "./untagged.js";

export class Answers {
  constructor(page) {
    this.page = page;
  }

  get active() {
    return this.page.sheets.active;
  }

  answer(verdict, until = null) {
    if (!this.active) return;
    if (verdict === "accept" && this._asksForTags([this.active], until)) return;
    this._send(this.active, verdict, this.page.clock.take(), until);
    const next = this.page.sheets.cards.find((card) => !card.work.answered);
    if (next) this.page.sheets.activate(next);
    else this.page.sheets.advance();
    return true;
  }

  // Nothing to mark in this document.
  nothing() {
    if (!this.active) return;
    if (this.page.labels.tags) return say("In a project of tags every word has one: tag them, or reject the document.");
    hands.removeAll(this.active.work);
    this.answer("accept");
  }

  // Accept all on the sheet; the time goes to the documents by their length. What lies below the fold and was never
  // seen is not accepted: it comes into view first, and the next press accepts.
  answerSheet() {
    const unseen = this.page.sheets.unseen();
    if (unseen) return unseen.element.scrollIntoView({ block: "end" });
    const open = this.page.sheets.cards.filter((card) => !card.work.answered);
    if (this._asksForTags(open)) return;
    const seconds = this.page.clock.take();
    const characters = open.reduce((sum, card) => sum + card.work.text.length, 0) || 1;
    for (const card of open) this._send(card, "accept", (seconds * card.work.text.length) / characters);
    if (this.page.sheets.cards.length) this.page.sheets.advance();
  }

  // A long document, done in part: what was looked at is saved, the rest waits under the earlier answers.
  answerTo() {
    const work = this.active?.work;
    if (!work) return;
    if (!work.here) return say("Put the cursor on the last word that you looked at first.");
    const cut = work.spanAt(work.here - 1);
    const until = cut ? cut.end : work.here;
    if (!this.answer("accept", until)) return;
    const taken = work.tokenAt(until - 1) + 1;
    const words = `${taken.toLocaleString("en")} of ${work.tokenCount.toLocaleString("en")} words`;
    const { keymap } = this.page;
    say(`Accepted: the first ${words}. The rest stays open under “${keymap.shown("answers")}”; “${keymap.shown("back")}” takes this back.`);
  }

  // In a project of tags a document with words that have none is accepted by the second press: the first tells how many
  // there are and goes to the first of them. Training masks them. An edit in between is a first press again.
  _asksForTags(cards, until = null) {
    if (!this.page.labels.tags) return false;
    const open = cards.filter(({ work }) => !work.asked).map((card) => ({ card, without: untagged(card.work, until) }));
    const lacking = open.filter(({ without }) => without.length);
    const empty = lacking.find(({ card: { work }, without }) => !lookedAt(work, without, until).length);
    if (!lacking.length || (!empty && lacking.every(({ card: { work } }) => work.told?.spans === work.spans && work.told.until === until))) return false;
    for (const { card: { work } } of lacking) work.told = { spans: work.spans, until };
    const { card, without } = empty ?? lacking[0];
    this.page.sheets.activate(card);
    if (until === null) hands.placeCursor(card.work, without[0]); // else the cursor says how far was looked
    this.page.edits.changed(card);
    const count = lacking.reduce((sum, { without: { length } }) => sum + length, 0);
    const where = lacking.length > 1 ? ` in ${lacking.length} documents` : "";
    say(
      empty
        ? "No word here has a tag, so there is nothing to learn from it: tag some, or ignore or reject the document."
        : `${count}${where} ${count === 1 ? "has" : "have"} no tag. Accept once more to leave ${count === 1 ? "it" : "them"} out: training masks what has no tag.`,
    );
    return true;
  }

  _send(card, verdict, seconds, until = null) {
    const { work } = card;
    const without = this.page.labels.tags && verdict === "accept" && !work.asked ? untagged(work, until) : [];
    const said = without.length ? work.answer(verdict, seconds, until, lookedAt(work, without, until)) : work.answer(verdict, seconds, until);
    const known = this.page.labels.all.map((label) => label.id); // a page may be older than a label
    const answer = { uuid: crypto.randomUUID(), ...this.page.labels.withIds(said), labels: known };
    work.seen = until ?? work.text.length;
    if (work.parts) work.sent = said.ranges ?? [];
    if (this.page.outbox.put(answer)) this.page.drafts.forget(work);
    this.page.status.count(work, answer);
    work.answered = verdict;
    work.seconds = 0;
    hands.letGo(work);
    card.update();
  }

  // Take back the last edit; where there is none, return to the document answered before.
  back() {
    if (this.active?.work.touched && !this.active.work.answered) return this.page.edits.change((work) => hands.undo(work));
    const place = this.active ? this.page.sheets.cards.indexOf(this.active) : 0;
    const earlier = this.page.sheets.cards.slice(0, place).findLast((card) => card.work.answered);
    if (earlier) return this.page.sheets.reopen(earlier);
    if (this.page.sheets.at > 0) {
      this.page.sheets.show(this.page.sheets.at - 1, this.page.sheets.all[this.page.sheets.at - 1].at(-1));
      this.page.sheets.reopen(this.active);
    }
  }
}
