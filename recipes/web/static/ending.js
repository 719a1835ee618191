// The end of the queue: nothing to answer, and what can be done now.

import { element, paragraph } from "./dialogs.js";

// A line, and under it the steps: [what, the command that does it].
export function ending(text, steps) {
  const end = element("section", "end");
  end.append(paragraph(text));
  if (!steps.length) return end;
  const list = element("ul");
  for (const [what, command] of steps) {
    const item = element("li");
    const code = element("code");
    code.textContent = command;
    item.append(`${what}: `, code);
    list.append(item);
  }
  end.append(paragraph("What can come next, for whoever keeps the project:"), list);
  return end;
}

// What is worth doing when no document is open any more, as far as the page knows.
export function whatNext({ project, status }) {
  const { gold = 0, skipped = 0, conflict = 0 } = status.counts ?? {};
  const spanloop = (command, options = "") => `spanloop ${command} ${quoted(project.file)}${options}`;
  const steps = [];
  if (gold) steps.push(["Train on what was answered, and score it", spanloop("retrain")]);
  const { split, open } = project.other_split;
  if (open) steps.push([`Correct the ${split} split: ${counted(open)} open`, spanloop("correct", ` --split ${split}`)]);
  if (skipped) steps.push([`Go through what was ignored: ${counted(skipped)}`, spanloop("correct", `${ofSplit(project)} --ignored last`)]);
  if (conflict) steps.push([`Decide where people disagree: ${counted(conflict)}`, spanloop("review", " --conflicts")]);
  steps.push(["Look again at what was flagged", spanloop("review", " --flagged")]);
  return steps;
}

function ofSplit({ split }) {
  return split === "pool" ? "" : ` --split ${split}`;
}

function counted(number) {
  return `${number.toLocaleString("en")} ${number === 1 ? "document" : "documents"}`;
}

// As a shell takes it.
function quoted(file) {
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`;
}
