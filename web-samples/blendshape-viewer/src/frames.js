// Frames of a face on a time line, put in as they arrive and read at any moment between them.

const LONGEST_GAP_S = 0.1;

export class FrameBuffer {
  #times = [];
  #frames = [];
  #complete = false;

  get length() {
    return this.#times.length;
  }

  /** Seconds of the first and of the newest frame; null while there is none. */
  get start() {
    return this.#times[0] ?? null;
  }

  get end() {
    return this.#times.at(-1) ?? null;
  }

  /** Whether all frames that will ever come are here. */
  get complete() {
    return this.#complete;
  }

  /** Frames a second, from the newest second of them; null for less than two frames. */
  get rate() {
    const last = this.length - 1;
    const first = Math.max(0, last - 30);
    return last > first ? (last - first) / (this.#times[last] - this.#times[first]) : null;
  }

  /**
   * @param {number} time seconds
   * @param {Float32Array} weights
   * @returns {boolean} false when a frame of this time or later is here already, which some services send twice
   */
  push(time, weights) {
    if (this.length && time <= this.end) return false;
    this.#times.push(time);
    this.#frames.push(weights);
    return true;
  }

  /** No more frames will come. */
  finish() {
    this.#complete = true;
  }

  /** Drop the frames from this time on. */
  cut(time) {
    const kept = this.#after(time);
    this.#times.length = kept;
    this.#frames.length = kept;
  }

  /** Drop the frames before this time, which nobody will ask for again. */
  forget(time) {
    const gone = Math.max(0, this.#after(time) - 1);
    this.#times.splice(0, gone);
    this.#frames.splice(0, gone);
  }

  /**
   * The face at a time, between two frames a mix of both.
   * @param {number} time seconds
   * @param {Float32Array} out
   * @returns {boolean} false, and `out` as it was, where there is no frame nearby
   */
  sample(time, out) {
    const next = this.#after(time);
    const [before, after] = [next - 1, Math.min(next, this.length - 1)];
    const from = this.#times[before];
    const to = this.#times[after];
    if (before < 0) {
      if (!this.length || to - time > LONGEST_GAP_S) return false;
      out.set(this.#frames[after]);
    } else if (before === after) {
      if (time - from > LONGEST_GAP_S) return false;
      out.set(this.#frames[before]);
    } else if (to - from > LONGEST_GAP_S) {
      const nearest = time - from <= to - time ? before : after;
      if (Math.abs(this.#times[nearest] - time) > LONGEST_GAP_S / 2) return false;
      out.set(this.#frames[nearest]);
    } else {
      const share = (time - from) / (to - from);
      const [a, b] = [this.#frames[before], this.#frames[after]];
      for (let i = 0; i < out.length; i++) out[i] = a[i] + (b[i] - a[i]) * share;
    }
    return true;
  }

  // Index of the first frame after this time.
  #after(time) {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#times[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
