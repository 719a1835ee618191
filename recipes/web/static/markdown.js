// Instructions: the small part of Markdown that guidelines use, as elements. Text never becomes markup.

// `source` as a document fragment: headings, lists, quotes, code, paragraphs.
export function render(source) {
  const fragment = document.createDocumentFragment();
  for (const block of source.replaceAll("\r\n", "\n").split(/\n{2,}/)) {
    const lines = block.split("\n").filter((line) => line.trim());
    if (lines.length) fragment.append(...blockElements(lines));
  }
  return fragment;
}

function* blockElements(lines) {
  let rest = lines;
  while (rest.length) {
    const heading = /^(#{1,6})\s+(.*)$/.exec(rest[0]);
    if (heading) {
      yield withText(`h${Math.min(6, heading[1].length + 2)}`, heading[2]);
      rest = rest.slice(1);
      continue;
    }
    const kind = kindOf(rest[0]);
    const until = rest.findIndex((line, index) => index > 0 && kindOf(line) !== kind && !/^\s/.test(line));
    const mine = until < 0 ? rest : rest.slice(0, until);
    yield kind === "text" ? withText("p", mine.join(" ")) : list(kind, mine);
    rest = rest.slice(mine.length);
  }
}

function kindOf(line) {
  if (/^\s*[-*+]\s/.test(line)) return "ul";
  if (/^\s*\d+[.)]\s/.test(line)) return "ol";
  return /^#{1,6}\s/.test(line) ? "heading" : "text";
}

function list(kind, lines) {
  const items = [];
  for (const line of lines) {
    const item = /^\s*(?:[-*+]|\d+[.)])\s+(.*)$/.exec(line);
    if (item) items.push(item[1]);
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  const element = document.createElement(kind);
  element.append(...items.map((text) => withText("li", text)));
  return element;
}

function withText(tag, text) {
  const element = document.createElement(tag);
  for (const part of text.split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*)/)) {
    const mark = /^(`|\*\*|\*)(.+)\1$/.exec(part);
    if (!mark) element.append(part);
    else element.append(withPlain({ "`": "code", "**": "strong", "*": "em" }[mark[1]], mark[2]));
  }
  return element;
}

function withPlain(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}
