// The mouse on a paper: drag or double-click to add a span, click to select one or to place the cursor.

import * as hands from "./hands.js";

// `page.add(card, start, end)` puts a span, `page.changed(card)` draws it.
export function listen(card, page) {
  const { root } = card.paper;
  root.addEventListener("pointerup", (event) => {
    if (event.button === 0) requestAnimationFrame(() => released(card, page, event));
  });
  root.addEventListener("dblclick", (event) => doubleClicked(card, page, event));
}

function released(card, page, event) {
  const range = selectedRange(card);
  if (range) {
    if (event.detail > 1 || event.pointerType === "touch") return; // a double-click has its own event; touch picks a label first
    getSelection().removeAllRanges();
    page.add(card, range.start, range.end);
    return;
  }
  const token = event.target.closest?.("[data-token]");
  if (!token) {
    hands.letGo(card.work);
  } else if (event.detail <= 1) {
    hands.placeCursor(card.work, Number(token.dataset.token), { extend: event.shiftKey });
  }
  page.changed(card);
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
