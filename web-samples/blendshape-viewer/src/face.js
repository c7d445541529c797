// What the face shows: the weights of whoever leads it now, and a short way over when somebody else takes the lead.

import { CHANNELS } from "./layouts.js";

const EASE_S = 0.12;

export class Face {
  #leader = null;
  #from = new Float32Array(CHANNELS);
  #gone = 1;

  /** Shown now: 52 values in ARKit's order. */
  weights = new Float32Array(CHANNELS);

  /**
   * @param {string} leader who leads; when it changes, the face eases over from where it is
   * @param {Float32Array} target
   * @param {number} dt seconds since the last call
   */
  follow(leader, target, dt) {
    if (leader !== this.#leader) {
      this.#from.set(this.weights);
      this.#gone = this.#leader === null ? 1 : 0;
      this.#leader = leader;
    }
    this.#gone = Math.min(1, this.#gone + dt / EASE_S);
    const share = this.#gone * this.#gone * (3 - 2 * this.#gone);
    for (let i = 0; i < CHANNELS; i++) this.weights[i] = this.#from[i] + (target[i] - this.#from[i]) * share;
  }
}
