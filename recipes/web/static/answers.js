// Answering: one document, all on the sheet, a part of one; and taking an answer back.

import * as hands from "./hands.js";
import { say } from "./status.js";

export class Answers {
  constructor(page) {
    this.page = page;
  }

  get active() {
    return this.page.sheets.active;
  }

  answer(verdict, until = null) {
    if (!this.active) return;
    this._send(this.active, verdict, this.page.clock.take(), until);
    const next = this.page.sheets.cards.find((card) => !card.work.answered);
    if (next) this.page.sheets.activate(next);
    else this.page.sheets.advance();
  }

  // Accept all on the sheet; the time goes to the documents by their length. What lies below the fold and was never
  // seen is not accepted: it comes into view first, and the next press accepts.
  answerSheet() {
    const unseen = this.page.sheets.unseen();
    if (unseen) return unseen.element.scrollIntoView({ block: "end" });
    const open = this.page.sheets.cards.filter((card) => !card.work.answered);
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
    this.answer("accept", cut ? cut.end : work.here);
  }

  _send(card, verdict, seconds, until = null) {
    const { work } = card;
    const answer = { uuid: crypto.randomUUID(), ...this.page.labels.withIds(work.answer(verdict, seconds, until)) };
    work.seen = until ?? work.text.length;
    if (this.page.outbox.put(answer)) this.page.drafts.forget(work);
    this.page.status.count(answer);
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
