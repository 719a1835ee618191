// One document on the screen: its paper, its meta, what was answered.

import { countAsked } from "./parts.js";
import { Paper } from "./paper.js";
import { untaggedText } from "./untagged.js";

export class Card {
  constructor(work, labels) {
    this.work = work;
    this.tags = labels.tags;
    this.paper = new Paper(work, labels);
    this.element = document.createElement("article");
    this.element.className = "card";
    this.element.dataset.document = work.id;
    this.element.setAttribute("aria-label", `Document ${work.key}`);
    this.badge = part("span", "badge");
    this.hint = part("span", "hint");
    this.comment = part("p", "comment");
    const foot = part("div", "foot");
    this.others = part("span", "others");
    this.others.setAttribute("role", "status");
    foot.append(this._meta(), this.hint, this.others, this.badge);
    if (work.reason) this.element.append(part("p", "reason", work.reason));
    this.element.append(this.paper.root, this.comment, foot);
    this.update();
  }

  _meta() {
    const list = part("dl", "meta");
    const entries = { ...this.work.meta, ...(this.work.model ? { model: this.work.model } : {}) };
    for (const [name, value] of Object.entries(entries)) {
      const term = part("dt");
      const description = part("dd");
      term.textContent = name;
      description.textContent = typeof value === "string" ? value : JSON.stringify(value);
      const pair = part("div");
      pair.append(term, description);
      list.append(pair);
    }
    return list;
  }

  setTokens(flat) {
    this.work.setTokens(flat);
    this.work.cursor = null;
    this.paper.build();
    this.update();
  }

  update() {
    const { work } = this;
    this.paper.update();
    this.element.classList.toggle("flagged", work.flagged);
    this.element.classList.toggle("answered", Boolean(work.answered));
    this.element.classList.toggle("characters", work.charMode);
    this.element.classList.toggle("in-parts", work.parts !== null);
    this.badge.textContent = [
      work.flagged ? "flagged" : "",
      { accept: "accepted", reject: "rejected", ignore: "ignored" }[work.answered ?? (work.parts ? null : work.earlier?.answer)] ?? "",
    ].filter(Boolean).join(" · ");
    this.hint.textContent = [partsText(work), hint(work) || (this.tags ? untaggedText(work) : "")].filter(Boolean).join(" · ");
    this.others.textContent = work.others.length ? `also open: ${work.others.join(", ")}` : "";
    this.comment.textContent = work.comment;
    this.comment.hidden = !work.comment;
  }
}

// What is asked, where that is not all.
function partsText(work) {
  if (!work.parts) return "";
  const { asked, all } = countAsked(work);
  return `asked: ${asked.toLocaleString("en")} of ${all.toLocaleString("en")} words, the others are grey`;
}

function hint(work) {
  if (work.asked) return `Is this ${work.asked.label}? accept: yes, reject: no`;
  if (work.seen && work.seen < work.text.length) return `looked at up to ${Math.round((100 * work.seen) / work.text.length)} %`;
  if (work.charMode) return "character mode: spans keep the exact characters";
  const proposed = work.spans.filter((span) => span.proposed).length;
  if (proposed) return `${proposed} proposed from an equal string: look at ${proposed === 1 ? "it" : "them"}`;
  if (work.provisional && work.tokensFailed) return "tokens cannot be prepared, see where spanloop runs: words instead";
  if (work.provisional) return "tokens are being prepared: words for now";
  return "";
}

function part(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}
