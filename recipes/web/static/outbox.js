// Answers on their way to the store. Each lies in localStorage from the key press until the server says it is committed,
// so that a dead server, a reload or a closed laptop loses nothing; it is sent again with the same uuid.

import { post } from "./server.js";

const RETRY_MS = [500, 1000, 2000, 5000, 10000];

export class Outbox {
  // `report({state, waiting, error})` is told after every change: saved, saving, waiting or refused; `received(reply)`
  // after each answer; `before()` is awaited before one is sent, so that a draft on its way cannot overtake it.
  constructor(project, report, received, before) {
    this.prefix = `spanloop.answer.${project}.`;
    this.report = report;
    this.received = received;
    this.before = before;
    this.refused = new Map();
    this.latest = 0;
    this.failures = 0;
    this.sending = false;
    this.unkept = new Map(); // answers that localStorage has no room for
  }

  // Keep the answer, then send it.
  put(answer) {
    const moment = Math.max(Date.now(), this.latest + 1); // two answers in one millisecond keep their order
    this.latest = moment;
    const key = `${this.prefix}${String(moment).padStart(15, "0")}.${answer.uuid}`;
    try {
      localStorage.setItem(key, JSON.stringify(answer));
    } catch {
      this.unkept.set(key, answer);
    }
    this.flush();
  }

  keys() {
    const stored = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
    return [...stored, ...this.unkept.keys()].filter((key) => !this.refused.has(key)).sort();
  }

  // Documents whose answers are still here.
  documents() {
    return this.keys().map((key) => this._answer(key).document_id);
  }

  _answer(key) {
    return this.unkept.get(key) ?? JSON.parse(localStorage.getItem(key));
  }

  get waiting() {
    return this.keys().length;
  }

  // Forget an answer that the server will never take.
  discard(key) {
    this.refused.delete(key);
    this._forget(key);
    this._tell();
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
    const answer = this._answer(key);
    try {
      await this.before();
      const reply = await post("/api/answers", answer);
      this._forget(key);
      this.failures = 0;
      this.received(reply);
      return true;
    } catch (error) {
      if (error.status >= 400 && error.status < 500 && ![401, 408, 421, 429].includes(error.status)) {
        this.refused.set(key, { answer, message: error.message });
        this._tell("refused", error);
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
    this.unkept.delete(key);
    localStorage.removeItem(key);
  }

  _tell(state = this.refused.size ? "refused" : "saved", error = null) {
    this.report({ state, waiting: this.waiting, error });
  }
}
