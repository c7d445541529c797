// A recording from the microphone.

import { LoudnessMeter, openMicrophone } from "../../minimal-webrtc-client/sound.js";

const LONGEST_S = 120;
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const ENDINGS = { "audio/webm": "webm", "audio/mp4": "m4a", "audio/ogg": "ogg" };

/** Events: `done` (detail: {blob, name}), fired by `stop` and after two minutes. */
export class Recorder extends EventTarget {
  #stream;
  #recorder;
  #meter;
  #begun = performance.now();
  #pieces = [];
  #timer;

  /**
   * @param {AudioContext} context
   * @returns {Promise<Recorder>} one that records already
   * @throws {DOMException} as getUserMedia does
   */
  static async open(context) {
    return new Recorder(context, await openMicrophone());
  }

  constructor(context, stream) {
    super();
    this.#stream = stream;
    this.#meter = new LoudnessMeter(context, stream);
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    this.#recorder = new MediaRecorder(stream, { mimeType });
    this.#recorder.ondataavailable = ({ data }) => this.#pieces.push(data);
    this.#recorder.onstop = () => this.#hand();
    this.#recorder.start();
    this.#timer = setTimeout(() => this.stop(), LONGEST_S * 1000);
  }

  /** Seconds so far. */
  get seconds() {
    return (performance.now() - this.#begun) / 1000;
  }

  /** Loudness now, 0..1. */
  get level() {
    return this.#meter.level;
  }

  stop() {
    clearTimeout(this.#timer);
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
  }

  /** Throw the recording away. */
  cancel() {
    this.#recorder.onstop = () => this.#release();
    this.stop();
  }

  #hand() {
    this.#release();
    const type = this.#recorder.mimeType;
    const name = `recording.${ENDINGS[type.split(";")[0]] ?? "webm"}`;
    this.dispatchEvent(new CustomEvent("done", { detail: { blob: new Blob(this.#pieces, { type }), name } }));
  }

  #release() {
    this.#meter.close();
    for (const track of this.#stream.getTracks()) track.stop();
  }
}
