// One call together with its microphone, its loudness meters and its conversation.

import { Call } from "./call.js";
import { Conversation } from "./conversation.js";
import { microphoneCode } from "./messages.js";
import { LoudnessMeter, openMicrophone } from "./sound.js";

/**
 * Events: `stream` (MediaStream), `live`, `microphone-refused` (code), `shaky`, `lost` (code), `refused` (ServerError),
 * `left`, `received` and `sent` (the events on the data channel, for whoever watches).
 */
export class Talk extends EventTarget {
  #wanted;
  #call = new Call();
  #context = null;
  #microphone = null;
  #left = false;

  /** Loudness of the avatar's voice and of the microphone; null while there is none. */
  voice = null;
  ear = null;

  /**
   * @param {{persona: string, withMicrophone: boolean, greet: boolean, blendshapes?: boolean}} wanted greet: the avatar
   *   speaks first; blendshapes: its face is sent as numbers too
   */
  constructor({ persona, withMicrophone, greet, blendshapes }) {
    super();
    this.#wanted = { persona, greet, blendshapes };
    this.withMicrophone = withMicrophone;
    this.conversation = new Conversation((event) => this.#send(event));
  }

  get peer() {
    return this.#call.peer;
  }

  /** The microphone's track, null when there is none. */
  get microphone() {
    return this.#microphone?.getAudioTracks()[0] ?? null;
  }

  get muted() {
    return this.microphone?.enabled === false;
  }

  /** Open microphone and call. Call from a tap: browsers hand out sound only then. Never throws; see `refused`. */
  async open() {
    this.#context = new AudioContext({ latencyHint: "interactive" });
    this.#context.resume();
    if (this.withMicrophone) await this.#listen();
    if (this.#left) return;
    this.#follow();
    try {
      await this.#call.open(this.#wanted, this.microphone);
    } catch (error) {
      this.#tell("refused", error);
    }
  }

  /** Ask a question; `recogniser` names what heard it, when it was spoken. False when there is no connection. */
  ask(text, recogniser) {
    return this.conversation.ask(text, recogniser);
  }

  mute(muted) {
    if (this.microphone) this.microphone.enabled = !muted;
  }

  /** Hang up and let go of the microphone. */
  leave() {
    this.#left = true;
    this.#tell("left");
    this.#call.leave();
    for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    this.voice?.close();
    this.ear?.close();
    if (this.#context?.state !== "closed") this.#context?.close();
  }

  async #listen() {
    try {
      this.#microphone = await openMicrophone();
      if (this.#left) this.leave();
      else this.ear = new LoudnessMeter(this.#context, this.#microphone);
    } catch (error) {
      this.withMicrophone = false;
      this.#tell("microphone-refused", microphoneCode(error));
    }
  }

  #follow() {
    const pass = (type) => this.#call.addEventListener(type, ({ detail }) => this.#tell(type, detail));
    pass("shaky");
    pass("lost");
    this.#call.addEventListener("stream", ({ detail: stream }) => {
      this.voice = new LoudnessMeter(this.#context, new MediaStream(stream.getAudioTracks()));
      this.#tell("stream", stream);
    });
    this.#call.addEventListener("ready", () => this.#tell("live"));
    this.#call.addEventListener("message", ({ detail: event }) => {
      this.#tell("received", event);
      this.conversation.receive(event);
    });
  }

  #send(event) {
    const sent = this.#call.send(event);
    if (sent) this.#tell("sent", event);
    return sent;
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
