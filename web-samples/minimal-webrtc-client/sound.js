// Loudness of the microphone and of the avatar's voice, and the microphone itself.

const WINDOW = 512;
const FLOOR_DB = -55;

/** Root mean square of a stream's newest samples. */
export class LoudnessMeter {
  #source;
  #analyser;
  #samples = new Float32Array(WINDOW);

  /** @param {AudioContext} context @param {MediaStream} stream */
  constructor(context, stream) {
    this.#source = context.createMediaStreamSource(stream);
    this.#analyser = new AnalyserNode(context, { fftSize: WINDOW });
    this.#source.connect(this.#analyser);
  }

  /** Linear, 0..1. */
  get rms() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const x of this.#samples) sum += x * x;
    return Math.sqrt(sum / WINDOW);
  }

  /** Perceived loudness for a display: 0 at -55 dB, 1 at full scale. */
  get level() {
    return Math.max(0, Math.min(1, 1 - (20 * Math.log10(this.rms + 1e-9)) / FLOOR_DB));
  }

  close() {
    this.#source.disconnect();
  }
}

/** The microphone is offered to this page at all (https or localhost). */
export function microphoneOffered() {
  return window.isSecureContext && Boolean(navigator.mediaDevices?.getUserMedia);
}

/**
 * Open the microphone with the browser's echo cancellation, so that the avatar does not hear itself.
 * @returns {Promise<MediaStream>}
 * @throws {DOMException} as getUserMedia does
 */
export function openMicrophone() {
  return navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  });
}
