// The mouse on a paper: drag or double-click to add a span, click to select one or to place the cursor, drag an edge.
// A finger: tap to select a span or a word, drag on from the chosen word to take in more, drag an edge; elsewhere it scrolls.

import * as hands from "./hands.js";

// `page.add(card, start, end)` puts a span, `page.changed(card)` draws it, `page.pointing` hears of a mouse without a button.
export function listen(card, page) {
  const { root } = card.paper;
  root.addEventListener("pointermove", (event) => page.pointing.moved(card, event));
  root.addEventListener("pointerleave", (event) => event.buttons || page.pointing.leave());
  let onEdge = false;
  let byTouch = false;
  root.addEventListener("pointerdown", (event) => {
    onEdge = Boolean(event.target.dataset?.edge);
    byTouch = event.pointerType === "touch";
    if (onEdge) dragEdge(card, page, event.target.dataset.edge);
    else if (event.pointerType === "touch" && event.target.closest?.(".token.cursor")) dragCursor(card, page);
  });
  // touch-action knows no inline elements: this keeps the finger on the chosen word from scrolling
  root.addEventListener("touchstart", (event) => event.target.closest?.(".token.cursor") && event.preventDefault(), { passive: false });
  // with shift the browser would select from a caret that nobody sees
  root.addEventListener("mousedown", (event) => (onEdge || event.shiftKey) && event.preventDefault());
  root.addEventListener("mousedown", (event) => {
    if (event.button !== 0 || onEdge) return;
    dropSelection(); // the browser itself lets go of an older one only after the button is up: it would be taken for this one
    document.addEventListener("mouseup", (up) => released(card, page, up, byTouch), { once: true });
  });
  root.addEventListener("dblclick", (event) => doubleClicked(card, page, event));
}

function released(card, page, event, byTouch) {
  if (event.detail > 1) return; // the second half of a double-click, which has its own event
  // a finger drags no selection: the word that the browser may select on a tap is not meant
  const range = event.shiftKey || byTouch ? null : selectedRange(card);
  if (range) {
    getSelection().removeAllRanges();
    page.add(card, range.start, range.end);
    return;
  }
  const token = event.target.closest?.("[data-token]");
  if (!token) {
    hands.letGo(card.work);
  } else {
    hands.placeCursor(card.work, Number(token.dataset.token), { extend: event.shiftKey });
  }
  page.changed(card);
}

// One edge of the selected span follows the mouse from token to token; all of it is one step for undo.
function dragEdge(card, page, edge) {
  const { work } = card;
  const { id } = work.span(work.selected);
  const before = work.position;
  const follow = (event) => {
    const offset = card.paper.offsetAt(event.clientX, event.clientY);
    if (offset === null) return;
    if (work.position > before) work.undo();
    const span = work.span(id);
    if (!span) return; // a key has deleted it meanwhile
    hands.setEdge(work, span, edge, work.charMode ? offset : tokenEdge(work, edge, offset));
    hands.select(work, span);
    card.update();
  };
  card.paper.root.classList.add("dragging"); // the ends themselves must not hide the text from the pointer
  untilReleased(follow, () => {
    card.paper.root.classList.remove("dragging");
    page.edited(work.position !== before);
  });
}

// A finger on the chosen word takes in the words that it goes over.
function dragCursor(card, page) {
  const { work } = card;
  const follow = (event) => {
    const offset = card.paper.offsetAt(event.clientX, event.clientY);
    const token = offset === null ? work.tokenCount : work.tokenAt(offset);
    if (token >= work.tokenCount || token === work.cursor?.head) return;
    hands.placeCursor(work, token, { extend: true });
    page.changed(card);
  };
  untilReleased(follow, () => {});
}

function untilReleased(follow, released) {
  const release = () => {
    document.removeEventListener("pointermove", follow);
    document.removeEventListener("pointerup", release);
    document.removeEventListener("pointercancel", release);
    released();
  };
  document.addEventListener("pointermove", follow);
  document.addEventListener("pointerup", release);
  document.addEventListener("pointercancel", release);
}

function tokenEdge(work, edge, offset) {
  const token = Math.min(work.tokenCount - 1, work.tokenAt(edge === "start" ? offset : Math.max(0, offset - 1)));
  return edge === "start" ? work.tokenStart(token) : work.tokenEnd(token);
}

function doubleClicked(card, page, event) {
  getSelection().removeAllRanges();
  const token = event.target.closest?.("[data-token]");
  if (!token) return;
  const offset = Number(token.dataset.start);
  if (card.work.spanAt(offset)) return;
  const { work } = card;
  const place = work.tokenAt(offset);
  hands.letGo(work);
  page.add(card, work.tokenStart(place), work.tokenEnd(place));
}

// The browser's own selection of text goes: the hands are on something else.
export function dropSelection() {
  if (hasSelection()) getSelection().removeAllRanges();
}

export function hasSelection() {
  const { isCollapsed, anchorNode } = getSelection();
  return !isCollapsed && Boolean(anchorNode?.parentElement?.closest(".card"));
}

// What the browser's own selection covers in this card, as code points, or null.
export function selectedRange(card) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const start = card.paper.offsetOf(range.startContainer, range.startOffset);
  const end = card.paper.offsetOf(range.endContainer, range.endOffset);
  if (start === null && end === null) return null;
  const whole = { start: start ?? 0, end: end ?? card.work.text.length };
  return whole.start < whole.end ? whole : null;
}
