// A recording as the source of a face: decoded here, animated by the server, both at once.

import { ServerError } from "../../minimal-webrtc-client/api.js";
import { Clip, SilentClip } from "./clip.js";
import { FrameBuffer } from "./frames.js";
import { Playback } from "./playback.js";
import { animate } from "./service.js";

/**
 * Events: `ready` (it can be played), `silent` (the browser cannot play this sound; the face moves all the same),
 * `refused` (detail: ServerError; the frames that came before it stay).
 */
export class ClipSource extends EventTarget {
  #abort = new AbortController();
  #frames = new FrameBuffer();
  #context;
  #asked = 0;

  /** Null until `ready`. @type {Playback | null} */
  playback = null;
  layout = "";

  /** Milliseconds from asking to the first frames; null before. */
  firstFrames = null;

  /** @param {AudioContext} context @param {Blob} recording @param {string} name */
  constructor(context, recording, name) {
    super();
    this.#context = context;
    this.recording = recording;
    this.name = name;
  }

  /** Seconds for which frames are here. */
  get buffered() {
    return this.#frames.complete ? (this.playback?.duration ?? 0) : (this.#frames.end ?? 0);
  }

  /** Frames a second as they lie on the time line; null while there are none. */
  get fps() {
    return this.#frames.rate;
  }

  /** Post it, and play it as soon as there is enough. Never throws; see `refused`. */
  async open() {
    this.#asked = performance.now();
    const sound = this.#decode();
    try {
      const { layout, frames } = await animate(this.recording, this.name, this.#abort.signal);
      this.layout = layout;
      const begun = sound.then((clip) => this.#begin(clip));
      for (const done of await Promise.allSettled([begun, this.#read(frames)])) if (done.reason) throw done.reason;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#frames.finish();
      this.#tell("refused", error instanceof ServerError ? error : new ServerError(String(error?.message ?? error)));
    }
  }

  /** @returns {boolean} false, and `out` as it was, when there is no frame for this moment */
  sample(out) {
    if (!this.playback) return false;
    this.playback.step();
    return this.playback.state !== "ended" && this.#frames.sample(this.playback.time, out);
  }

  close() {
    this.#abort.abort();
    this.playback?.pause();
  }

  async #decode() {
    try {
      return new Clip(this.#context, await this.#context.decodeAudioData(await this.recording.arrayBuffer()));
    } catch {
      return null;
    }
  }

  #begin(clip) {
    if (this.#abort.signal.aborted) return;
    if (!clip) this.#tell("silent");
    this.sound = clip ?? new SilentClip(this.#frames);
    this.playback = new Playback(this.sound, this.#frames);
    this.playback.play();
    this.#tell("ready");
  }

  async #read(frames) {
    for await (const part of frames) {
      if (this.firstFrames === null && part.length) this.firstFrames = performance.now() - this.#asked;
      for (const { time, weights } of part) this.#frames.push(time, weights);
    }
    this.#frames.finish();
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
