// Unfinished edits: kept in this browser at once and on the server half a second later, so that neither a reload
// nor a crash of either side costs more than one key press.

import { post } from "./server.js";

const PAUSE_MS = 400;
const RETRY_MS = 3000;

export class Drafts {
  constructor(project, report) {
    this.prefix = `spanloop.draft.${project}.`;
    this.report = report;
    this.pending = new Map(); // document id -> {key, draft or null}
    this.sending = Promise.resolve();
  }

  // The newer of the server's draft and this browser's.
  newest(item) {
    const kept = JSON.parse(localStorage.getItem(this.prefix + item.id) ?? "null");
    if (!kept || kept.key !== item.key || (kept.draft.saved_at ?? 0) <= (item.draft?.saved_at ?? 0)) return item.draft;
    return { ...kept.draft, proposed: item.draft?.proposed };
  }

  keep(work) {
    const draft = { ...work.draft(), saved_at: Date.now() };
    try {
      localStorage.setItem(this.prefix + work.id, JSON.stringify({ key: work.key, draft }));
    } catch {
      // no room in this browser: the server's copy follows in a moment
    }
    this.pending.set(work.id, { document_id: work.id, document_key: work.key, draft });
    this._later(PAUSE_MS);
    this.report("saving");
  }

  // The document was answered: the store drops the draft together with the answer.
  forget(work) {
    localStorage.removeItem(this.prefix + work.id);
    this.pending.delete(work.id);
  }

  // Send what is pending now; resolves when nothing is on its way any more.
  flush() {
    clearTimeout(this.timer);
    this.sending = this.sending.then(() => this._send());
    return this.sending;
  }

  async _send() {
    for (const [id, body] of [...this.pending]) {
      if (this.pending.get(id) !== body) continue;
      this.pending.delete(id);
      try {
        await post("/api/drafts", body);
      } catch (error) {
        if (error.status === 404 || error.status === 409) continue;
        if (!this.pending.has(id)) this.pending.set(id, body);
        this._later(RETRY_MS);
        this.report("waiting", error);
        return;
      }
    }
    this.report("saved");
  }

  _later(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), milliseconds);
  }
}
