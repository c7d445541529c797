// The panel of live figures, once a second while it is open.

import { make } from "./elements.js";

const PERIOD_MS = 1000;
const DASH = "–";

const ms = (value) => (Number.isFinite(value) ? `${Math.round(value)} ms` : DASH);

/** Figures of one interval from two getStats reports (Maps of stats); missing ones are undefined. */
export function figures(before, after) {
  const find = (report, test) => [...(report?.values() ?? [])].find(test);
  const inbound = (report, kind) => find(report, (s) => s.type === "inbound-rtp" && s.kind === kind);
  const video = inbound(after, "video") ?? {};
  const audio = inbound(after, "audio") ?? {};
  const pair = find(after, (s) => s.type === "candidate-pair" && s.nominated && s.state === "succeeded") ?? {};
  const seconds = (video.timestamp - inbound(before, "video")?.timestamp) / 1000;
  const grown = (kind, field) => inbound(after, kind)?.[field] - inbound(before, kind)?.[field];
  const buffered = (kind) => (1000 * grown(kind, "jitterBufferDelay")) / grown(kind, "jitterBufferEmittedCount");
  return {
    fps: grown("video", "framesDecoded") / seconds,
    size: video.frameWidth ? `${video.frameWidth}×${video.frameHeight}` : "",
    skew: video.estimatedPlayoutTimestamp - audio.estimatedPlayoutTimestamp,
    bufferVideo: buffered("video"),
    bufferAudio: buffered("audio"),
    kbps: ((grown("video", "bytesReceived") + grown("audio", "bytesReceived")) * 8) / seconds / 1000,
    lost: (video.packetsLost ?? 0) + (audio.packetsLost ?? 0),
    freezes: video.freezeCount ?? 0,
    rtt: pair.currentRoundTripTime * 1000,
  };
}

export class Gauges {
  #panel;
  #list;
  #peer;
  #answers;
  #server = {};
  #before = null;
  #timer = 0;

  /**
   * @param {HTMLElement} panel
   * @param {{peer: () => RTCPeerConnection | null, answers: {last: number | null, median: number | null}}} sources
   */
  constructor(panel, { peer, answers }) {
    this.#panel = panel;
    this.#list = panel.querySelector("dl");
    this.#peer = peer;
    this.#answers = answers;
  }

  /** What the server tells about itself (flashback.metrics). */
  server(values) {
    this.#server = values;
  }

  toggle(open) {
    this.#panel.hidden = !open;
    clearInterval(this.#timer);
    this.#before = null;
    if (!open) return;
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), PERIOD_MS);
  }

  async #sample() {
    const report = (await this.#peer()?.getStats().catch(() => null)) ?? null;
    const now = report ? figures(this.#before, report) : {};
    this.#before = report;
    const { last, median } = this.#answers;
    const number = (value, unit) => (Number.isFinite(value) ? `${value.toFixed(0)}${unit}` : DASH);
    const rows = [
      ["Question to voice", ms(last ?? NaN), "From your question to the first sound of the answer"],
      ["Median", ms(median ?? NaN), "Of all answers since the page was opened"],
      ["Picture", `${number(now.fps, " fps")}${now.size ? `, ${now.size}` : ""}`, "Frames decoded in the last second"],
      ["Lip-sync skew", Number.isFinite(now.skew) ? `${now.skew > 0 ? "+" : ""}${ms(now.skew)}` : DASH, "Picture against sound, as the browser plays them"],
      ["Jitter buffer", `${ms(now.bufferVideo)} / ${ms(now.bufferAudio)}`, "Picture / sound"],
      ["Bitrate", number(now.kbps, " kbit/s"), "Sound and picture received"],
      ["Packets lost", report ? String(now.lost) : DASH, "Since the call began"],
      ["Round trip", ms(now.rtt), "To the server and back"],
    ];
    if (this.#server.recogniser) rows.push(["Recogniser", this.#server.recogniser, "What turns your speech into words"]);
    if (this.#server.endpointing_ms) {
      rows.push(["Pause that ends a question", ms(this.#server.endpointing_ms), "Silence the server waits for"]);
    }
    this.#list.replaceChildren(
      ...rows.map(([name, value, title]) => make("div", { title }, make("dt", { text: name }), make("dd", { text: value }))),
    );
  }
}
