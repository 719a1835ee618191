// The filters of the list of documents: what can be set, and what is.

import { button, element } from "./dialogs.js";
import { get } from "./server.js";

const STATES = {
  open: "open", answered: "answered", conflict: "in conflict", rejected: "rejected", ignored: "set aside", review: "waits for review",
};
const SOURCES = { human: "people", review: "a review", import: "a file", simulated: "a simulation", machine: "a machine" };
const SURE = {
  "below=0.5": "below 50 %", "below=0.7": "below 70 %", "below=0.9": "below 90 %", "least=0.9": "90 % or more",
};

export class Filters {
  // `chosen` is what was set before; `changed()` is called when that changes.
  constructor(page, chosen, changed) {
    this.changed = changed;
    this.fields = {};
    this.element = element("details", "filters");
    this.summary = element("summary");
    const labels = Object.fromEntries(page.labels.all.map((label) => [label.id, label.name]));
    const grid = element("div", "grid");
    grid.append(
      this._select("state", "State", STATES),
      this._select("label_id", "Label", labels),
      this._select("by", "Answered by", {}),
      this._select("source", "Answer from", SOURCES),
      ...(page.project.blind ? [] : [this._select("sure", "Least sure suggestion", SURE)]),
      this._select("meta", "Meta", {}),
      this._text("value", "… holds"),
      this._box("flagged", "Flagged"),
    );
    this.element.append(this.summary, grid, button("Without filters", () => this._clear()));
    this._set(chosen);
    this._offer(chosen);
  }

  // What is set, as the server is asked for it.
  chosen() {
    const { sure, flagged, ...plain } = this.fields;
    const set = Object.fromEntries(Object.entries(plain).map(([name, field]) => [name, field.value]));
    if (sure?.value) Object.assign(set, Object.fromEntries([sure.value.split("=")]));
    if (flagged.checked) set.flagged = "true";
    if (!set.meta) delete set.value;
    return Object.fromEntries(Object.entries(set).filter(([, value]) => value));
  }

  _set(chosen) {
    for (const [name, field] of Object.entries(this.fields)) field.value = chosen[name] ?? "";
    this.fields.flagged.checked = chosen.flagged === "true";
    const sure = Object.keys(SURE).find((setting) => setting === `below=${chosen.below}` || setting === `least=${chosen.least}`);
    if (this.fields.sure) this.fields.sure.value = sure ?? "";
    this.element.open = Object.keys(chosen).length > 0;
    this._tell();
  }

  // Names and keys come from the server; what is set stays set meanwhile.
  async _offer(chosen) {
    const add = (field, values) => {
      const known = new Set([...field.options].map((option) => option.value));
      field.append(...values.filter((value) => !known.has(value)).map((value) => new Option(value, value)));
    };
    for (const name of ["by", "meta"]) if (chosen[name]) add(this.fields[name], [chosen[name]]);
    this.fields.by.value = chosen.by ?? "";
    this.fields.meta.value = chosen.meta ?? "";
    const { people, keys } = await get("/api/choices").catch(() => ({ people: [], keys: [] }));
    add(this.fields.by, people);
    add(this.fields.meta, keys);
  }

  _clear() {
    this._set({});
    this.element.open = true;
    this.changed();
  }

  _change() {
    this._tell();
    this.changed();
  }

  _tell() {
    const set = Object.keys(this.chosen()).filter((name) => name !== "value").length;
    this.summary.textContent = set ? `Filters: ${set}` : "Filters";
  }

  _select(name, text, choices) {
    const select = element("select");
    select.append(new Option("any", ""), ...Object.entries(choices).map(([value, shown]) => new Option(shown, value)));
    select.addEventListener("change", () => this._change());
    return this._field(name, text, select);
  }

  _text(name, text) {
    const input = element("input");
    input.autocomplete = "off";
    input.maxLength = 200;
    input.addEventListener("change", () => this._change());
    return this._field(name, text, input);
  }

  _box(name, text) {
    const box = element("input");
    box.type = "checkbox";
    box.addEventListener("change", () => this._change());
    return this._field(name, text, box);
  }

  _field(name, text, field) {
    field.name = name;
    this.fields[name] = field;
    const label = element("label", field.type === "checkbox" ? "box" : "");
    label.append(text, " ", field);
    return label;
  }
}
