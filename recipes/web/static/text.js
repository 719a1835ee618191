// Offsets are Unicode code points everywhere but inside JavaScript strings, which count UTF-16 units.

export class CodePoints {
  // `string` indexed by code points; `length` counts them.
  constructor(string) {
    this.string = string;
    this.units = unitOffsets(string);
    this.length = this.units ? this.units.length - 1 : string.length;
  }

  // The characters from code point `start` to `end` (excluded).
  slice(start, end) {
    return this.string.slice(this.unit(start), this.unit(end));
  }

  // Code point offset -> UTF-16 offset.
  unit(point) {
    return this.units ? this.units[Math.min(point, this.length)] : point;
  }

  // Where `needle` (a plain string) occurs, as code point starts, in order, not overlapping.
  occurrences(needle) {
    const starts = [];
    if (!needle) return starts;
    for (let at = this.string.indexOf(needle); at >= 0; at = this.string.indexOf(needle, at + needle.length)) {
      starts.push(this.point(at));
    }
    return starts;
  }

  // UTF-16 offset -> code point offset; the middle of a surrogate pair counts as its start.
  point(unit) {
    if (!this.units) return unit;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.units[middle] <= unit) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

// How many code points the first `units` UTF-16 units of `string` hold.
export function countPoints(string, units) {
  let points = 0;
  for (let at = 0; at < units; at += string.codePointAt(at) > 0xffff ? 2 : 1) points += 1;
  return points;
}

// UTF-16 offset of every code point and of the end; null where the two counts are the same anyway.
function unitOffsets(string) {
  if (!/[\ud800-\udfff]/.test(string)) return null;
  const offsets = [];
  for (let at = 0; at < string.length; at += string.codePointAt(at) > 0xffff ? 2 : 1) offsets.push(at);
  offsets.push(string.length);
  return Uint32Array.from(offsets);
}
