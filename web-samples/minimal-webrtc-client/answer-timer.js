// How long an answer takes: from the question leaving the page to the first sound of the answer in the browser.

const POLL_MS = 10;
const LIMIT_MS = 30000;
const AUDIBLE_RMS = 0.004;

export class AnswerTimer {
  #rms;
  #timer = 0;
  #all = [];

  /** @param {() => number} rms loudness of the avatar's voice, linear */
  constructor(rms) {
    this.#rms = rms;
  }

  /** Milliseconds of the newest answer, null before the first. */
  get last() {
    return this.#all.at(-1) ?? null;
  }

  /** Median of this page's answers in milliseconds, null before the first. */
  get median() {
    const sorted = [...this.#all].sort((a, b) => a - b);
    return sorted.length ? sorted[sorted.length >> 1] : null;
  }

  /** A question has just been asked. A voice still sounding from before does not count. */
  start() {
    clearInterval(this.#timer);
    const asked = performance.now();
    let quiet = this.#rms() < AUDIBLE_RMS;
    this.#timer = setInterval(() => {
      const now = performance.now();
      const audible = this.#rms() >= AUDIBLE_RMS;
      if (quiet && audible) this.#all.push(now - asked);
      if ((quiet && audible) || now - asked > LIMIT_MS) this.stop();
      quiet ||= !audible;
    }, POLL_MS);
  }

  stop() {
    clearInterval(this.#timer);
  }
}
