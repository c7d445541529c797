// A conversation as the source of a face: its sound's clock, and the blendshapes on its data channel.

import { FrameBuffer } from "./frames.js";
import { reorder } from "./layouts.js";
import { RtpClock } from "./rtp-clock.js";

const KEPT_S = 2;

/** Takes the events of a call, gives the face of the moment. Pure but for the clock it is told. */
export class LiveFace {
  #clock = new RtpClock();
  #frames = new FrameBuffer();
  #turn = "";
  #generation = -1;
  #cut = "";
  #orders = new Map();

  layout = "";
  fps = null;

  /**
   * Take an event of the data channel, at `at` milliseconds.
   * @throws {RangeError} for frames in an unknown layout, or of another number of channels
   */
  receive(event, at) {
    if (event.type === "flashback.metrics") this.#clock.origin = event.audio_rtp_origin;
    else if (event.type === "flashback.blendshapes") this.#take(event);
    else if (event.type === "output_audio_buffer.cleared") this.#drop(event.response_id?.replace(/^resp_/, ""), at);
  }

  /** A packet of sound with this RTP timestamp was played at `at` milliseconds. */
  hear(rtp, at) {
    this.#clock.show(rtp, at);
  }

  /** Media milliseconds heard at `at`; null while unknown. */
  mediaTime(at) {
    return this.#clock.at(at);
  }

  /** Milliseconds for which frames are here already; null where none are. */
  ahead(at) {
    const now = this.#clock.at(at);
    const left = now === null || this.#frames.end === null ? 0 : this.#frames.end * 1000 - now;
    return left > 0 ? left : null;
  }

  /** @returns {boolean} false, and `out` as it was, when there is no frame for this moment */
  sample(at, out) {
    const now = this.#clock.at(at);
    if (now === null) return false;
    this.#frames.forget(now / 1000 - KEPT_S);
    return this.#frames.sample(now / 1000, out);
  }

  // An interruption: what was to come of this turn never will. The turn after it may have begun before this is told.
  #drop(turn, at) {
    this.#cut = turn;
    if (turn !== this.#turn) return;
    const now = this.#clock.at(at);
    this.#frames.cut(now === null ? -Infinity : now / 1000);
  }

  #take({ turn_id: turn, generation, start_ms: start, fps, layout, frames }) {
    if (turn === this.#cut || generation < this.#generation) return;
    if (!this.#orders.has(layout)) this.#orders.set(layout, reorder(layout));
    if (generation > this.#generation) this.#frames.cut(start / 1000);
    this.#generation = generation;
    this.#turn = turn;
    this.layout = layout;
    this.fps = fps;
    const order = this.#orders.get(layout);
    for (const [i, values] of frames.entries()) this.#frames.push(start / 1000 + i / fps, order(values));
  }
}
