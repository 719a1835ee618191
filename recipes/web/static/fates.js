// What becomes of each suggestion if the spans are left as they are: the rule of recipes/settle.py, which judges the answer;
// tests/browser/test_fates.py holds the two together. Knows no page.

const key = ({ start, end, label }) => `${start}-${end} ${label}`;

const inOrder = (a, b) => a.start - b.start || a.end - b.end;

// The suggestion that each span stands for, as a Map; spans without one were added. Suggestions lie apart.
export function fates(spans, suggestions) {
  const left = new Map([...suggestions].sort(inOrder).map((suggestion) => [key(suggestion), suggestion]));
  const found = new Map();
  for (const span of spans) {
    const same = left.get(key(span));
    if (same && left.delete(key(span))) found.set(span, same);
  }
  const used = new Set();
  for (const { span, near } of pairs(spans.filter((span) => !found.has(span)).sort(inOrder), [...left.values()])) {
    if (found.has(span) || used.has(near)) continue;
    found.set(span, near);
    used.add(near);
  }
  return found;
}

// The pairs that share characters, those that share most first, then those of one label, then the first in the text.
function pairs(spans, suggestions) {
  const found = [];
  let first = 0;
  for (const span of spans) {
    while (first < suggestions.length && suggestions[first].end <= span.start) first += 1;
    for (let at = first; at < suggestions.length && suggestions[at].start < span.end; at += 1) {
      const near = suggestions[at];
      const shared = Math.min(span.end, near.end) - Math.max(span.start, near.start);
      found.push({ span, near, shared, other: Number(span.label !== near.label), at });
    }
  }
  return found.sort((a, b) => b.shared - a.shared || a.other - b.other || a.at - b.at);
}
