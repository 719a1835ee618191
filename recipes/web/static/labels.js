// The labels: their bar, their colours and patterns, their keys.

import { PATTERNS, patternsFor } from "./colours.js";
import { shownKey } from "./keys.js";

// Okabe and Ito's colours, which colour-blind eyes tell apart, for labels that bring none.
const PALETTE = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a7a00", "#7b5ea7"];

const WIDEST_TAG = 8; // characters; longer names of tags are cut under their words

export class Labels {
  constructor(project, { unsureBelow = 0.7 } = {}) {
    this.all = project.labels;
    this.tags = project.task === "tags";
    this.unsureBelow = unsureBelow;
    this.current = this.all[0]?.name ?? null;
    this.longest = Math.max(1, ...this.all.map((label) => label.name.length));
    this.places = new Map(this.all.map((label, place) => [label.name, place]));
    this.ids = new Map(this.all.map((label) => [label.name, label.id]));
    this.names = new Map(this.all.map((label) => [label.id, label.name]));
    this._styleSheet();
  }

  // A document as this page shows it: every span under the name that its label had when the page was opened.
  read(item) {
    const spans = (list) => list?.map((span) => ({ ...span, label: this._name(span) }));
    return {
      ...item,
      suggestions: spans(item.suggestions),
      answer: item.answer && { ...item.answer, spans: spans(item.answer.spans) },
      draft: item.draft && eachSpan(item.draft, (span) => ({ ...span, label: this._name(span) })),
    };
  }

  // An answer or a draft as the server takes it: every span with the id of its label.
  withIds(body) {
    return eachSpan(body, (span) => ({ ...span, label_id: this.ids.get(span.label) ?? null }));
  }

  // One that this page does not know, newer than the page or out of use, is learned by the way.
  _name({ label, label_id: id }) {
    if (id == null) return label;
    if (!this.names.has(id)) {
      const name = this.ids.has(label) ? `${label} (${id})` : label;
      this.names.set(id, name);
      this.ids.set(name, id);
    }
    return this.names.get(id);
  }

  className(name) {
    return `label-${this.places.get(name) ?? "gone"}`;
  }

  // The label that a key event asks for, or null. `place` is what digits stand for.
  byKey(event, place) {
    if (place >= 0) return this.all[place]?.name ?? null;
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    return this.all.find((label) => label.key && label.key === event.key)?.name ?? null;
  }

  keyName(place) {
    const own = this.all[place].key;
    if (own && !/^\d$/.test(own)) return shownKey(own);
    if (place < 10) return String((place + 1) % 10);
    return place < 20 ? `⇧${(place + 1) % 10}` : "";
  }

  show(bar, choose) {
    const buttons = this.all.map((label, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = `label ${this.className(label.name)}`;
      button.title = label.description ? `${label.name}: ${label.description}` : label.name;
      button.dataset.label = label.name;
      button.append(part("span", "swatch"), part("span", "name", label.name));
      if (this.keyName(place)) button.append(" ", part("kbd", "", this.keyName(place)));
      button.addEventListener("click", () => choose(label.name));
      return button;
    });
    bar.replaceChildren(...buttons);
    this.bar = bar;
    this.mark(this.current);
  }

  mark(name) {
    this.current = name;
    for (const button of this.bar.children) {
      button.setAttribute("aria-pressed", String(button.dataset.label === name));
      if (button.dataset.label === name) this._scrollTo(button);
    }
  }

  // Bring it into view in its bar; the page itself stays where it is.
  _scrollTo({ offsetTop, offsetLeft, offsetHeight, offsetWidth }) {
    const { bar } = this;
    bar.scrollTop = Math.min(offsetTop, Math.max(bar.scrollTop, offsetTop + offsetHeight - bar.clientHeight));
    bar.scrollLeft = Math.min(offsetLeft, Math.max(bar.scrollLeft, offsetLeft + offsetWidth - bar.clientWidth));
  }

  // Colours go through the CSSOM: the page's content policy forbids style attributes.
  _styleSheet() {
    const sheet = new CSSStyleSheet();
    const colours = this.all.map((label, place) =>
      CSS.supports("color", label.colour ?? "") ? label.colour : PALETTE[place % PALETTE.length],
    );
    patternsFor(colours).forEach((pattern, place) =>
      sheet.insertRule(`.label-${place} { --label: ${colours[place]}; --pattern: ${PATTERNS[pattern]}; }`),
    );
    sheet.insertRule(`.paper.tags .token { min-width: ${Math.min(this.longest, WIDEST_TAG) * 0.72}em; }`);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }
}

function part(tag, className, text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

// The same with every span of an answer or a draft changed, wherever it stands.
function eachSpan(body, change) {
  const changed = { ...body };
  for (const name of ["spans", "base", "proposed"]) if (body[name]) changed[name] = body[name].map(change);
  if (body.edits) changed.edits = body.edits.map(({ removed, added }) => ({ removed: removed.map(change), added: added.map(change) }));
  return changed;
}
