// The sound of a recording on an AudioContext, whose clock everything else follows.

/** @implements {import("./playback.js").Sound} */
export class Clip {
  #context;
  #buffer;
  #source = null;
  #from = 0;
  #started = 0;

  /** @param {AudioContext} context @param {AudioBuffer} buffer */
  constructor(context, buffer) {
    this.#context = context;
    this.#buffer = buffer;
  }

  get duration() {
    return this.#buffer.duration;
  }

  /** Seconds of what is heard now, behind what the context has taken by the loudspeaker's way (Bluetooth: 0.2 s). */
  get time() {
    if (!this.#source) return this.#from;
    const played = this.#context.currentTime - this.#started - (this.#context.outputLatency || 0);
    return Math.min(this.duration, this.#from + Math.max(0, played));
  }

  set time(seconds) {
    this.pause();
    this.#from = seconds;
  }

  get ended() {
    return this.time >= this.duration;
  }

  play(from) {
    this.pause();
    this.#from = from;
    this.#context.resume();
    this.#source = new AudioBufferSourceNode(this.#context, { buffer: this.#buffer });
    this.#source.connect(this.#context.destination);
    this.#started = this.#context.currentTime;
    this.#source.start(this.#started, from);
  }

  pause() {
    if (!this.#source) return;
    this.#from = this.time;
    this.#source.stop();
    this.#source.disconnect();
    this.#source = null;
  }

  /** Loudest sample in each of `count` equal parts, 0..1, for a picture of the sound. */
  peaks(count) {
    const samples = this.#buffer.getChannelData(0);
    const step = Math.max(1, Math.floor(samples.length / count / 200));
    return Array.from({ length: count }, (_, i) => {
      let peak = 0;
      const end = Math.floor(((i + 1) * samples.length) / count);
      for (let k = Math.floor((i * samples.length) / count); k < end; k += step) peak = Math.max(peak, Math.abs(samples[k]));
      return Math.min(1, peak);
    });
  }
}

/** A clip without sound, for what the browser cannot decode but the server can: the face moves all the same. */
export class SilentClip {
  #frames;
  #from = 0;
  #started = null;

  /** @param {import("./frames.js").FrameBuffer} frames */
  constructor(frames) {
    this.#frames = frames;
  }

  get duration() {
    return this.#frames.complete ? (this.#frames.end ?? 0) : Infinity;
  }

  get time() {
    const since = this.#started === null ? 0 : (performance.now() - this.#started) / 1000;
    return Math.min(this.duration, this.#from + since);
  }

  set time(seconds) {
    this.#started = null;
    this.#from = seconds;
  }

  get ended() {
    return this.time >= this.duration;
  }

  play(from) {
    this.#from = from;
    this.#started = performance.now();
  }

  pause() {
    this.time = Math.min(this.time, this.#frames.end ?? 0);
  }

  peaks(count) {
    return new Array(count).fill(0);
  }
}
