// Answers on their way to the store. Each lies in localStorage from the key press until the server says it is committed,
// so that a dead server, a reload or a closed laptop loses nothing; it is sent again with the same uuid, and says whose
// it is. One that the server refuses stays as well, until a person decides.

import * as kept from "./kept.js";
import { isAway, OF_SESSION, post } from "./server.js";

const RETRY_MS = [500, 1000, 2000, 5000, 10000];

export class Outbox {
  // `report({state, waiting, error})` is told after every change: saved, saving, waiting or refused; `received(reply)`
  // after each answer; `before()` is awaited before one is sent, so that a draft on its way cannot overtake it.
  constructor(project, report, received, before) {
    this.session = project.session;
    this.projectName = project.name;
    this.prefix = kept.prefix("answer", project.session);
    this.report = report;
    this.received = received;
    this.before = before;
    this.refused = new Map(); // key -> why: {message, reason}
    this.takenUp = new Map(); // document id -> keys of refused answers that were opened to be given anew
    this.latest = 0;
    this.failures = 0;
    this.sending = false;
    this.unkept = new Map(); // answers that localStorage has no room for
  }

  // Keep the answer, then send it; false where this browser has no room for it and it is in memory alone.
  put(answer) {
    const moment = Math.max(Date.now(), this.latest + 1); // two answers in one millisecond keep their order
    this.latest = moment;
    const body = { ...this.session, project_name: this.projectName, ...answer };
    const key = kept.keyOf("answer", body, moment);
    try {
      localStorage.setItem(key, JSON.stringify(body));
    } catch {
      this.unkept.set(key, body);
    }
    this.flush();
    return !this.unkept.has(key);
  }

  // Those of this session that are still to be sent, oldest first.
  keys() {
    return [...kept.keysWith(this.prefix), ...this.unkept.keys()].filter((key) => !this.refused.has(key)).sort();
  }

  // Documents whose answers are still here.
  documents() {
    return this.keys().map((key) => this.answer(key)?.document_id).filter((id) => id !== undefined);
  }

  answer(key) {
    return this.unkept.get(key) ?? kept.read(key);
  }

  get waiting() {
    return this.keys().length;
  }

  // Forget answers that a person has decided about.
  discard(keys) {
    for (const key of keys) this._forget(key);
    this._tell();
  }

  // Send again what the session of then refused: it may be the right one now.
  tryAgain() {
    for (const [key, { reason }] of this.refused) if (OF_SESSION.has(reason)) this.refused.delete(key);
    this.retryNow();
  }

  retryNow() {
    clearTimeout(this.timer);
    this.failures = 0;
    this.flush();
  }

  // Send what waits, oldest first, one after the other: revisions of one document keep their order.
  async flush() {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.timer);
    try {
      for (let [key] = this.keys(); key; [key] = this.keys()) {
        this._tell("saving");
        if (!(await this._send(key))) return;
      }
      this._tell();
    } finally {
      this.sending = false;
    }
  }

  async _send(key) {
    await this.before();
    const answer = this.answer(key);
    if (answer === null) {
      // another window has sent it, or something else wrote there
      if (localStorage.getItem(key) !== null) this.refused.set(key, { message: "it cannot be read", reason: "" });
      return true;
    }
    try {
      const reply = await post("/api/answers", answer);
      this._forget(key);
      for (const old of this.takenUp.get(answer.document_id) ?? []) this._forget(old);
      this.takenUp.delete(answer.document_id);
      this.failures = 0;
      this.received(reply);
      return true;
    } catch (error) {
      if (!isAway(error)) {
        this.refused.set(key, { message: error.message, reason: error.reason });
        this._tell("refused");
        return true;
      }
      const pause = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
      this.failures += 1;
      this.timer = setTimeout(() => this.flush(), pause);
      this._tell("waiting", error);
      return false;
    }
  }

  _forget(key) {
    this.refused.delete(key);
    this.unkept.delete(key);
    localStorage.removeItem(key);
  }

  _tell(state = this.refused.size ? "refused" : "saved", error = null) {
    this.report({ state, waiting: this.waiting, refused: this.refused.size, error });
  }
}
