// One document of the list: the characters around what was found, and how the document stands.

import { button, element } from "./dialogs.js";

const SOURCES = { import: "a file", review: "a review", simulated: "a simulation", machine: "a machine" };

// `here`: it is the one that was opened last; `chosen()` is called when it is to be opened.
export function item(hit, here, chosen) {
  const pick = button("", chosen);
  pick.className = "hit";
  pick.dataset.document = hit.id;
  if (here) pick.setAttribute("aria-current", "true");
  const text = element("span", "excerpt");
  text.append(...hit.pieces.map(([piece, found]) => (found ? mark(piece) : piece)));
  const state = element("span", "state");
  state.append(...states(hit).map(([kind, said]) => tag(kind, said)));
  pick.append(text, state);
  const entry = element("li");
  entry.append(pick);
  return entry;
}

function states({ state, answered_by: people, flagged_by: flags, review, source, others }) {
  const by = people.length ? ` by ${people.join(", ")}` : "";
  const from = SOURCES[source] ? `, gold from ${SOURCES[source]}` : "";
  const said = {
    open: by || from ? `open, answered${by}${from}` : "open",
    answered: `answered${by}${from}`,
    conflict: `conflict between ${people.join(", ")}`,
    rejected: `rejected${by}`,
    ignored: `set aside${by}`,
  }[state];
  return [
    [state, said],
    ...(flags.length ? [["flagged", `⚑ flagged by ${flags.join(", ")}`]] : []),
    ...(review ? [["review", "waits for review"]] : []),
    ...(others.length ? [["others", `in hand: ${others.join(", ")}`]] : []),
  ];
}

function mark(text) {
  const found = element("mark");
  found.textContent = text;
  return found;
}

function tag(kind, text) {
  const said = element("span", `tag ${kind}`);
  said.textContent = text;
  return said;
}
