// The page: puts the parts together and hands them keys and clicks.

import { Answers } from "./answers.js";
import { Clock } from "./clock.js";
import { commands, ON_QUESTIONS } from "./commands.js";
import * as dialogs from "./dialogs.js";
import { Drafts } from "./drafts.js";
import { Edits } from "./edits.js";
import { keymapOf } from "./keying.js";
import { labelPlace } from "./keys.js";
import { Labels } from "./labels.js";
import { Outbox } from "./outbox.js";
import { closeMenu, keepClear } from "./room.js";
import { client, farewell, get, post, workIn } from "./server.js";
import { Sheets } from "./sheets.js";
import { say, Status } from "./status.js";
import { othersHere, showWaiting } from "./waiting.js";

const HEARTBEAT_MS = 30000;
const MOVES = new Set(["next_span", "previous_span", "next_unsure", "next_token", "previous_token", "line_down", "line_up", "first_token", "last_token", "clear"]);

class Page {
  async start() {
    this.status = new Status(() => showWaiting(this));
    this.status.tell("others", othersHere(null));
    this.project = await get("/api/project");
    workIn(this.project.session);
    document.title = `${this.project.name} · spanloop`;
    document.getElementById("project").textContent = this.project.name;
    document.getElementById("who").textContent = this.project.annotator;
    this.keymap = keymapOf(this.project);
    this.labels = new Labels(this.project);
    this.labels.show(document.getElementById("chips"), (name) => this.edits.choose(name, { goOn: false }));
    keepClear();
    this.status.asking = this.project.view === "binary";
    this.status.figures(this.project.figures);
    this.status.progress(this.project.counts);
    this.drafts = new Drafts(this.project, this.labels, (report) => this._told("drafts", report));
    this.outbox = new Outbox(
      this.project,
      (report) => this._told("answers", report),
      (reply) => {
        this.status.progress(reply.counts);
        if (this.sheets?.ended) this.sheets.showEnd(); // what can come next has changed with the counts
      },
      () => this.drafts.flush(),
    );
    this.clock = new Clock();
    this.sheets = new Sheets(this);
    this.answers = new Answers(this);
    this.edits = new Edits(this);
    this.commands = commands(this);
    this.setKeys(this.keymap);
    this._listen();
    await this.drafts.flush(); // before documents come: with what was begun in an earlier page
    this.outbox.flush();
    await this.sheets.fetchAhead();
  }

  // What waits here for somebody else may have changed too: another window sends and keeps as well.
  _told(part, report) {
    this.status.tell(part, report);
    this.status.tell("others", othersHere(this.project.session));
  }

  // Carry out a command by name; false if it has nothing to act on, so that the browser may have the key.
  run(command) {
    if (this.sheets.active?.work.asked && !ON_QUESTIONS.has(command)) return false;
    const act = this.commands[command];
    return act ? act() !== false : false;
  }

  // Work with these keys from now on, and show them on the buttons.
  setKeys(keymap) {
    this.keymap = keymap;
    for (const key of document.querySelectorAll("[data-command] kbd")) {
      key.textContent = keymap.shown(key.closest("button").dataset.command);
    }
  }

  _listen() {
    document.addEventListener("keydown", (event) => this._keyDown(event));
    for (const button of document.querySelectorAll("[data-command]")) {
      button.addEventListener("click", () => {
        closeMenu();
        this.run(button.dataset.command);
      });
    }
    // A click on a button must not take the keyboard away from the document.
    document.addEventListener("mousedown", (event) => event.target.closest("button") && event.preventDefault());
    for (const kind of ["keydown", "pointerdown", "pointermove", "wheel"]) {
      document.addEventListener(kind, () => this.clock.tick(), { passive: true });
    }
    document.addEventListener("keyup", (event) => this.edits.pointing.release(event.code));
    addEventListener("blur", () => this.edits.pointing.release());
    document.addEventListener("selectionchange", () => this.edits.selecting());
    addEventListener("pagehide", () => {
      farewell("/api/sittings", { client, held: null });
      this.drafts.flush();
    });
    addEventListener("scroll", () => this.sheets.unseen(), { passive: true });
    addEventListener("online", () => this.outbox.retryNow());
    addEventListener("beforeunload", (event) => {
      if (this.outbox.unkept.size) event.preventDefault();
    });
    addEventListener("storage", () => this.outbox.flush());
    setInterval(() => this._beat(), HEARTBEAT_MS);
  }

  // Tell the server that this page lives. Not while documents are on their way: it would forget them.
  _beat() {
    this.drafts.tryAgain();
    this.outbox.tryAgain();
    if (this.sheets.fetching) return;
    post("/api/sittings", { client, held: this.sheets.held() })
      .then((reply) => this.sheets.tellOthers(reply.others))
      .catch(() => {});
  }

  _keyDown(event) {
    if (event.isComposing) return;
    if (dialogs.isOpen()) {
      // at once: the browser's own way takes some milliseconds, in which the next key would be lost
      if (event.key !== "Escape") return;
      event.preventDefault();
      dialogs.close();
      return;
    }
    if (event.key === "Escape" && closeMenu()) return;
    const onControl = event.target.closest?.("button, a, input, textarea, select, summary");
    if (onControl && [" ", "Enter", "Tab"].includes(event.key) && !event.ctrlKey && !event.metaKey) return;
    if (!event.repeat) this.edits.pointing.release();
    const command = this.keymap.command(event);
    if (MOVES.has(command)) this.edits.pointing.forget();
    const label = command === null ? this.labels.byKey(event, labelPlace(event)) : null;
    if (label !== null && !event.repeat) this.edits.chooseByKey(label, event.code);
    if (label !== null || (command !== null && this.run(command))) event.preventDefault();
  }
}

const theme = localStorage.getItem("spanloop.theme");
if (theme) document.documentElement.dataset.theme = theme;

const page = new Page();
try {
  await page.start();
} catch (error) {
  page.status.tell("answers", { state: "saved" });
  say(`The page could not start: ${error.message}. Reload it once the server is there.`);
}
