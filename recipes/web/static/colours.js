// Colours that look alike: which labels need a pattern beside theirs.

const NEAR = 0.09; // distance in OKLab below which two colours on small marks are taken for one
const HATCH = "var(--hatch)";

// CSS backgrounds; the first is none. `--hatch` is the colour of the lines, by where they are drawn.
export const PATTERNS = [
  "linear-gradient(transparent, transparent)",
  `repeating-linear-gradient(135deg, ${HATCH} 0 1.5px, transparent 1.5px 6px)`,
  `radial-gradient(circle, ${HATCH} 1.3px, transparent 1.6px) 0 0 / 6px 6px`,
  `repeating-linear-gradient(0deg, ${HATCH} 0 1.5px, transparent 1.5px 5px)`,
  `repeating-linear-gradient(45deg, ${HATCH} 0 1.5px, transparent 1.5px 6px)`,
  `repeating-linear-gradient(90deg, ${HATCH} 0 1.5px, transparent 1.5px 6px)`,
];

// A pattern for each of these colours, so that no two labels of one look share both.
export function patternsFor(colours) {
  const points = colours.map(oklab);
  const chosen = [];
  points.forEach((point, place) => {
    const taken = points.slice(0, place).flatMap((other, n) => (distance(point, other) < NEAR ? [chosen[n]] : []));
    const free = PATTERNS.findIndex((_, pattern) => !taken.includes(pattern));
    chosen.push(free >= 0 ? free : taken.length % PATTERNS.length);
  });
  return chosen;
}

// A CSS colour as red, green and blue from 0 to 1: the browser itself reads it.
function rgb(colour) {
  const brush = document.createElement("canvas").getContext("2d");
  brush.fillStyle = colour;
  const hex = /^#(..)(..)(..)$/.exec(brush.fillStyle);
  const parts = hex ? hex.slice(1).map((part) => parseInt(part, 16)) : brush.fillStyle.match(/[\d.]+/g).map(Number);
  return parts.slice(0, 3).map((part) => part / 255);
}

// Björn Ottosson's OKLab, in which equal distances look equal.
function oklab(colour) {
  const [r, g, b] = rgb(colour).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function distance(one, other) {
  return Math.hypot(...one.map((part, n) => part - other[n]));
}
