// Measurements for benchmarks and end-to-end tests, at `window.flashback.probe`, only with `?probe=1`.
//
// All times are milliseconds of performance.now(). Audio blocks come from an AudioContext; its clock is laid over
// performance.now() by the least delayed of the newest messages from the audio thread.

import { darkShare, difference, lumaOf, mean, readStamp, STAMP_HEIGHT, STAMP_WIDTH } from "./probe-picture.js";

const FRAMES_KEPT = 30000;
const BLOCKS_KEPT = 200000;
const OFFSETS_KEPT = 100;
const AUDIBLE_RMS = 0.004;
const MOUTH = { left: 0.4, top: 0.5, width: 0.2, height: 0.16, columns: 48, rows: 38 };
const NOSE = { left: 0.42, top: 0.41, width: 0.16, height: 0.07, columns: 38, rows: 17 };
const WHOLE = 16;

export class Probe {
  /** [{t, way: "in" | "out", type, event}], newest last. */
  events = [];
  /**
   * One entry per frame shown: {t, presented, expected, count, rtp, received, stamp, luma, motion, head, dark}.
   * t: callback; presented, expected: presentationTime and expectedDisplayTime; count: presentedFrames; rtp: RTP timestamp;
   * stamp: number in the picture or null; luma: mean, 0..255; motion: mean absolute difference of the mouth region to the
   * frame before; head: the same of the nose, which moves with the head alone; dark: share of the mouth region that is dark (open mouth).
   */
  frames = [];
  /** [t of the block's first sample, rms, share of 1 kHz], 256 samples each. */
  audio = [];
  /** When the last question left (response.create), null before the first. */
  asked = null;

  #video;
  #strip = canvas(STAMP_WIDTH, STAMP_HEIGHT);
  #small = canvas(WHOLE, WHOLE);
  #mouth = canvas(MOUTH.columns, MOUTH.rows);
  #nose = canvas(NOSE.columns, NOSE.rows);
  #lips = null;
  #bridge = null;
  #offsets = [];
  #context = null;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
    window.flashback = { ...window.flashback, probe: this };
    const each = (t, metadata) => {
      video.requestVideoFrameCallback(each);
      this.#look(t, metadata);
    };
    video.requestVideoFrameCallback(each);
  }

  /** Watch a call (a Talk). */
  attach(talk) {
    window.flashback.talk = talk;
    talk.addEventListener("received", ({ detail }) => this.#note("in", detail));
    talk.addEventListener("sent", ({ detail }) => {
      this.#note("out", detail);
      if (detail.type === "response.create") this.asked = performance.now();
    });
    talk.addEventListener("stream", ({ detail }) => this.#listen(detail));
  }

  /** Forget what was recorded. */
  reset() {
    this.events.length = this.frames.length = this.audio.length = 0;
    this.asked = null;
  }

  /** Time of the first event of a type at or after `since`, or null. */
  eventAfter(type, since = 0) {
    return this.events.find((e) => e.type === type && e.t >= since)?.t ?? null;
  }

  /** Time of the first audible sample block at or after `since`, or null. */
  soundAfter(since, rms = AUDIBLE_RMS) {
    return this.audio.find(([t, loud]) => t >= since && loud >= rms)?.[0] ?? null;
  }

  /** From when on it has been silent for `hold` ms, at or after `since`; null while it has not. */
  silentFrom(since, hold = 300, rms = AUDIBLE_RMS) {
    return settled(this.audio.map(([t, loud]) => ({ t, on: loud >= rms })), since, hold);
  }

  /** Time of the first frame at or after `since` whose mouth region moved by at least `threshold`, or null. */
  mouthAfter(since, threshold = 2) {
    return this.frames.find(({ t, motion }) => t >= since && motion >= threshold)?.t ?? null;
  }

  /** From when on the mouth has been still for `hold` ms, at or after `since`; null while it has not. */
  mouthRestFrom(since, hold = 300, threshold = 2) {
    return settled(this.frames.map(({ t, motion }) => ({ t, on: motion >= threshold })), since, hold);
  }

  /** Times at which the whole picture turned white. */
  flashes(jump = 80) {
    return rises(this.frames.map(({ expected, luma }) => [expected, luma]), jump);
  }

  /** Times at which a 1 kHz tone began. */
  beeps() {
    return rises(this.audio.map(([t, rms, tone]) => [t, tone > 0.7 && rms > 0.02 ? 1 : 0]), 0.5);
  }

  /** Sound minus picture in ms for each flash with a beep within half a second: positive when the sound is late. */
  skews() {
    const beeps = this.beeps();
    const near = (flash) => beeps.map((beep) => beep - flash).reduce((a, b) => (Math.abs(b) < Math.abs(a) ? b : a), Infinity);
    return this.flashes().map(near).filter((skew) => Math.abs(skew) < 500);
  }

  /** Distinct frame numbers seen in [from, to) and how many numbers lie in their span. */
  numbers(from = 0, to = Infinity) {
    const seen = new Set(this.frames.filter(({ t, stamp }) => t >= from && t < to && stamp !== null).map(({ stamp }) => stamp));
    const span = seen.size ? Math.max(...seen) - Math.min(...seen) + 1 : 0;
    return { shown: seen.size, span, unreadable: this.frames.filter(({ t, stamp }) => t >= from && t < to && stamp === null).length };
  }

  /** Statistics of the peer connection as plain objects. */
  async stats() {
    return [...((await window.flashback.talk?.peer?.getStats()) ?? new Map()).values()];
  }

  #note(way, event) {
    this.events.push({ t: performance.now(), way, type: event.type, event });
  }

  #look(t, { presentationTime, expectedDisplayTime, presentedFrames, rtpTimestamp, receiveTime, width, height }) {
    const lips = lumaOfRegion(this.#mouth, this.#video, MOUTH, width, height);
    const bridge = lumaOfRegion(this.#nose, this.#video, NOSE, width, height);
    this.#small.drawImage(this.#video, 0, 0, WHOLE, WHOLE);
    this.frames.push({
      t,
      presented: presentationTime,
      expected: expectedDisplayTime,
      count: presentedFrames,
      rtp: rtpTimestamp ?? null,
      received: receiveTime ?? null,
      stamp: this.#number(width, height),
      luma: mean(lumaOf(this.#small.getImageData(0, 0, WHOLE, WHOLE))),
      motion: this.#lips ? difference(lips, this.#lips) : 0,
      head: this.#bridge ? difference(bridge, this.#bridge) : 0,
      dark: darkShare(lips),
    });
    this.#lips = lips;
    this.#bridge = bridge;
    if (this.frames.length > FRAMES_KEPT) this.frames.splice(0, FRAMES_KEPT / 2);
  }

  #number(width, height) {
    if (width < STAMP_WIDTH || height < STAMP_HEIGHT) return null;
    const strip = [0, 0, STAMP_WIDTH, STAMP_HEIGHT];
    this.#strip.drawImage(this.#video, ...strip, ...strip);
    return readStamp(this.#strip.getImageData(...strip));
  }

  async #listen(stream) {
    await this.#context?.close();
    const context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
    this.#context = context;
    this.#offsets = [];
    await context.audioWorklet.addModule(new URL("./probe-worklet.js", import.meta.url));
    const node = new AudioWorkletNode(context, "loudness", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    node.port.onmessage = ({ data: { at, blocks } }) => {
      this.#offsets.push(performance.now() - at * 1000);
      if (this.#offsets.length > OFFSETS_KEPT) this.#offsets.shift();
      const offset = Math.min(...this.#offsets);
      for (const [time, rms, tone] of blocks) this.audio.push([time * 1000 + offset, rms, tone]);
      if (this.audio.length > BLOCKS_KEPT) this.audio.splice(0, BLOCKS_KEPT / 2);
    };
    context.createMediaStreamSource(new MediaStream(stream.getAudioTracks())).connect(node);
    await context.resume();
  }
}

function canvas(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", { willReadFrequently: true });
}

/** Brightness of a part of the picture (fractions of its size), scaled down onto a small canvas. */
function lumaOfRegion(small, video, part, width, height) {
  const { columns, rows } = part;
  const from = [part.left * width, part.top * height, part.width * width, part.height * height];
  small.drawImage(video, ...from, 0, 0, columns, rows);
  return lumaOf(small.getImageData(0, 0, columns, rows));
}

/** First time at or after `since` from which `on` stays false for `hold` ms; null when it has not yet. */
function settled(points, since, hold) {
  let from = null;
  for (const { t, on } of points) {
    if (t < since) continue;
    if (on) from = null;
    else {
      from ??= t;
      if (t - from >= hold) return from;
    }
  }
  return null;
}

/** Times at which a series [time, value] rises by at least `jump` from one point to the next. */
function rises(points, jump) {
  return points.filter(([, value], i) => i > 0 && value - points[i - 1][1] >= jump).map(([t]) => t);
}
