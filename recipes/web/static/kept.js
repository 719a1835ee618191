// What this browser keeps until a server has it: answers and drafts, each under the project, the person and the mode it
// was done in. Nothing else in this page writes such entries, and none goes before the server has it or a person says so.

const KINDS = ["answer", "draft"];

// Where entries of a session, {project, annotator, mode}, begin: no name can be made to look like another one's.
export function prefix(kind, { project, annotator, mode }) {
  return ["spanloop", kind, ...[project, mode, annotator].map(escaped), ""].join(".");
}

function escaped(text) {
  return encodeURIComponent(String(text)).replaceAll(".", "%2E");
}

// The key of an answer sorts by its moment; a draft has one a document.
export function keyOf(kind, body, moment = 0) {
  const name = kind === "draft" ? body.document_id : `${String(moment).padStart(15, "0")}.${body.uuid}`;
  return prefix(kind, body) + name;
}

export function keysWith(start) {
  return Object.keys(localStorage).filter((key) => key.startsWith(start)).sort();
}

// The body kept under a key, null if another window has sent it meanwhile, or it is none of ours.
export function read(key) {
  try {
    const body = JSON.parse(localStorage.getItem(key));
    return typeof body?.annotator === "string" ? body : null;
  } catch {
    return null;
  }
}

// Every entry of every project, person and mode: {key, kind, body, raw}; `body` is null where it cannot be read.
// With a session, those of all others.
export function all(session = null) {
  return KINDS.flatMap((kind) => {
    const own = session && prefix(kind, session);
    const keys = keysWith(`spanloop.${kind}.`).filter((key) => !own || !key.startsWith(own));
    return keys.map((key) => ({ key, kind, body: read(key), raw: localStorage.getItem(key) }));
  });
}

// One line of JSON an entry: what is kept, whole.
export function asFile(entries) {
  const lines = entries.map(({ kind, body, raw }) => (body ? JSON.stringify({ kind, ...body }) : raw));
  return new Blob([lines.join("\n") + "\n"], { type: "application/jsonl" });
}

// Keep the entries of such a file again, to be sent like those made here; how many. An Error names a wrong line.
export function fromFile(text) {
  const lines = text.split("\n").map((line, place) => [line, place + 1]).filter(([line]) => line.trim());
  const entries = lines.map(([line, number]) => {
    const entry = parsed(line);
    if (!entry) throw new Error(`line ${number} is no answer or draft of this page`);
    return entry;
  });
  entries.forEach(({ kind, ...body }, place) => localStorage.setItem(keyOf(kind, body, Date.now() + place), JSON.stringify(body)));
  return entries.length;
}

function parsed(line) {
  try {
    const entry = JSON.parse(line);
    const strings = [entry.project, entry.annotator, entry.mode, entry.document_key, entry.kind === "answer" ? entry.uuid : ""];
    return KINDS.includes(entry.kind) && strings.every((text) => typeof text === "string") ? entry : null;
  } catch {
    return null;
  }
}
