// What the page says when something goes wrong. Codes are the page's own, the browser's and the server's.

const WORDS = {
  unsupported: {
    title: "This browser cannot hold a video call",
    detail: "It lacks WebRTC. A current Chrome, Edge, Firefox or Safari will do.",
  },
  "insecure-origin": {
    title: "No microphone on this address",
    detail: "Browsers hand out the microphone only over https, or on localhost. Typing works here.",
  },
  "microphone-denied": {
    title: "The microphone is blocked",
    detail: "Allow it in the browser's site settings to talk. Until then you can type.",
  },
  "microphone-missing": { title: "No microphone found", detail: "Plug one in to talk. Until then you can type." },
  "microphone-busy": {
    title: "The microphone cannot be opened",
    detail: "Another program may be using it. Until it is free you can type.",
  },
  "server-full": { title: "The server is full", detail: "Every place is taken at the moment." },
  unreachable: { title: "The server does not answer", detail: "It may have stopped, or the network is down." },
  "ice-failed": {
    title: "No connection for sound and picture",
    detail: "The page reached the server, but audio and video did not get through. A firewall may be blocking UDP.",
  },
  disconnected: { title: "The connection broke", detail: "The network went away for too long." },
  "channel-closed": { title: "The server ended the call", detail: "You can start again." },
  "unknown-persona": { title: "Nobody of that name here", detail: "Choose somebody at the top of the page." },
  refused: { title: "The server did not open the call", detail: "" },
};

/**
 * @param {string} code
 * @param {string} [detail] more exact words, from the server
 * @returns {{title: string, detail: string}}
 */
export function explain(code, detail = "") {
  const words = WORDS[code] ?? WORDS.refused;
  return { title: words.title, detail: detail || words.detail };
}

/** The code for what `createCall` or the persona list threw. */
export function codeOf(error) {
  if (error.status === 503 && error.retryAfter) return "server-full";
  if (error.status === 404) return "unknown-persona";
  if (error.code in WORDS) return error.code;
  return "refused";
}

/** The code for what `getUserMedia` threw. */
export function microphoneCode(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return "microphone-denied";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "microphone-missing";
  return "microphone-busy";
}

/** What the small label on the picture says in each state. */
export function stateWords(state, { microphone, muted }) {
  if (state === "connecting") return "Connecting";
  if (state === "listening") return "Listening";
  if (state === "thinking") return "Thinking";
  if (state === "speaking") return "Speaking";
  if (!microphone) return "Ready, type a question";
  return muted ? "Microphone muted" : "Ready, just speak";
}
