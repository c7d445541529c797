// Media time of the picture on the screen.
//
// The server counts time in audio samples and stamps each frame's RTP packet with it (90 kHz). The browser tells the RTP
// time of the frame it shows (requestVideoFrameCallback), the server tells the RTP time of media time zero
// (flashback.metrics): the difference is the media time now seen and heard.

const RTP_TICKS_PER_MS = 90;

/** Milliseconds of media time of a frame, both stamps modulo 2^32. */
export function mediaTime(rtpTimestamp, origin) {
  return ((rtpTimestamp - origin) >>> 0) / RTP_TICKS_PER_MS;
}

export class MediaClock {
  #origin = null;
  #rtp = null;

  /** RTP timestamp of media time zero, from the server. */
  set origin(value) {
    if (Number.isFinite(value)) this.#origin = value;
  }

  /** Milliseconds, or null while it is unknown (no frame yet, or a browser that does not tell). */
  get now() {
    return this.#origin === null || this.#rtp === null ? null : mediaTime(this.#rtp, this.#origin);
  }

  /** Take a frame's metadata, as requestVideoFrameCallback gives it. */
  show(metadata) {
    this.#rtp = metadata.rtpTimestamp ?? null;
  }

  /** Forget everything: another call has another clock. */
  reset() {
    this.#origin = null;
    this.#rtp = null;
  }
}
