// The controls of a conversation: ask, mute, stop, leave; and the small label that says what it is doing.

import { Captions } from "../../minimal-webrtc-client/captions.js";
import { byId } from "../../minimal-webrtc-client/elements.js";
import { stateWords } from "../../minimal-webrtc-client/messages.js";

/** Events: `leave`, `unsent` (a question that could not be sent), `silenced` (the browser wants a tap before it plays sound). */
export class CallDeck extends EventTarget {
  #source = null;
  #state = "idle";
  #captions = new Captions(byId("captions"));
  #question = byId("question");

  constructor() {
    super();
    byId("leave").onclick = () => this.dispatchEvent(new Event("leave"));
    byId("stop").onclick = () => this.stop();
    byId("mute").onclick = () => {
      this.#source?.talk.mute(!this.#source.talk.muted);
      this.#drawMute();
    };
    byId("composer").onsubmit = (event) => {
      event.preventDefault();
      this.#ask();
    };
    this.#question.oninput = () => {
      byId("send").disabled = !this.#question.value.trim();
    };
    this.#question.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#ask();
    };
  }

  /** Control this call. @param {import("./call-source.js").CallSource | null} source @param {string} [name] of the persona */
  open(source, name = "") {
    this.#source = source;
    this.#captions.clear();
    this.#question.value = "";
    this.#question.placeholder = `Ask ${name} a question`;
    byId("voice").srcObject = null;
    this.#show(source ? "connecting" : "idle");
    if (source) this.#follow(source);
  }

  /** Stop thinking and speaking. */
  stop() {
    if (this.#state === "thinking" || this.#state === "speaking") this.#source?.talk.conversation.stop();
  }

  /** Bring captions up to date; call for each picture. */
  draw() {
    if (this.#source) this.#captions.show(this.#source.mediaTime);
  }

  #follow(source) {
    const current = (handler) => ({ detail }) => source === this.#source && handler(detail);
    const said = (type, handler) => source.talk.conversation.addEventListener(type, current(handler));
    source.addEventListener("live", current(() => {
      this.#show("idle");
      this.#drawMute();
      if (!matchMedia("(pointer: coarse)").matches) this.#question.focus({ preventScroll: true });
    }));
    source.addEventListener("stream", current((stream) => {
      byId("voice").srcObject = new MediaStream(stream.getAudioTracks());
      byId("voice").play().catch(() => this.dispatchEvent(new Event("silenced")));
    }));
    said("state", ({ state }) => this.#show(state));
    said("words", ({ id, words }) => this.#captions.add(id, words));
    said("silence", ({ id, cut }) => this.#captions.finish(id, cut));
    said("end", ({ id, status }) => status !== "completed" && this.#captions.finish(id, true));
  }

  #ask() {
    const text = this.#question.value.trim();
    if (!text) return;
    if (!this.#source?.talk.ask(text)) {
      this.dispatchEvent(new Event("unsent"));
      return;
    }
    this.#question.value = "";
    byId("send").disabled = true;
  }

  #show(state) {
    this.#state = state;
    document.body.dataset.state = state;
    const talk = this.#source?.talk;
    byId("state-label").lastElementChild.textContent = stateWords(state, { microphone: talk?.microphone != null, muted: talk?.muted ?? false });
    byId("stop").disabled = state !== "thinking" && state !== "speaking";
  }

  #drawMute() {
    const talk = this.#source?.talk;
    const button = byId("mute");
    button.hidden = !talk?.microphone;
    button.setAttribute("aria-pressed", String(talk?.muted ?? false));
    button.querySelector("use").setAttribute("href", talk?.muted ? "#i-mic-off" : "#i-mic");
    button.querySelector("span").textContent = talk?.muted ? "Unmute" : "Mute";
    this.#show(this.#state);
  }
}
