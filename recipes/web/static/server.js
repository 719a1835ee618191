// Talking to the server. Every request says in which session this page works: {project, annotator, mode}. Every failure is
// an Error with `status` (0: the server cannot be reached) and `reason`, what the server says for pages.

export const client = (() => {
  const kept = sessionStorage.getItem("spanloop.client");
  const name = kept ?? crypto.randomUUID();
  sessionStorage.setItem("spanloop.client", name);
  return name;
})();

// Refused because the server is another one, or somebody else is signed in: once that is mended it will be taken.
export const OF_SESSION = new Set(["project", "annotator", "mode", "split", "full"]);

let session = {};

export function workIn(current) {
  session = current;
}

export function get(path, parameters = {}) {
  const query = new URLSearchParams({ ...session, ...parameters }).toString();
  return ask(query ? `${path}?${query}` : path, {});
}

// What `body` says of its session goes before the page's own.
export function post(path, body) {
  return ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ ...session, ...body }) });
}

// Sent even while the page is closing.
export function farewell(path, body) {
  const options = { method: "POST", keepalive: true, headers: { "content-type": "application/json" } };
  fetch(path, { ...options, body: JSON.stringify({ ...session, ...body }) }).catch(() => {});
}

// Whether the server is not there, or nobody is signed in: it is sent again by itself.
export function isAway({ status }) {
  return !(status >= 400 && status < 500) || [401, 408, 421, 429].includes(status);
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, signal: AbortSignal.timeout(15000) });
  } catch {
    throw failure("the server cannot be reached", 0);
  }
  let body;
  try {
    body = await response.json();
  } catch {
    throw failure("the server answered with something else than JSON", response.ok ? 0 : response.status);
  }
  if (!response.ok) throw failure(body.error ?? response.statusText, response.status, body.reason);
  return body;
}

function failure(message, status, reason = "") {
  return Object.assign(new Error(message), { status, reason });
}
