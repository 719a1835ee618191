// The one dialog: keys, instructions, earlier answers, a comment, a label to find. The list of documents is in listing.js.

import { COMMANDS, shownKey } from "./keys.js";
import { render } from "./markdown.js";

export const LISTED_ANSWERS = 200;
const dialog = document.getElementById("dialog");
const title = document.getElementById("dialog-title");
const body = document.getElementById("dialog-body");

let onClose = null; // what a dialog still does when it goes, however it goes

export function show(heading, ...content) {
  left();
  title.textContent = heading;
  body.replaceChildren(...content);
  dialog.returnValue = "";
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

export function isOpen() {
  return dialog.open;
}

export function close() {
  dialog.close();
  left();
  // the browser itself takes the focus out with the next frame: a Tab or a Space before that would be lost
  if (dialog.contains(document.activeElement)) document.activeElement.blur();
}

// Called when the dialog goes, by whatever way.
function left() {
  const then = onClose;
  onClose = null;
  then?.();
}

dialog.addEventListener("close", left);

export function help(keymap, labels, showWaiting, changeKeys) {
  const groups = Map.groupBy(Object.entries(COMMANDS), ([, command]) => command.group);
  const tables = [...groups].map(([group, commands]) => {
    const rows = commands.filter(([name]) => keymap.keys[name].length).map(([name, { text }]) => [keymap.keys[name].map(shownKey), text]);
    return table(group, rows);
  });
  const names = labels.all.map((label, place) => [[labels.keyName(place) || "l"], named(label)]);
  show("Keys", columns([...tables, table("Label keys", names)]), legend(), button("Change keys", changeKeys), " ", button("What waits in this browser", showWaiting));
}

function named(label) {
  return label.description ? `${label.name}: ${label.description}` : label.name;
}

export function instructions(source, advice) {
  const article = document.createElement("article");
  article.append(source.trim() ? render(source) : "This project has no instructions yet: spanloop init --instructions FILE.md.");
  show("Instructions", article, ...(advice.length ? [howFar(advice)] : []));
}

// Whether to annotate on: a sentence each.
function howFar(advice) {
  const section = element("section", "advice");
  const heading = element("h3");
  heading.textContent = "When to stop";
  const list = element("ul");
  for (const line of advice) list.append(Object.assign(element("li"), { textContent: line }));
  section.append(heading, list);
  return section;
}

// Earlier answers; `open(id)` brings one back.
export function answers(list, open) {
  const items = list.map((answer) => {
    const button = element("button", "earlier");
    button.type = "button";
    const verdict = element("b");
    verdict.textContent = `${answer.answer}${answer.flagged ? " ⚑" : ""}`;
    const spans = answer.spans.length === 1 ? "1 span" : `${answer.spans.length} spans`;
    button.append(verdict, ` ${answer.text.slice(0, 90)} (${spans})`);
    button.addEventListener("click", () => {
      close();
      open(answer.id);
    });
    const item = element("li");
    item.append(button);
    return item;
  });
  const ol = element("ol", "answers");
  ol.append(...items);
  const older = list.length < LISTED_ANSWERS ? [] : [paragraph("Older ones are found by their text, with “/”.")];
  show("Your answers, newest first", ...(items.length ? [ol, ...older] : [paragraph("None yet.")]));
}

// A line or two of text; `done(text)` gets what was typed, whichever way the dialog is left.
export function comment(text, done) {
  const area = element("textarea");
  area.value = text;
  area.rows = 4;
  area.setAttribute("aria-label", "Comment");
  const finish = button("Keep the comment", close);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      finish.click();
    }
  });
  show("Comment", area, finish);
  onClose = () => done(area.value.trim());
  area.focus();
}

// Type a part of a label's name, Enter takes the first.
export function findLabel(labels, choose) {
  const input = element("input");
  input.setAttribute("aria-label", "Part of the label's name");
  input.autocomplete = "off";
  const list = element("ul", "found");
  let found = [];
  const refresh = () => {
    found = matching(labels.all, input.value);
    list.replaceChildren(
      ...found.map((label) => {
        const item = element("li");
        const pick = button(named(label), () => take(label));
        pick.classList.add("label", labels.className(label.name));
        item.append(pick);
        return item;
      }),
    );
  };
  const take = (label) => {
    close();
    choose(label.name);
  };
  input.addEventListener("input", refresh);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      if (found.length) take(found[0]);
    }
  });
  refresh();
  show("Find a label", input, list);
  input.focus();
}

// Names that begin with what was typed before names that hold it, before those that hold its letters in order.
function matching(all, typed) {
  const query = typed.trim().toLowerCase();
  const rank = ({ name }) => {
    const lower = name.toLowerCase();
    if (lower.startsWith(query)) return 0;
    if (lower.includes(query)) return 1;
    let at = -1;
    return [...query].every((letter) => (at = lower.indexOf(letter, at + 1)) >= 0) ? 2 : 3;
  };
  return all.filter((label) => rank(label) < 3).sort((a, b) => rank(a) - rank(b));
}

function legend() {
  return paragraph(
    "The fainter a suggestion, the less sure the model; a dashed line marks the unsure ones. + added by you, ~ changed by you, = from an equal string elsewhere.",
  );
}

function table(caption, rows) {
  const result = element("table");
  result.createCaption().textContent = caption;
  for (const [keys, text] of rows) {
    const row = result.insertRow();
    const cell = row.insertCell();
    for (const key of keys) {
      const kbd = element("kbd");
      kbd.textContent = key;
      cell.append(kbd, " ");
    }
    row.insertCell().textContent = text;
  }
  return result;
}

function columns(children) {
  const div = element("div", "columns");
  div.append(...children);
  return div;
}

export function paragraph(text) {
  const p = element("p");
  p.textContent = text;
  return p;
}

export function button(text, click) {
  const result = element("button");
  result.type = "button";
  result.textContent = text;
  result.addEventListener("click", click);
  return result;
}

export function element(tag, className = "") {
  const result = document.createElement(tag);
  if (className) result.className = className;
  return result;
}
