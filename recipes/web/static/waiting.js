// What waits in this browser: how much, for whom, why, and how to keep it. Answers and drafts of another person, another
// mode or another project wait here too, and none of them goes before it is stored or a person throws it away.

import { button, close, element, isOpen, paragraph, show } from "./dialogs.js";
import * as kept from "./kept.js";
import { say } from "./status.js";

const OPTIONS = {
  ordinary: "",
  blind: " --blind",
  review: " --review",
  "blind review": " --review --blind",
  "yes/no review": " --review --view binary --only LABEL",
};
const SHOWN = 50;

// For the status: what waits here for other sessions than this one.
export function othersHere(session) {
  const others = kept.all(session);
  if (!others.length) return { state: "saved" };
  const names = new Set(others.map(({ body }) => (session && body?.project === session.project && body.annotator !== session.annotator ? body.annotator : null)));
  const [name] = names;
  const whose = names.size === 1 && name ? ` for ${name}` : "";
  return { state: "elsewhere", text: `${counted(others)} ${others.length === 1 ? "waits" : "wait"}${whose}` };
}

export function showWaiting(page) {
  const { project } = page;
  const unkept = [...(page.outbox?.unkept ?? [])].map(([key, body]) => ({ key, kind: "answer", body }));
  const groups = Map.groupBy([...kept.all(), ...unkept], (entry) => groupOf(page, entry));
  const own = ([{ body }]) => Boolean(project && body && kept.prefix("", body) === kept.prefix("", project.session));
  const ordered = [...groups.values()].sort((one, other) => own(other) - own(one));
  const sections = ordered.map((entries) => section(page, entries));
  const none = sections.length ? [] : [paragraph("Nothing waits here.")];
  const about = paragraph("This browser keeps what no server has stored yet. It goes when it is stored, and not before.");
  const body = element("div", "waiting");
  body.append(about, ...none, ...sections, ...(project ? [fromFile(page)] : []));
  show("Not saved yet", body);
}

// Entries of one session, those that were refused apart.
function groupOf(page, { key, body }) {
  return body ? JSON.stringify([kept.prefix("", body), Boolean(whyRefused(page, key))]) : "unreadable";
}

function whyRefused(page, key) {
  return page.outbox?.refused.get(key) ?? page.drafts?.refused.get(key);
}

function section(page, entries) {
  const { body } = entries[0];
  const part = element("section");
  const heading = element("h3");
  heading.textContent = body ? `${body.annotator}: ${counted(entries)}` : `Not readable: ${counted(entries)}`;
  part.append(heading);
  const refused = entries.some(({ key }) => whyRefused(page, key));
  if (body && refused) part.append(refusals(page, entries));
  else part.append(paragraph(outlook(page.project, body)), documents(entries));
  part.append(actions(page, entries));
  return part;
}

// What has to happen for these to be stored.
function outlook(project, body) {
  if (!body) return "This is no answer that this page knows. Save it as a file before you throw it away.";
  if (!project) return "This is sent by itself when the page is open again.";
  const here = project.session;
  if (body.project !== here.project) return `This belongs to the project “${body.project_name ?? "?"}”, and is sent when its page is open at this address (${location.host}).`;
  if (body.annotator !== here.annotator) {
    const how = project.named ? `open ${body.annotator}'s link in this browser` : `start the page with “spanloop correct DB --annotator ${body.annotator}”`;
    return `You are ${here.annotator} here. This is sent when ${body.annotator} is: ${how}.`;
  }
  if (body.mode !== here.mode) return `This was done on a page of “spanloop correct DB${OPTIONS[body.mode] ?? ""}”, and is sent when such a page is open at this address.`;
  return "This is sent by itself as soon as the server takes it.";
}

function documents(entries) {
  return list(entries, ({ kind, body }) => [body ? named(kind, body) : "?"]);
}

function refusals(page, entries) {
  return list(entries, ({ key, kind, body }) => {
    const { message, reason } = whyRefused(page, key);
    const again = kind === "answer" && ["label", ""].includes(reason);
    const hint = reason === "label" ? " Reload the page for today's labels, then give the answer anew." : "";
    const takeUp = button("Open it to answer anew", () => giveAnew(page, key, body));
    return [`${named(kind, body)}: ${message}.${hint} `, ...(again ? [takeUp] : [])];
  });
}

function named(kind, body) {
  return `${kind === "draft" ? "unfinished " : ""}${body.document_key}`;
}

async function giveAnew(page, key, answer) {
  close();
  if (!(await page.sheets.takeUp(answer))) return;
  const keys = page.outbox.takenUp.get(answer.document_id) ?? [];
  page.outbox.takenUp.set(answer.document_id, [...keys, key]);
  say("These are the spans of the answer that was refused. It is kept until the new one is stored.");
}

function list(entries, describe) {
  const items = entries.slice(0, SHOWN).map((entry) => {
    const item = element("li");
    item.append(...describe(entry));
    return item;
  });
  if (entries.length > SHOWN) items.push(element("li")), (items.at(-1).textContent = `and ${entries.length - SHOWN} more`);
  const ul = element("ul");
  ul.append(...items);
  return ul;
}

// Save these as a file; only what is in a file can then be thrown away.
function actions(page, entries) {
  const foot = element("div", "choices");
  const away = button("Throw them away here", () => {
    const keys = entries.map(({ key }) => key);
    if (page.outbox) page.outbox.discard(keys), page.drafts.discard(keys);
    else keys.forEach((key) => localStorage.removeItem(key));
    refresh(page);
  });
  away.hidden = true;
  const save = button("Save as a file", () => {
    download(entries);
    away.hidden = false;
  });
  foot.append(save, away);
  return foot;
}

function download(entries) {
  const link = document.createElement("a");
  const { body } = entries[0];
  const name = (body ? `${body.annotator}-${body.mode}` : "unreadable").replaceAll(/[^\p{L}\p{N}-]+/gu, "-");
  link.href = URL.createObjectURL(kept.asFile(entries));
  link.download = `spanloop-${name}-${new Date().toISOString().slice(0, 10)}.jsonl`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// The way back: a file that was saved here or in another browser.
function fromFile(page) {
  const label = element("label");
  const input = element("input");
  const said = element("span");
  said.setAttribute("role", "status");
  input.type = "file";
  input.accept = ".jsonl";
  input.addEventListener("change", async () => {
    try {
      const count = kept.fromFile(await input.files[0].text());
      say(`${count} from the file: each is sent as the one who gave it.`);
      page.drafts.tryAgain();
      page.outbox.tryAgain();
      refresh(page);
    } catch (error) {
      said.textContent = ` ${error.message}`;
    }
  });
  label.append("Send what was saved as a file: ", input, said);
  return label;
}

function refresh(page) {
  page.status.tell("others", othersHere(page.project?.session ?? null));
  if (isOpen()) showWaiting(page);
}

function counted(entries) {
  const drafts = entries.filter(({ kind }) => kind === "draft").length;
  const answers = entries.length - drafts;
  return [answers && `${answers} ${answers === 1 ? "answer" : "answers"}`, drafts && `${drafts} ${drafts === 1 ? "draft" : "drafts"}`].filter(Boolean).join(" and ");
}
