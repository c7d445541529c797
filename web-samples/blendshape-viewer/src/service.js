// The blendshape service over HTTP: a recording goes up, frames come down while it is still being worked on.

import { ServerError, address, ask } from "../../minimal-webrtc-client/api.js";
import { DEFAULT_LAYOUT, reorder } from "./layouts.js";
import { EventParser } from "./sse.js";

const PATH = "api/v1/process-audio-stream";

/**
 * Ask for the frames of a recording.
 * @param {Blob} recording
 * @param {string} name file name, whose ending helps some servers
 * @param {AbortSignal} signal
 * @returns {Promise<{layout: string, frames: AsyncGenerator<{time: number, weights: Float32Array}[]>}>} times in seconds,
 *   weights in ARKit's order
 * @throws {ServerError} when it is refused, here or while frames come; `retryAfter` in seconds when the server is full
 */
export async function animate(recording, name, signal) {
  const form = new FormData();
  form.set("file", recording, name);
  const response = await ask(address(PATH), { method: "POST", body: form, signal });
  const layout = response.headers.get("X-Blendshape-Layout") || DEFAULT_LAYOUT;
  return { layout, frames: read(response.body, inOrder(layout)) };
}

async function* read(body, toWeights) {
  const parser = new EventParser();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const { data } of parser.push(value)) yield parse(data, toWeights);
    }
  } catch (error) {
    if (error instanceof ServerError) throw error;
    throw new ServerError("", { code: "broken-off" });
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** One event's frames. Exported for tests. */
export function parse(data, toWeights) {
  let sent;
  try {
    sent = JSON.parse(data);
    if (Array.isArray(sent)) return sent.map(({ timecode, blendshapes }) => ({ time: seconds(timecode), weights: toWeights(blendshapes) }));
  } catch {
    throw new ServerError("", { code: "unreadable" });
  }
  const told = sent?.error?.message ?? sent?.error;
  throw new ServerError(typeof told === "string" ? told : "", { code: told ? "refused" : "unreadable" });
}

function seconds(timecode) {
  if (!Number.isFinite(timecode)) throw new RangeError("a frame has no timecode");
  return timecode;
}

function inOrder(layout) {
  try {
    return reorder(layout);
  } catch {
    throw new ServerError("", { code: "unknown-layout" });
  }
}
