// What each command of keys.js does. A command that returns false had nothing to act on: the browser may have the key.

import * as dialogs from "./dialogs.js";
import * as hands from "./hands.js";
import { changeKeys } from "./keying.js";
import { Listing } from "./listing.js";
import { get } from "./server.js";
import { showWaiting } from "./waiting.js";

// The commands of `page` by name.
export function commands(page) {
  const { sheets, answers, edits } = page;
  return {
    accept: () => answers.answer("accept"),
    accept_sheet: () => answers.answerSheet(),
    accept_to: () => answers.answerTo(),
    reject: () => answers.answer("reject"),
    ignore: () => answers.answer("ignore"),
    back: () => answers.back(),
    nothing: () => answers.nothing(),
    flag: () =>
      edits.change((work) => {
        work.flagged = !work.flagged;
      }),
    comment: () =>
      sheets.active &&
      dialogs.comment(sheets.active.work.comment, (text) => edits.comment(text)),
    save: () => {
      page.drafts.tryAgain();
      page.outbox.tryAgain();
    },
    next_span: () => edits.toSpan(1),
    previous_span: () => edits.toSpan(-1),
    next_unsure: () => edits.toSpan(1, (work, span) => edits.isUnsure(work, span)),
    next_token: () => edits.move((work) => hands.moveCursor(work, 1)),
    previous_token: () => edits.move((work) => hands.moveCursor(work, -1)),
    line_down: () => edits.moveLine(1),
    line_up: () => edits.moveLine(-1),
    first_token: () => edits.move((work) => hands.placeCursor(work, 0)),
    last_token: () => edits.move((work) => hands.placeCursor(work, work.tokenCount - 1)),
    extend_right: () => edits.extend(1),
    extend_left: () => edits.extend(-1),
    find: () => {
      new Listing(page, { jump: (span) => edits.jump(span), open: (id, text) => sheets.openAnswer(id, text) });
    },
    next_document: () => sheets.moveDocument(1),
    previous_document: () => sheets.moveDocument(-1),
    clear: () => edits.move((work) => hands.letGo(work)),
    start_left: () => edits.changeSpan((work, span) => hands.moveEdge(work, span, "start", -1)),
    start_right: () => edits.changeSpan((work, span) => hands.moveEdge(work, span, "start", 1)),
    end_left: () => edits.changeSpan((work, span) => hands.moveEdge(work, span, "end", -1)),
    end_right: () => edits.changeSpan((work, span) => hands.moveEdge(work, span, "end", 1)),
    delete: () => edits.changeSpan((work, span) => hands.remove(work, span)),
    split: () => edits.changeSpan((work, span) => hands.split(work, span)),
    merge: () => edits.changeSpan((work, span) => hands.merge(work, span)),
    same: () => edits.same(),
    undo: () => edits.change((work) => hands.undo(work)),
    redo: () => edits.change((work) => hands.redo(work)),
    find_label: () => dialogs.findLabel(page.labels, (name) => edits.choose(name)),
    characters: () => {
      if (!sheets.active) return;
      sheets.active.work.charMode = !sheets.active.work.charMode;
      edits.changed(sheets.active);
    },
    instructions: () => dialogs.instructions(page.project.instructions, page.project.advice),
    answers: async () => dialogs.answers((await get("/api/answers", { n: dialogs.LISTED_ANSWERS })).answers, (id) => sheets.openAnswer(id)),
    waiting: () => showWaiting(page),
    help: () => dialogs.help(page.keymap, page.labels, () => showWaiting(page), () => changeKeys(page)),
    theme: () => turnTheme(),
    point: () => edits.pointing.turn(),
    stack: () => sheets.turnStack(),
  };
}

// In yes/no mode there is nothing to edit.
export const ON_QUESTIONS = new Set([
  "accept", "accept_sheet", "reject", "ignore", "back", "next_document", "previous_document", "flag", "comment", "save",
  "instructions", "answers", "find", "help", "theme", "stack", "waiting",
]);

function turnTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("spanloop.theme", next);
}
