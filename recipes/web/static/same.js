// The same string elsewhere: in this document, in those this page holds already, and in the open ones of the store; all
// listed, each with a box, before anything is done. What lies in other documents waits there as proposals.

import { button, close, element, paragraph, show } from "./dialogs.js";
import * as hands from "./hands.js";
import { client, get, post } from "./server.js";
import { say } from "./status.js";

const CONTEXT = 30;

export function sameElsewhere(page, card, span) {
  const text = card.work.text.slice(span.start, span.end);
  const { label } = span;
  const held = heldWorks(page.sheets).filter((work) => work !== card.work);
  const list = new Confirming();
  const here = list.group("In this document", localPlaces(card.work, text, label));
  const onlyHere = button("Apply in this document", () => finish([]));
  const everywhere = button("Apply in all of them", () => finish(list.chosen().filter((place) => !here.includes(place))));
  everywhere.hidden = true;
  onlyHere.hidden = !here.length;
  const state = paragraph("Looking in the other open documents …");
  state.setAttribute("role", "status");
  const foot = element("div", "actions");
  foot.append(state, onlyHere, " ", everywhere);
  show(`“${text}” as ${label}`, list.element, foot);
  onlyHere.focus();

  const finish = (others) => {
    close();
    const chosen = list.chosen().filter((place) => here.includes(place));
    hands.putAll(card.work, chosen, label);
    page.edits.edited(chosen.length > 0);
    if (others.length) proposeIn(page, text, label, others);
  };
  const found = held.flatMap((work) => localPlaces(work, text, label));
  get("/api/same", { text, label_id: page.labels.ids.get(label), client })
    .then((reply) => {
      const known = new Set(heldWorks(page.sheets).map((work) => work.id));
      const others = [...found, ...reply.places.filter((place) => !known.has(place.document_id))];
      list.group(`In ${documents(others)} that ${others.length === 1 ? "is" : "are"} still open`, others);
      state.textContent = told(others, reply);
      everywhere.hidden = !others.length;
      if (!here.length && others.length && document.activeElement !== everywhere) everywhere.focus();
    })
    .catch((error) => (state.textContent = `The other documents could not be searched: ${error.message}.`));
}

// What this page shows or has fetched, unanswered.
function heldWorks(sheets) {
  return [...sheets.all.flat().map((card) => card.work), ...sheets.ahead].filter((work) => !work.answered && !work.asked);
}

function localPlaces(work, text, label) {
  return hands.samePlaces(work, text, label).map((place) => ({
    ...place,
    work,
    document_id: work.id,
    before: work.text.slice(Math.max(0, place.start - CONTEXT), place.start),
    text,
    after: work.text.slice(place.end, Math.min(work.text.length, place.end + CONTEXT)),
  }));
}

function told(others, reply) {
  const said = others.length
    ? ["There they wait as proposals, marked =, until you answer those documents; undo takes them out."]
    : ["No other open document has these characters as whole tokens without this label."];
  if (reply.more) said.push("These are the first ones only: apply them, then look again.");
  if (reply.in_other_hands) said.push(`Left out, in other hands now: ${count(reply.in_other_hands, "document")}.`);
  if (reply.unindexed) said.push(`Looked through without the search index: ${count(reply.unindexed, "document")}.`);
  return said.join(" ");
}

// Those on this page are changed here; for the others the server keeps drafts.
async function proposeIn(page, text, label, places) {
  const touched = new Set();
  for (const work of new Set(places.map((place) => place.work).filter(Boolean))) {
    work.propose(places.filter((place) => place.work === work).map(({ start, end }) => ({ start, end, label })));
    page.drafts.keep(work);
    touched.add(work.id);
  }
  page.sheets.redraw();
  const remote = places.filter((place) => !place.work).map(({ document_id, document_key, start, end }) => ({ document_id, document_key, start, end }));
  try {
    const reply = remote.length ? await post("/api/proposals", { text, label_id: page.labels.ids.get(label), places: remote }) : { documents: 0, left_out: 0 };
    const late = reply.left_out ? ` ${count(reply.left_out, "document")} went into other hands meanwhile and ${reply.left_out === 1 ? "was" : "were"} left out.` : "";
    say(`“${text}” waits as ${label}, marked =, in ${count(reply.documents + touched.size, "other document")}.${late}`);
  } catch (error) {
    say(`Nothing was proposed in documents that are not on this page: ${error.message}.`);
  }
}

// Groups of places, each with the words around it and a box to leave it out.
class Confirming {
  constructor() {
    this.element = element("div", "same");
    this.boxes = new Map(); // place -> checkbox
  }

  group(heading, places) {
    if (!places.length) return places;
    const title = element("h3");
    const list = element("ul");
    title.textContent = `${heading}: ${places.length}`;
    list.append(...places.map((place) => this._item(place)));
    this.element.append(title, list);
    return places;
  }

  chosen() {
    return [...this.boxes].filter(([, box]) => box.checked).map(([place]) => place);
  }

  _item(place) {
    const box = element("input");
    box.type = "checkbox";
    box.checked = true;
    this.boxes.set(place, box);
    const strong = element("mark");
    strong.textContent = place.text;
    const label = element("label");
    label.append(box, ` … ${place.before}`, strong, `${place.after} …`);
    if (place.now.length) label.append(note(`now ${place.now.join(", ")}`));
    const item = element("li");
    item.append(label);
    return item;
  }
}

function note(text) {
  const small = element("small");
  small.textContent = ` ${text}`;
  return small;
}

function documents(places) {
  return count(new Set(places.map((place) => place.document_id)).size, "other document");
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
