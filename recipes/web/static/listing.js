// The list of documents: what is typed and the filters let through, page by page, counted to the end or to a limit.

import { button, close, element, show } from "./dialogs.js";
import { Filters } from "./filters.js";
import { item } from "./hits.js";
import { client, get } from "./server.js";

const PAUSE_MS = 200;
const ON_PAGE = 20;
const FIRST_COUNTED = 1000;
const MOST_COUNTED = 10000;
const SHOWN_SPANS = 200;
const FEW_SPANS = 8;

// What was asked last in this window, so that the list comes back as it was left.
const kept = { text: "", filters: {}, starts: [0], opened: null };

export class Listing {
  // `jump(span)` goes to a span of the document on the screen, `open(id, text)` brings another document up.
  constructor(page, { jump, open }) {
    this.page = page;
    this.work = page.sheets.active?.work;
    this.jump = jump;
    this.open = open;
    this.round = 0; // of what was asked: a reply to an earlier one is dropped
    this._build();
    this.refresh(false);
    show("Documents", this.input, this.filters.element, this.here, this.state, this.list, this.pager);
    this.input.focus();
    this.input.select();
  }

  _build() {
    this.input = element("input");
    this.input.setAttribute("aria-label", "Text to find");
    this.input.placeholder = "Text to find";
    this.input.maxLength = 200;
    this.input.autocomplete = "off";
    this.input.value = kept.text;
    this.input.addEventListener("input", () => this._later());
    this.filters = new Filters(this.page, kept.filters, () => this._later(0));
    this.here = element("details", "here");
    this.state = element("p", "count");
    this.state.setAttribute("role", "status");
    this.list = element("ol", "hits");
    this.pager = element("div", "pager");
    this.before = button("Previous", () => this._turn(-1));
    this.after = button("Next", () => this._turn(1));
    this.place = element("span");
    this.pager.append(this.before, this.place, this.after);
    for (const part of [this.input, this.here, this.list]) part.addEventListener("keydown", (event) => this._key(event));
  }

  _later(pause = PAUSE_MS) {
    clearTimeout(this.timer);
    this.asked = false;
    this.timer = setTimeout(() => this.refresh(), pause);
  }

  // Ask anew: from the first page on, unless it is the list as it was left.
  refresh(anew = true) {
    clearTimeout(this.timer);
    this.asked = true;
    Object.assign(kept, { text: this.input.value, filters: this.filters.chosen(), ...(anew ? { starts: [0], opened: null } : {}) });
    this.question = { counted: 0, until: 0, whole: false };
    this._showHere();
    this._fill();
  }

  // One page of hits; a request that ran out of time is followed by the next. The first page begins to count.
  async _fill() {
    const { question } = this;
    const round = (this.round += 1);
    const counts = kept.starts.length === 1 && question.until === 0;
    const hits = [];
    let reply = { until: kept.starts.at(-1), whole: false };
    let seen = 0;
    this.busy = true;
    try {
      while (!reply.whole && seen <= ON_PAGE) {
        reply = await this._ask(reply.until, ON_PAGE - hits.length, counts ? FIRST_COUNTED : ON_PAGE + 1 - seen);
        if (round !== this.round) return;
        hits.push(...reply.documents);
        seen += reply.counted;
        if (counts) this._count(question, reply);
        this._draw(hits, seen > ON_PAGE || !reply.whole);
      }
    } catch (error) {
      if (round === this.round) this.state.textContent = `The documents could not be listed: ${error.message}.`;
      return;
    } finally {
      if (round === this.round) this.busy = false;
    }
    this._draw(hits, seen > ON_PAGE);
    if (this.wanted) this._takeFirst();
    this._countOn(question);
  }

  // Count on while the list is open and nothing else is asked, as far as a number says anything.
  async _countOn(question) {
    if (question.counting) return;
    question.counting = true;
    const wanted = () => this.question === question && this.input.isConnected;
    while (!question.whole && question.counted < MOST_COUNTED && wanted()) {
      const reply = await this._ask(question.until, 0, MOST_COUNTED - question.counted).catch(() => null);
      if (!reply || !wanted()) return;
      this._count(question, reply);
    }
  }

  _count(question, reply) {
    question.counted += reply.counted;
    Object.assign(question, { until: reply.until, whole: reply.whole });
    const { counted, whole } = question;
    const documents = `${counted.toLocaleString("en")} ${counted === 1 ? "document" : "documents"}`;
    const share = reply.last ? Math.floor((100 * reply.until) / reply.last) : 100;
    if (whole) this.state.textContent = counted ? documents : "No document fits.";
    else if (counted >= MOST_COUNTED) this.state.textContent = `More than ${documents}`;
    else this.state.textContent = `${counted ? `More than ${documents}` : "None yet"}, ${share} % looked through …`;
  }

  _ask(after, n, most) {
    return get("/api/search", { text: kept.text, ...kept.filters, after, n, most, client });
  }

  _draw(hits, more) {
    const before = ON_PAGE * (kept.starts.length - 1);
    this.list.start = before + 1;
    this.list.replaceChildren(...hits.map((hit) => item(hit, kept.opened === hit.id, () => this._choose(hit.id))));
    this.last = hits.at(-1)?.id;
    this.before.disabled = kept.starts.length === 1;
    this.after.disabled = !more || hits.length < ON_PAGE;
    this.place.textContent = hits.length ? `${before + 1} to ${before + hits.length}` : "";
    this.pager.hidden = this.before.disabled && this.after.disabled;
  }

  async _turn(step) {
    if (step > 0) kept.starts.push(this.last);
    else kept.starts.pop();
    await this._fill();
    this.list.querySelector("button")?.focus();
  }

  _choose(id) {
    kept.opened = id;
    close();
    this.open(id, kept.text);
  }

  // Enter takes what comes first, once it is there.
  _takeFirst() {
    this.wanted = false;
    const spans = this.here.open && !this.here.hidden ? this.here.querySelector("button") : null;
    (spans ?? this.list.querySelector("button"))?.click();
  }

  _key(event) {
    if (event.key === "Enter" && event.target === this.input) {
      event.preventDefault();
      if (!this.asked) this.refresh();
      this.wanted = this.busy;
      if (!this.busy) this._takeFirst();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const here = this.here.open ? this.here.querySelectorAll("button") : [];
    const stops = [this.input, ...here, ...this.list.querySelectorAll("button")];
    stops[stops.indexOf(document.activeElement) + step]?.focus();
  }

  // The spans of the document on the screen that hold what is typed.
  _showHere() {
    const found = spansWith(this.work, kept.text);
    const summary = element("summary");
    summary.textContent = `In this document: ${found.length} ${found.length === 1 ? "span" : "spans"}`;
    const list = element("ul", "found");
    list.append(...found.slice(0, SHOWN_SPANS).map(([span, text]) => this._span(span, text)));
    this.here.replaceChildren(summary, list);
    this.here.hidden = !found.length || Object.keys(kept.filters).length > 0;
    this.here.open = kept.text !== "" && found.length <= FEW_SPANS;
  }

  _span(span, text) {
    const pick = button(`${span.label}: ${text}`, () => {
      close();
      this.jump(span);
    });
    pick.className = "earlier";
    const entry = element("li");
    entry.append(pick);
    return entry;
  }
}

function spansWith(work, typed) {
  const query = typed.toLowerCase();
  const named = (work?.asked ? [] : (work?.spans ?? [])).map((span) => [span, work.text.slice(span.start, span.end)]);
  return named.filter(([span, text]) => `${span.label} ${text}`.toLowerCase().includes(query));
}
