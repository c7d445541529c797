// One call: peer connection, data channel, and what can go wrong with them.

import { createCall, deleteCall } from "./api.js";

const GATHERING_LIMIT_MS = 1500;
const CONNECT_LIMIT_MS = 15000;
const RECOVERY_LIMIT_MS = 6000;

/**
 * Events: `stream` (detail: MediaStream), `ready` (events can be sent), `message` (detail: a server event),
 * `shaky` and `steady` (the network falters and recovers), `lost` (detail: code; the call is over).
 */
export class Call extends EventTarget {
  #peer = null;
  #channel = null;
  #location = "";
  #over = false;
  #timer = 0;

  /** The peer connection, for statistics; null before `open`. */
  get peer() {
    return this.#peer;
  }

  /**
   * @param {{persona: string, greet: boolean}} wanted
   * @param {MediaStreamTrack | null} microphone null: the avatar is heard but hears nothing
   * @throws {ServerError} when the server refuses
   */
  async open(wanted, microphone) {
    const peer = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
    this.#peer = peer;
    this.#channel = peer.createDataChannel("oai-events");
    this.#channel.onopen = () => this.#emit("ready");
    this.#channel.onclose = () => this.#lose("channel-closed");
    this.#channel.onmessage = ({ data }) => this.#receive(data);

    if (microphone) peer.addTransceiver(microphone, { direction: "sendrecv" });
    else peer.addTransceiver("audio", { direction: "recvonly" });
    peer.addTransceiver("video", { direction: "recvonly" });

    const stream = new MediaStream();
    peer.ontrack = ({ track, receiver }) => {
      keepShort(receiver);
      stream.addTrack(track);
      if (stream.getTracks().length === 2) this.#emit("stream", stream);
    };
    peer.onconnectionstatechange = () => this.#follow(peer.connectionState);

    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    if (this.#over) return;
    const answer = await createCall(peer.localDescription.sdp, wanted);
    this.#location = answer.location;
    if (this.#over) {
      deleteCall(this.#location);
      return;
    }
    this.#arm(CONNECT_LIMIT_MS, "ice-failed");
    await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
  }

  /** Send a client event; false when the channel is not open. */
  send(event) {
    if (this.#channel?.readyState !== "open") return false;
    this.#channel.send(JSON.stringify(event));
    return true;
  }

  /** Hang up. Safe to call twice, and while the page is being closed. */
  leave() {
    this.#over = true;
    clearTimeout(this.#timer);
    deleteCall(this.#location);
    this.#location = "";
    this.#peer?.close();
  }

  #follow(state) {
    if (state === "connected") {
      clearTimeout(this.#timer);
      this.#emit("steady");
    } else if (state === "disconnected") {
      this.#emit("shaky");
      this.#arm(RECOVERY_LIMIT_MS, "disconnected");
    } else if (state === "failed") {
      this.#lose("ice-failed");
    }
  }

  #arm(limit, code) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lose(code), limit);
  }

  #lose(code) {
    if (this.#over) return;
    this.leave();
    this.#emit("lost", code);
  }

  #receive(data) {
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return;
    }
    if (typeof event?.type === "string") this.#emit("message", event);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Ask for the shortest jitter buffer the browser can hold: this is a conversation. */
function keepShort(receiver) {
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  else if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
}

function gathered(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, GATHERING_LIMIT_MS);
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState === "complete") resolve();
    });
  });
}
