// Which key does what. Prodigy's keys where Prodigy has one; the project may give others ({"accept": ["a", "Enter"]}).
// A key is written as the browser names it, with "ctrl+", "alt+" and "shift+" before it; cmd counts as ctrl.

export const COMMANDS = {
  accept: { keys: ["a"], group: "Answer", text: "accept and go on" },
  accept_sheet: { keys: ["Enter"], group: "Answer", text: "accept everything on the screen and go on" },
  accept_to: { keys: ["p"], group: "Answer", text: "accept up to the cursor; the rest stays open" },
  reject: { keys: ["x"], group: "Answer", text: "reject: this document is unusable" },
  ignore: { keys: [" "], group: "Answer", text: "ignore: not now" },
  back: { keys: ["Backspace"], group: "Answer", text: "take the last step back: an edit, else the last answer" },
  nothing: { keys: ["z"], group: "Answer", text: "no entities here: clear and accept" },
  flag: { keys: ["f"], group: "Answer", text: "flag for later" },
  comment: { keys: ["c"], group: "Answer", text: "write a comment" },
  save: { keys: ["ctrl+s"], group: "Answer", text: "save now (edits are saved by themselves)" },
  next_span: { keys: ["Tab"], group: "Move", text: "next span" },
  previous_span: { keys: ["shift+Tab"], group: "Move", text: "previous span" },
  next_unsure: { keys: ["u"], group: "Move", text: "next unsure suggestion" },
  next_token: { keys: ["ArrowRight"], group: "Move", text: "next token" },
  previous_token: { keys: ["ArrowLeft"], group: "Move", text: "previous token" },
  line_down: { keys: ["ArrowDown"], group: "Move", text: "one line down" },
  line_up: { keys: ["ArrowUp"], group: "Move", text: "one line up" },
  first_token: { keys: ["Home"], group: "Move", text: "first token of the document" },
  last_token: { keys: ["End"], group: "Move", text: "last token of the document" },
  extend_right: { keys: ["shift+ArrowRight"], group: "Move", text: "take in one token more (span: end to the right)" },
  extend_left: { keys: ["shift+ArrowLeft"], group: "Move", text: "take in one token less (span: end to the left)" },
  find: { keys: ["/", "ctrl+k"], group: "Move", text: "the list of documents: find, filter, open" },
  next_document: { keys: ["."], group: "Move", text: "next document, unanswered" },
  previous_document: { keys: [","], group: "Move", text: "document before" },
  clear: { keys: ["Escape"], group: "Move", text: "let go of span and cursor" },
  start_left: { keys: ["q"], group: "Change the span", text: "start one token to the left" },
  start_right: { keys: ["w"], group: "Change the span", text: "start one token to the right" },
  end_left: { keys: ["e"], group: "Change the span", text: "end one token to the left" },
  end_right: { keys: ["r"], group: "Change the span", text: "end one token to the right" },
  delete: { keys: ["d", "Delete"], group: "Change the span", text: "delete" },
  split: { keys: ["s"], group: "Change the span", text: "split before the token with the cursor" },
  merge: { keys: ["m"], group: "Change the span", text: "merge with the next span" },
  same: { keys: ["g"], group: "Change the span", text: "give equal strings the same label" },
  undo: { keys: ["ctrl+z"], group: "Change the span", text: "undo an edit" },
  redo: { keys: ["ctrl+shift+z", "ctrl+y"], group: "Change the span", text: "do it again" },
  find_label: { keys: ["l"], group: "Labels", text: "find a label by typing" },
  characters: { keys: ["v"], group: "Labels", text: "single characters instead of tokens, and back" },
  instructions: { keys: ["h"], group: "Page", text: "the project's instructions" },
  answers: { keys: ["o"], group: "Page", text: "open an earlier answer" },
  point: { keys: [], group: "Page", text: "label keys act on the word under the mouse" },
  stack: { keys: [], group: "Page", text: "one, three, five or ten documents on the screen" },
  theme: { keys: [], group: "Page", text: "light or dark" },
  help: { keys: ["?"], group: "Page", text: "this list" },
};

const NAMES = {
  " ": "space", Backspace: "bksp", Enter: "enter", Escape: "Esc", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓",
  Delete: "Del",
};

export class Keymap {
  // `remapped`: {command: [keys]} from the project.
  constructor(remapped = {}) {
    this.keys = Object.fromEntries(
      Object.entries(COMMANDS).map(([command, { keys }]) => [command, remapped[command] ?? keys]),
    );
    this.commands = new Map(
      Object.entries(this.keys).flatMap(([command, keys]) => keys.map((key) => [key.toLowerCase(), command])),
    );
  }

  command(event) {
    return this.commands.get(chord(event)) ?? this.commands.get(chord(event, true)) ?? null;
  }

  // How the first key of a command is shown to people.
  shown(command) {
    return this.keys[command]?.length ? shownKey(this.keys[command][0]) : "";
  }
}

// The key of an event as keymaps write it; shift is left out where the character says it already ("?", not "shift+?").
export function writtenKey(event) {
  const { key } = event;
  const says = key.length === 1 && key.toLowerCase() === key.toUpperCase();
  const written = key.length === 1 ? key.toLowerCase() : key;
  return `${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${event.altKey ? "alt+" : ""}${event.shiftKey && !says ? "shift+" : ""}${written}`;
}

export function shownKey(key) {
  const parts = key === "+" ? ["+"] : key.split("+");
  return parts.map((part) => NAMES[part] ?? part).join("+");
}

// The event as a key is written; `bare` leaves shift out where the character already says it ("?", "Z").
function chord(event, bare = false) {
  const key = event.key.toLowerCase();
  const shift = event.shiftKey && !bare ? "shift+" : "";
  return `${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${event.altKey ? "alt+" : ""}${shift}${key}`;
}

// The place in the label bar that a key stands for: 1-9 and 0, with shift 11-20; -1 for every other key.
export function labelPlace(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return -1;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  if (digit === undefined || (event.code.startsWith("Numpad") && event.key !== digit)) return -1;
  return (digit === "0" ? 9 : Number(digit) - 1) + (event.shiftKey ? 10 : 0);
}
