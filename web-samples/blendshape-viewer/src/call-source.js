// A conversation as the source of a face: a call as the conversation's page opens it, and what its data channel says of the face.

import { Talk } from "../../minimal-webrtc-client/talk.js";
import { LiveFace } from "./live.js";

/** Events: those of Talk, and `unreadable` (its frames are of a kind this viewer does not know; told once). */
export class CallSource extends EventTarget {
  #face = new LiveFace();
  #unreadable = false;
  talk;

  /** @param {{persona: string, withMicrophone: boolean, greet: boolean}} wanted */
  constructor(wanted) {
    super();
    this.talk = new Talk({ ...wanted, blendshapes: true });
    for (const type of ["stream", "live", "microphone-refused", "shaky", "lost", "refused"]) {
      this.talk.addEventListener(type, ({ detail }) => this.#tell(type, detail));
    }
    this.talk.addEventListener("received", ({ detail }) => this.#receive(detail));
  }

  get layout() {
    return this.#face.layout;
  }

  get fps() {
    return this.#face.fps;
  }

  get ahead() {
    return this.#face.ahead(performance.now());
  }

  /** Media milliseconds heard now; null while unknown. */
  get mediaTime() {
    this.#listen();
    return this.#face.mediaTime(performance.now());
  }

  open() {
    return this.talk.open();
  }

  /** @returns {boolean} false, and `out` as it was, when there is no frame for this moment */
  sample(out) {
    this.#listen();
    return this.#face.sample(performance.now(), out);
  }

  close() {
    this.talk.leave();
  }

  // What the browser played last.
  #listen() {
    const receiver = this.talk.peer?.getReceivers().find(({ track }) => track.kind === "audio");
    const [packet] = receiver?.getSynchronizationSources() ?? [];
    if (packet) this.#face.hear(packet.rtpTimestamp, packet.timestamp - performance.timeOrigin);
  }

  #receive(event) {
    if (event.type === "session.created" && event.session?.flashback?.blendshapes !== true) {
      this.talk.conversation.setBlendshapes(true);
    }
    try {
      this.#face.receive(event, performance.now());
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (!this.#unreadable) this.#tell("unreadable");
      this.#unreadable = true;
    }
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
