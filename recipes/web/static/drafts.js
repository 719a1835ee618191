// Unfinished edits: kept in this browser at once and on the server half a second later, so that neither a reload
// nor a crash of either side costs more than one key press. The browser's copy goes when the server has it.

import * as kept from "./kept.js";
import { isAway, OF_SESSION, post } from "./server.js";

const PAUSE_MS = 400;
const RETRY_MS = 3000;

export class Drafts {
  // `report({state, error})` is told after every change: saved, saving, waiting or refused.
  constructor(project, labels, report) {
    this.session = project.session;
    this.projectName = project.name;
    this.prefix = kept.prefix("draft", project.session);
    this.labels = labels;
    this.report = report;
    this.pending = new Map(); // key -> body that the server has not got yet
    this.refused = new Map(); // key -> why: {message, reason}
    this.sending = Promise.resolve();
    this._takeUp();
  }

  // What an earlier page left here without having sent it; a newer draft on the server is not overwritten by it.
  _takeUp() {
    for (const key of kept.keysWith(this.prefix)) {
      const body = kept.read(key);
      if (body && !this.pending.has(key) && !this.refused.has(key)) this.pending.set(key, { ...body, resent: true });
    }
  }

  // The newer of the server's draft and this browser's.
  newest(item) {
    const here = kept.read(this.prefix + item.id);
    if (!here || here.document_key !== item.key || (here.draft.saved_at ?? 0) <= (item.draft?.saved_at ?? 0)) return item.draft;
    return { ...here.draft, proposed: item.draft?.proposed };
  }

  keep(work) {
    const draft = { ...this.labels.withIds(work.draft()), saved_at: Date.now() };
    const body = { ...this.session, project_name: this.projectName, document_id: work.id, document_key: work.key, draft };
    const key = kept.keyOf("draft", body);
    try {
      localStorage.setItem(key, JSON.stringify(body));
    } catch {
      // no room in this browser: the server's copy follows in a moment
    }
    this.refused.delete(key);
    this.pending.set(key, body);
    this._later(PAUSE_MS);
    this.report({ state: "saving" });
  }

  // The document was answered: the store drops the draft together with the answer.
  forget(work) {
    this.discard([this.prefix + work.id]);
  }

  discard(keys) {
    for (const key of keys) {
      localStorage.removeItem(key);
      this.pending.delete(key);
      this.refused.delete(key);
    }
    this._tell();
  }

  get waiting() {
    return this.pending.size;
  }

  // Send again what the session of then refused.
  tryAgain() {
    for (const [key, { reason }] of this.refused) if (OF_SESSION.has(reason)) this.refused.delete(key);
    this._takeUp();
    this.flush();
  }

  // Send what is pending now; resolves when nothing is on its way any more.
  flush() {
    clearTimeout(this.timer);
    this.sending = this.sending.then(() => this._send());
    return this.sending;
  }

  async _send() {
    for (const [key, body] of [...this.pending]) {
      if (this.pending.get(key) !== body) continue;
      try {
        await post("/api/drafts", body);
        if (this.pending.get(key) === body) this._forget(key, body);
      } catch (error) {
        if (isAway(error)) {
          this._later(RETRY_MS);
          this.report({ state: "waiting", error });
          return;
        }
        if (this.pending.get(key) !== body) continue;
        this.pending.delete(key);
        this.refused.set(key, { message: error.message, reason: error.reason });
      }
    }
    this._tell();
  }

  // The server has it; an edit since then, in any window, stays.
  _forget(key, body) {
    this.pending.delete(key);
    if (kept.read(key)?.draft.saved_at === body.draft.saved_at) localStorage.removeItem(key);
  }

  _tell() {
    this.report({ state: this.refused.size ? "refused" : this.pending.size ? "saving" : "saved" });
  }

  _later(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), milliseconds);
  }
}
