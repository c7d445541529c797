// Figures below the sliders: what comes in, what is drawn, and how long it takes.

import { byId, make } from "../../minimal-webrtc-client/elements.js";

const REDRAW_MS = 400;
const UNKNOWN = "–";

export class Readout {
  #values = new Map();
  #drawn = -Infinity;

  constructor() {
    for (const [key, title] of [["layout", "Layout"], ["in", "Frames in"], ["drawn", "Drawn"], ["latency", "First frames"]]) {
      const name = make("dt", { text: title });
      const value = make("dd", { text: UNKNOWN });
      this.#values.set(key, { name, value });
      byId("readout").append(make("div", {}, name, value));
    }
  }

  /**
   * @param {{layout?: string, fps?: number | null, firstFrames?: number | null, ahead?: number | null, stalls?: number}} source
   *   milliseconds; `ahead` instead of `firstFrames` in a call
   * @param {number | null} rate pictures a second
   */
  show(source, rate, now) {
    if (now - this.#drawn < REDRAW_MS) return;
    this.#drawn = now;
    const { layout, fps, firstFrames, ahead } = source;
    this.#set("layout", layout || UNKNOWN);
    this.#set("in", fps ? `${Math.round(fps)} fps` : UNKNOWN);
    this.#set("drawn", rate ? `${Math.round(rate)} fps` : UNKNOWN);
    const [title, value] = ahead === undefined ? ["First frames", firstFrames] : ["Frames ahead", ahead];
    this.#values.get("latency").name.textContent = title;
    this.#set("latency", Number.isFinite(value) ? `${Math.round(value)} ms` : UNKNOWN);
  }

  #set(key, text) {
    const { value } = this.#values.get(key);
    if (value.textContent !== text) value.textContent = text;
  }
}
