// Sound and face of a clip together. The sound's clock is the master; it waits when frames run dry.

const AHEAD_TO_START_S = 0.5;
const AHEAD_TO_GO_ON_S = 1.0;
const DRY_S = 0.05;

/**
 * @typedef {object} Sound
 * @property {number} time seconds played
 * @property {number} duration seconds
 * @property {boolean} ended
 * @property {(from: number) => void} play
 * @property {() => void} pause
 */

/** States: "paused", "waiting" (for frames), "playing", "ended". */
export class Playback {
  #sound;
  #frames;
  #needed = AHEAD_TO_START_S;
  state = "paused";

  /** Times it had to wait for frames once it was playing. */
  stalls = 0;

  /** @param {Sound} sound @param {import("./frames.js").FrameBuffer} frames */
  constructor(sound, frames) {
    this.#sound = sound;
    this.#frames = frames;
  }

  get time() {
    return this.#sound.time;
  }

  get duration() {
    return this.#sound.duration;
  }

  /** Play on, or from the start when it had ended. */
  play() {
    if (this.state === "playing" || this.state === "waiting") return;
    if (this.state === "ended") this.#move(0);
    this.#wait(AHEAD_TO_START_S);
    this.step();
  }

  pause() {
    this.#sound.pause();
    this.state = "paused";
  }

  /** Go to a time in seconds; playing goes on there. */
  seek(time) {
    const going = this.state === "playing" || this.state === "waiting";
    this.#move(Math.min(Math.max(0, time), this.duration));
    if (going) this.#wait(AHEAD_TO_START_S);
    else this.state = "paused";
    this.step();
  }

  /** Look after it; call for each picture. */
  step() {
    if (this.state === "waiting" && this.#ahead() >= this.#needed) {
      this.#sound.play(this.#sound.time);
      this.state = "playing";
    } else if (this.state === "playing" && this.#sound.ended) {
      this.state = "ended";
    } else if (this.state === "playing" && this.#ahead() < DRY_S) {
      this.#wait(AHEAD_TO_GO_ON_S);
      this.stalls += 1;
    }
  }

  #ahead() {
    const { end, complete } = this.#frames;
    if (complete || (end !== null && end >= this.duration - DRY_S)) return Infinity;
    return (end ?? 0) - this.time;
  }

  #move(time) {
    this.#sound.pause();
    this.#sound.time = time;
  }

  #wait(needed) {
    this.#sound.pause();
    this.#needed = needed;
    this.state = "waiting";
  }
}
