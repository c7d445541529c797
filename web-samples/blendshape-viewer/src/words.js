// What the viewer says when something goes wrong. Codes of a call are explained by the conversation's page.

import { codeOf, explain } from "../../minimal-webrtc-client/messages.js";

const WORDS = {
  "no-webgl": {
    title: "This browser cannot draw in 3D",
    detail: "WebGL 2 is missing or turned off. The sliders still show the numbers of a recording.",
  },
  "no-head": { title: "This face cannot be drawn", detail: "Its 3D head is missing or damaged. Choose another face at the top." },
  "no-faces": { title: "No 3D face is installed", detail: "None of this server's personas has a head.glb." },
  "not-audio": { title: "This is not a recording that can be read", detail: "" },
  "too-large": { title: "The recording is too large", detail: "" },
  "server-full": { title: "The server is full", detail: "Every place in the queue is taken at the moment." },
  unavailable: { title: "The face service is not ready", detail: "It may still be starting." },
  unreadable: { title: "The server sent something else than frames", detail: "Page and server may be of different versions." },
  "unknown-layout": { title: "The server names its channels in an unknown order", detail: "Page and server may be of different versions." },
  "broken-off": { title: "The frames broke off", detail: "The server went away while it was still working." },
  "cannot-play": { title: "This browser cannot play this kind of sound", detail: "The face moves in silence." },
  "no-recorder": { title: "This browser cannot record", detail: "Record with another program, and choose the file here." },
};

/**
 * Title and details of an error of the blendshape service.
 * @param {import("../../minimal-webrtc-client/api.js").ServerError} error
 * @returns {{title: string, detail: string}}
 */
export function explainRefusal({ code, status, message, retryAfter }) {
  if (status === 413) return say("too-large", message);
  if (status === 503 && (code === "server_full" || retryAfter)) return say("server-full", message);
  if (status === 503) return say("unavailable", message);
  if (status >= 400 && status < 500) return say("not-audio", message);
  if (code in WORDS) return say(code, message);
  return { ...explain(code), title: code === "unreachable" ? explain(code).title : "No face for this recording", detail: message || explain(code).detail };
}

/** Title and detail of an error of a call. */
export function explainCall(error) {
  return explain(codeOf(error), error.retryAfter ? "" : error.message);
}

/** Title and detail of one of the viewer's own codes, or the conversation page's. */
export function say(code, detail = "") {
  const words = WORDS[code];
  return words ? { title: words.title, detail: detail || words.detail } : explain(code, detail);
}

/** Minutes and seconds. */
export function clockTime(seconds) {
  // Decoders lose a fraction of a millisecond at the end.
  const whole = Math.floor(Math.max(0, seconds) + 0.01);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
