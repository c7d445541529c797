// Speech recognition on this device, where the browser has it. Never a cloud recogniser: without `processLocally` and an
// installed language it is not offered.

const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
const LANGUAGE = "en-US";

/** This browser can recognise English on this device, with nothing to download. */
export async function deviceEarsOffered() {
  if (!Recognition?.available || !("processLocally" in Recognition.prototype)) return false;
  try {
    return (await Recognition.available({ langs: [LANGUAGE], processLocally: true })) === "available";
  } catch {
    return false;
  }
}

export class DeviceEars {
  #recognition = null;
  #track;
  #words;
  #lost;

  /**
   * @param {MediaStreamTrack} track the microphone
   * @param {{words: (text: string) => void, lost: () => void}} listener words: each finished utterance; lost: it gave up
   */
  constructor(track, { words, lost }) {
    this.#track = track;
    this.#words = words;
    this.#lost = lost;
  }

  start() {
    const recognition = new Recognition();
    recognition.lang = LANGUAGE;
    recognition.processLocally = true;
    recognition.continuous = true;
    recognition.onresult = ({ results, resultIndex }) => {
      for (let i = resultIndex; i < results.length; i++) {
        const text = results[i].isFinal ? results[i][0].transcript.trim() : "";
        if (text) this.#words(text);
      }
    };
    recognition.onend = () => {
      if (this.#recognition === recognition) recognition.start(this.#track);
    };
    recognition.onerror = ({ error }) => {
      if (error === "no-speech" || this.#recognition !== recognition) return;
      this.stop();
      this.#lost();
    };
    this.#recognition = recognition;
    recognition.start(this.#track);
  }

  stop() {
    const recognition = this.#recognition;
    this.#recognition = null;
    recognition?.abort();
  }
}
