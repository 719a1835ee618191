// Seconds of real work: time with the page open and hands or eyes on it. A pause counts as half a minute at most.

const LONGEST_PAUSE_MS = 30000;

export class Clock {
  constructor() {
    this.last = performance.now();
    this.spent = 0;
  }

  // A key, a click, a scroll: somebody is there.
  tick() {
    const now = performance.now();
    this.spent += Math.min(now - this.last, LONGEST_PAUSE_MS);
    this.last = now;
  }

  // Seconds since the last take, and start again from nought.
  take() {
    this.tick();
    const seconds = this.spent / 1000;
    this.spent = 0;
    return seconds;
  }
}
