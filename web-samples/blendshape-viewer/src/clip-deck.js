// The controls of a recording: play, seek, how far its frames have come.

import { byId } from "../../minimal-webrtc-client/elements.js";
import { clockTime } from "./words.js";

const BARS_PX = 3;

/** Events: `close`, `play` (it was told to play). */
export class ClipDeck extends EventTarget {
  #source = null;
  #peaks = [];
  #drawn = "";
  #canvas = byId("wave");
  #seek = byId("seek");

  constructor() {
    super();
    byId("play").onclick = () => this.toggle();
    byId("clip-close").onclick = () => this.dispatchEvent(new Event("close"));
    this.#seek.oninput = () => this.#source?.playback?.seek(this.#seek.valueAsNumber);
    new ResizeObserver(() => this.#measure()).observe(this.#canvas);
  }

  /** Control this recording. @param {import("./clip-source.js").ClipSource | null} source */
  set source(source) {
    this.#source = source;
    this.#peaks = [];
    this.#drawn = "";
    byId("clip-name").textContent = source?.name ?? "";
    if (source) source.addEventListener("ready", () => this.#measure(), { once: true });
  }

  /** Play or pause. */
  toggle() {
    const playback = this.#source?.playback;
    if (!playback) return;
    if (playback.state === "playing" || playback.state === "waiting") playback.pause();
    else {
      playback.play();
      this.dispatchEvent(new Event("play"));
    }
  }

  /** Bring the controls up to date; call for each picture. */
  draw() {
    if (!this.#source) return;
    const { playback, buffered } = this.#source;
    const state = playback?.state ?? "waiting";
    const time = playback?.time ?? 0;
    const duration = Number.isFinite(playback?.duration) ? playback.duration : Math.max(buffered, 0.01);
    const look = [state, time.toFixed(1), buffered.toFixed(1), duration, this.#peaks.length].join();
    if (look === this.#drawn) return;
    this.#drawn = look;
    const going = state === "playing" || state === "waiting";
    byId("clip").dataset.playback = state;
    byId("play").querySelector("use").setAttribute("href", going ? "#i-pause" : "#i-play");
    byId("play").querySelector("span").textContent = going ? "Pause" : "Play";
    byId("play").disabled = !playback;
    byId("time").textContent = playback ? `${clockTime(time)} / ${clockTime(duration)}` : "Waiting for frames";
    this.#seek.disabled = !playback;
    this.#seek.max = duration;
    if (!this.#seek.matches(":active")) this.#seek.value = time;
    this.#seek.setAttribute("aria-valuetext", `${clockTime(time)} of ${clockTime(duration)}`);
    this.#paint(time / duration, buffered / duration);
  }

  #measure() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const ratio = Math.min(2, devicePixelRatio);
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#peaks = this.#source?.sound?.peaks(Math.max(1, Math.floor(width / BARS_PX))) ?? [];
    this.#drawn = "";
  }

  #paint(played, buffered) {
    const { width, height } = this.#canvas;
    const brush = this.#canvas.getContext("2d");
    const style = getComputedStyle(this.#canvas);
    brush.clearRect(0, 0, width, height);
    const bars = this.#peaks.length || 60;
    for (let i = 0; i < bars; i++) {
      const at = i / bars;
      const tall = Math.max(0.06, this.#peaks[i] ?? 0) * height * 0.92;
      brush.fillStyle = style.getPropertyValue(at < played ? "--played" : at < buffered ? "--come" : "--awaited");
      brush.fillRect(at * width, (height - tall) / 2, Math.max(1, (width / bars) * 0.66), tall);
    }
  }
}
