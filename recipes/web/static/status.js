// What the page says about itself: saved or not, how far, how fast, how good the model is.

import { OF_SESSION } from "./server.js";

const saved = document.getElementById("saved");
const notice = document.getElementById("notice");

// What is worst comes first; "saved" stands there only if all else is well.
const STATES = ["refused", "waiting", "saving", "elsewhere", "saved"];

export class Status {
  // `onTrouble` is called when somebody wants to see what is not saved.
  constructor(onTrouble) {
    this.parts = { documents: { state: "saved" }, answers: { state: "saving" }, drafts: { state: "saved" }, others: { state: "saved" } };
    this.told = ""; // trouble with saving that stands in the notice
    this.asking = false; // yes/no mode: questions are counted, not documents
    this.done = 0;
    this.seconds = 0;
    this.settledBefore = null; // documents that were done when the page came
    saved.addEventListener("click", () => saved.dataset.state !== "saved" && onTrouble());
    this._show();
  }

  // What one part of the page has to say: {state, error}, of answers also how many are `waiting` or `refused`.
  tell(part, report) {
    this.parts[part] = report;
    this._show();
  }

  _show() {
    const worst = STATES.find((state) => Object.values(this.parts).some((part) => part.state === state));
    const { waiting = 0, refused = 0 } = this.parts.answers;
    saved.dataset.state = worst;
    saved.disabled = worst === "saved" || worst === "saving";
    saved.textContent = {
      saved: "saved",
      saving: "saving …",
      waiting: waiting ? `not saved yet: ${waiting} ${waiting === 1 ? "answer waits" : "answers wait"}` : "not saved yet",
      refused: refused ? `not saved: ${refused} ${refused === 1 ? "answer was" : "answers were"} refused` : "not saved: a draft was refused",
      elsewhere: this.parts.others.text,
    }[worst];
    const error = worst === "waiting" && Object.values(this.parts).find((part) => part.state === "waiting" && part.error)?.error;
    const then = OF_SESSION.has(error?.reason) ? "Reload the page to go on; your work is kept in this browser." : "Your work is kept in this browser and sent again by itself.";
    const trouble = error ? `${error.message}. ${then}` : "";
    if (trouble || this.told) say(trouble);
    this.told = trouble;
  }

  // Documents (in yes/no mode: questions) done in this sitting, with the seconds they took.
  count(work, answer) {
    if (!work.counted) this.done += 1; // not again when it is answered anew
    work.counted = true;
    this.seconds += answer.seconds ?? 0;
  }

  progress(counts) {
    const settled = counts.total - counts.open;
    const bar = document.getElementById("progress");
    bar.setAttribute("aria-valuemax", counts.total);
    bar.setAttribute("aria-valuenow", settled);
    document.getElementById("progress-bar").style.inlineSize = `${counts.total ? (100 * settled) / counts.total : 0}%`;
    this.counts = counts;
    this.settledBefore ??= settled;
    const documents = this.asking ? " documents" : "";
    document.getElementById("progress-text").textContent = `${grouped(settled)} of ${grouped(counts.total)}${documents}`;
    document.getElementById("pace").textContent = this.done ? this._pace(counts.open, settled - this.settledBefore) : "";
  }

  // `finished`: documents done since the page came; what is left is counted in documents too.
  _pace(open, finished) {
    const count = this.done;
    const each = this.seconds / count;
    const now = this.asking ? `${count} ${count === 1 ? "question" : "questions"} now` : `${count} now`;
    const parts = [now, `${each < 10 ? each.toFixed(1) : Math.round(each)} s each`];
    const documents = this.asking ? finished : count;
    if (open && documents) parts.push(`${duration((this.seconds / documents) * open)} left`);
    return parts.join(" · ");
  }

  figures(figures) {
    if (figures?.value == null) return;
    const before = figures.before == null ? "" : ` (was ${(100 * figures.before).toFixed(1)})`;
    const element = document.getElementById("figures");
    const name = figures.metric === "accuracy" ? "Accuracy" : "F1";
    element.textContent = `${name} ${(100 * figures.value).toFixed(1)}${before}`;
    const waited = figures.waited == null ? "" : `; it suggested again ${Math.round(figures.waited)} s after its training began`;
    element.title = `${figures.metric} of round ${figures.round} on the evaluation split${waited}`;
  }
}

// One line to everybody, screen readers too. It stays until something else is said or the next document comes.
export function say(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

// What was said to the hands is over; trouble with saving stays.
export function hush() {
  if (saved.dataset.state !== "waiting") say("");
}

function duration(seconds) {
  if (seconds < 90) return "1 min";
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function grouped(number) {
  return number.toLocaleString("en");
}
