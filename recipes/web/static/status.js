// What the page says about itself: saved or not, how far, how fast, how good the model is.

const saved = document.getElementById("saved");
const notice = document.getElementById("notice");

export class Status {
  constructor(onRefused) {
    this.answers = { state: "saved", waiting: 0 };
    this.drafts = "saved";
    this.told = ""; // trouble with saving that stands in the notice
    this.done = 0;
    this.seconds = 0;
    saved.addEventListener("click", () => this.answers.state === "refused" && onRefused());
  }

  // From the outbox.
  onAnswers(report) {
    this.answers = report;
    this._show();
  }

  // From the drafts.
  onDrafts(state) {
    this.drafts = state;
    this._show();
  }

  get settled() {
    return this.answers.state === "saved" && this.drafts === "saved";
  }

  _show() {
    const { state, waiting, error } = this.answers;
    const worst = state !== "saved" ? state : this.drafts;
    saved.dataset.state = worst;
    saved.textContent = {
      saved: "saved",
      saving: "saving …",
      waiting: waiting ? `not saved yet: ${waiting} ${waiting === 1 ? "answer waits" : "answers wait"}` : "not saved yet",
      refused: "the store refused an answer: click",
    }[worst];
    const trouble = worst === "waiting" && error ? `${error.message}. Your work is kept in this browser and sent again by itself.` : "";
    if (trouble || this.told) say(trouble);
    this.told = trouble;
  }

  // Documents done in this sitting, with the seconds they took.
  count(answer) {
    this.done += 1;
    this.seconds += answer.seconds ?? 0;
  }

  progress(counts) {
    const settled = counts.total - counts.open;
    const bar = document.getElementById("progress");
    bar.setAttribute("aria-valuemax", counts.total);
    bar.setAttribute("aria-valuenow", settled);
    document.getElementById("progress-bar").style.inlineSize = `${counts.total ? (100 * settled) / counts.total : 0}%`;
    document.getElementById("progress-text").textContent = `${grouped(settled)} of ${grouped(counts.total)}`;
    const pace = document.getElementById("pace");
    pace.textContent = this.done ? this._pace(counts.open) : "";
  }

  _pace(open) {
    const each = this.seconds / this.done;
    return `${this.done} now · ${each < 10 ? each.toFixed(1) : Math.round(each)} s each · ${duration(each * open)} left`;
  }

  figures(figures) {
    if (figures?.f1 == null) return;
    const before = figures.before == null ? "" : ` (was ${(100 * figures.before).toFixed(1)})`;
    const element = document.getElementById("figures");
    element.textContent = `F1 ${(100 * figures.f1).toFixed(1)}${before}`;
    element.title = `Strict micro F1 of round ${figures.round} on the evaluation split`;
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
