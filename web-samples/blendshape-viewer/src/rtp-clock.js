// Media time of a call's sound. The server counts time in audio samples and stamps each packet with it (48 kHz); the
// browser tells the stamp of what it plays and when; the server tells the stamp of media time zero (flashback.metrics).

const TICKS_PER_MS = 48;
const FOLLOW = 0.08;
const JUMP_MS = 120;
const LOST_MS = 1000;

export class RtpClock {
  #origin = null;
  #offset = null;
  #stamped = -Infinity;

  /** RTP timestamp of media time zero. It moves when the server held its picture, and its sound, for a while. */
  set origin(value) {
    if (!Number.isFinite(value)) return;
    if (this.#offset !== null) this.#offset -= ((value - this.#origin) | 0) / TICKS_PER_MS;
    this.#origin = value;
  }

  /**
   * @param {number} rtp timestamp of a packet that was played
   * @param {number} at milliseconds, any clock, when it was
   */
  show(rtp, at) {
    if (this.#origin === null || at <= this.#stamped) return;
    this.#stamped = at;
    // A packet from before the origin is a little below zero, not 2^32 above it.
    const media = ((rtp - this.#origin) | 0) / TICKS_PER_MS;
    const offset = media - at;
    const far = this.#offset === null || Math.abs(offset - this.#offset) > JUMP_MS;
    this.#offset = far ? offset : this.#offset + (offset - this.#offset) * FOLLOW;
  }

  /** Milliseconds of media time heard at `at`; null before the first packet, and when none came for a second. */
  at(at) {
    return this.#offset === null || at - this.#stamped > LOST_MS ? null : at + this.#offset;
  }

  /** Forget everything: another call has another clock. */
  reset() {
    this.#origin = null;
    this.#offset = null;
    this.#stamped = -Infinity;
  }
}
