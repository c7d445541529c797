// Loudness of a stream in blocks of 256 samples, on the audio thread: [context time in s, rms, share of a 1 kHz tone].

const BLOCK = 256;
const BATCH = 4;
const TONE_HZ = 1000;

class Loudness extends AudioWorkletProcessor {
  #block = new Float32Array(BLOCK);
  #filled = 0;
  #start = 0;
  #batch = [];
  #cosine = 2 * Math.cos((2 * Math.PI * TONE_HZ) / sampleRate);

  process([input]) {
    const channel = input[0];
    const length = channel?.length ?? 128;
    for (let i = 0; i < length; i++) {
      if (this.#filled === 0) this.#start = currentTime + i / sampleRate;
      this.#block[this.#filled++] = channel ? channel[i] : 0;
      if (this.#filled === BLOCK) this.#finish();
    }
    return true;
  }

  #finish() {
    this.#filled = 0;
    let energy = 0;
    let before = 0;
    let last = 0;
    for (const x of this.#block) {
      energy += x * x;
      [before, last] = [last, x + this.#cosine * last - before];
    }
    const power = last * last + before * before - this.#cosine * last * before;
    const tone = energy > 1e-9 ? Math.min(1, (2 * power) / (BLOCK * energy)) : 0;
    this.#batch.push([this.#start, Math.sqrt(energy / BLOCK), tone]);
    if (this.#batch.length < BATCH) return;
    this.port.postMessage({ at: currentTime + 128 / sampleRate, blocks: this.#batch });
    this.#batch = [];
  }
}

registerProcessor("loudness", Loudness);
