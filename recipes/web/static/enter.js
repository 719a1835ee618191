// A secret link: says whose it is, asks where somebody else is signed in here or another site led to it, and signs in.
// The address with the secret leaves the history.

const question = document.getElementById("question");
const choices = document.getElementById("choices");
const token = new URLSearchParams(location.search).get("token") ?? "";
const ledHere = document.documentElement.dataset.from === "elsewhere";
const goOn = () => location.replace("/");

try {
  const { annotator, now } = await post({ token });
  if (annotator === now) goOn();
  else if (now !== null || ledHere) ask(annotator, now);
  else await signIn(annotator, now);
} catch (error) {
  question.textContent = `You could not be signed in: ${error.message}.`;
}

function ask(annotator, now) {
  question.textContent = now
    ? `You are signed in here as ${now}. This link is ${annotator}'s: with it, what you answer in this browser is stored as ${annotator}'s.`
    : `This link signs you in as ${annotator}: what you answer in this browser is stored as ${annotator}'s.`;
  const enter = button(`Sign in as ${annotator}`, () => signIn(annotator, now).catch((error) => (question.textContent = error.message)));
  const stay = now ? [button(`Go on as ${now}`, goOn)] : [];
  choices.replaceChildren(...stay, enter);
  choices.firstChild.focus();
}

async function signIn(annotator, now) {
  await post({ token, annotator, now });
  goOn();
}

async function post(body) {
  const response = await fetch("/api/enter", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const reply = await response.json();
  if (!response.ok) throw new Error(reply.error);
  return reply;
}

function button(text, click) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = text;
  element.addEventListener("click", click);
  return element;
}
