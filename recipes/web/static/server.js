// Talking to the server. Every failure is an Error with `status` (0: the server cannot be reached).

export const client = (() => {
  const kept = sessionStorage.getItem("spanloop.client");
  const name = kept ?? crypto.randomUUID();
  sessionStorage.setItem("spanloop.client", name);
  return name;
})();

export function get(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  return ask(query ? `${path}?${query}` : path, {});
}

export function post(path, body) {
  return ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

// Sent even while the page is closing.
export function farewell(path, body) {
  const options = { method: "POST", keepalive: true, headers: { "content-type": "application/json" } };
  fetch(path, { ...options, body: JSON.stringify(body) }).catch(() => {});
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
  if (!response.ok) throw failure(body.error ?? response.statusText, response.status);
  return body;
}

function failure(message, status) {
  return Object.assign(new Error(message), { status });
}
