// Other keys for the commands, chosen on the page: one person's own, kept in this browser over those of the project.

import { button, element, paragraph, show } from "./dialogs.js";
import { COMMANDS, Keymap, shownKey, writtenKey } from "./keys.js";

const MODIFIERS = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "Dead", "Process", "Unidentified"]);

// The keymap of whoever works here.
export function keymapOf(project) {
  return new Keymap({ ...project.keys, ...own(project) });
}

function place({ session }) {
  return `spanloop.keys.${session.project}.${session.annotator}`;
}

function own(project) {
  const kept = localStorage.getItem(place(project));
  return kept ? JSON.parse(kept) : {};
}

// All commands with their keys, each to be given another one.
export function changeKeys(page) {
  const { project } = page;
  const told = paragraph("Choose a command, then press the key that it is to have. Only you have these keys, in this browser.");
  told.setAttribute("role", "status");
  told.className = "told";
  const list = element("div", "keying columns");
  const draw = () => {
    const groups = Map.groupBy(Object.entries(COMMANDS), ([, command]) => command.group);
    list.replaceChildren(...[...groups].map(([group, commands]) => section(group, commands, page.keymap, (name, row) => listen(name, row))));
    standard.disabled = !Object.keys(own(project)).length;
  };
  const keep = (keys, text) => {
    if (keys) localStorage.setItem(place(project), JSON.stringify(keys));
    else localStorage.removeItem(place(project));
    page.setKeys(keymapOf(project));
    told.textContent = text;
    draw();
  };
  const standard = button("All as the project has them", () => keep(null, "All keys are as the project has them."));
  const listen = (name, row) => {
    row.setAttribute("aria-pressed", "true");
    told.textContent = `Press the new key for: ${COMMANDS[name].text}. Esc leaves it as it is.`;
    nextKey((key) => {
      if (key === null) {
        told.textContent = "Nothing was changed.";
        return row.removeAttribute("aria-pressed");
      }
      const { keys, lost } = given(page.keymap, name, key);
      const label = page.labels.all.find((one) => one.key === key);
      const without = lost ? ` It is taken from: ${COMMANDS[lost].text}.` : label ? ` It gives the label ${label.name} no more.` : "";
      keep({ ...own(project), ...keys }, `“${shownKey(key)}” is now: ${COMMANDS[name].text}.${without}`);
      list.querySelector(`[data-command-key="${name}"]`).focus();
    });
  };
  draw();
  show("Change keys", told, list, standard);
  list.querySelector("button").focus();
}

// What changes when `command` gets `key`: its first key; another command that had it goes without.
function given(keymap, command, key) {
  const lost = Object.keys(keymap.keys).find((name) => name !== command && keymap.keys[name].some((one) => one.toLowerCase() === key.toLowerCase()));
  const keys = { [command]: [key, ...keymap.keys[command].slice(1).filter((one) => one !== key)] };
  if (lost) keys[lost] = keymap.keys[lost].filter((one) => one.toLowerCase() !== key.toLowerCase());
  return { keys, lost };
}

// The next key that is pressed is told and does nothing else; null for Escape, or when a pointer goes elsewhere.
function nextKey(told) {
  const end = (key) => {
    removeEventListener("keydown", pressed, true);
    removeEventListener("pointerdown", left, true);
    told(key);
  };
  const pressed = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!MODIFIERS.has(event.key) && !event.isComposing) end(event.key === "Escape" ? null : writtenKey(event));
  };
  const left = () => end(null);
  addEventListener("keydown", pressed, true);
  addEventListener("pointerdown", left, true);
}

function section(group, commands, keymap, chosen) {
  const part = element("section");
  const heading = element("h3");
  heading.textContent = group;
  part.append(heading, ...commands.map(([name, { text }]) => row(name, text, keymap, chosen)));
  return part;
}

function row(name, text, keymap, chosen) {
  const pick = button("", () => chosen(name, pick));
  pick.dataset.commandKey = name;
  const keys = element("span");
  for (const key of keymap.keys[name]) {
    const kbd = element("kbd");
    kbd.textContent = shownKey(key);
    keys.append(kbd, " ");
  }
  if (!keymap.keys[name].length) keys.append("no key ");
  const said = element("span");
  said.textContent = text;
  pick.append(keys, said);
  return pick;
}
