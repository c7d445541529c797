// The conversation as the page understands it: server events in, what the views show out.
// Wire names are those of the OpenAI Realtime GA API; `flashback.*` is the server's own namespace.

const turnOf = (responseId) => responseId.replace(/^resp_/, "");

/**
 * Events (detail in brackets): `state` {state}, `question` {id, text, recogniser, confidence}, `answer` {id},
 * `text` {id, delta}, `words` {id, words}, `citation` {id, index, document, place, text}, `voice` {id} (speech began to
 * play), `silence` {id, cut} (it ended), `end` {id, status, heard, refused, message}, `user-voice` {on}, `mishearing` {},
 * `metrics` {...}, `notice` {code, message}, `started` {}.
 */
export class Conversation extends EventTarget {
  #send;
  #active = new Set();
  #playing = new Set();

  /** @param {(event: object) => boolean} send */
  constructor(send) {
    super();
    this.#send = send;
  }

  /** An answer is being thought about or spoken. */
  get busy() {
    return this.#active.size > 0 || this.#playing.size > 0;
  }

  /**
   * Ask a question. The server interrupts by itself whatever it is saying.
   * @param {string} text
   * @param {string} [recogniser] what turned speech into these words, when they were not typed
   * @returns {boolean} false when there is no connection
   */
  ask(text, recogniser) {
    const id = `item_${crypto.getRandomValues(new Uint32Array(2)).join("")}`;
    const item = { id, type: "message", role: "user", content: [{ type: "input_text", text }] };
    if (!this.#send({ type: "conversation.item.create", item })) return false;
    this.#send({ type: "response.create" });
    this.#tell("question", { id, text, recogniser });
    return true;
  }

  /** Stop thinking and speaking. */
  stop() {
    this.#send({ type: "response.cancel" });
    this.#send({ type: "output_audio_buffer.clear" });
  }

  /** Whether the server should recognise speech ("on"), or the browser does ("off"). */
  setEars(ears) {
    this.#send({ type: "session.update", session: { type: "realtime", flashback: { ears } } });
  }

  /** Whether the face is to be sent as numbers (`flashback.blendshapes`). */
  setBlendshapes(on) {
    this.#send({ type: "session.update", session: { type: "realtime", flashback: { blendshapes: on } } });
  }

  /** Take one server event; unknown types are left alone. */
  receive(event) {
    this.#handlers[event.type]?.(event);
  }

  #handlers = {
    "session.created": () => this.#tell("started", {}),
    "flashback.state": ({ state }) => this.#tell("state", { state }),
    "input_audio_buffer.speech_started": () => this.#tell("user-voice", { on: true }),
    "input_audio_buffer.speech_stopped": () => this.#tell("user-voice", { on: false }),
    "flashback.heard": ({ item_id: id, transcript, recogniser, confidence }) => {
      if (!transcript) this.#tell("mishearing", {});
      else this.#question({ id, text: transcript, recogniser, confidence });
    },
    "conversation.item.input_audio_transcription.completed": ({ item_id: id, transcript }) => {
      if (transcript) this.#question({ id, text: transcript, recogniser: "" });
    },
    "response.created": ({ response }) => {
      const id = turnOf(response.id);
      this.#active.add(id);
      this.#tell("answer", { id });
    },
    "response.output_audio_transcript.delta": ({ response_id: id, delta }) => this.#tell("text", { id: turnOf(id), delta }),
    "flashback.caption": ({ turn_id: id, words }) => this.#tell("words", { id, words }),
    "flashback.citation": ({ turn_id: id, index, document, place, text }) =>
      this.#tell("citation", { id, index, document, place, text }),
    "output_audio_buffer.started": ({ response_id: id }) => {
      this.#playing.add(turnOf(id));
      this.#tell("voice", { id: turnOf(id) });
    },
    "output_audio_buffer.stopped": ({ response_id: id }) => this.#silence(turnOf(id), false),
    "output_audio_buffer.cleared": ({ response_id: id }) => this.#silence(turnOf(id), true),
    "response.done": ({ response }) => this.#end(response),
    "flashback.metrics": ({ type: _, event_id: __, ...values }) => this.#tell("metrics", values),
    "flashback.notice": ({ code, message }) => this.#tell("notice", { code, message }),
    error: ({ error }) => this.#tell("notice", { code: error?.code ?? "error", message: error?.message ?? "" }),
  };

  #question(question) {
    this.#tell("question", question);
  }

  #silence(id, cut) {
    this.#playing.delete(id);
    this.#tell("silence", { id, cut });
  }

  #end(response) {
    const id = turnOf(response.id);
    this.#active.delete(id);
    if (response.status !== "completed") this.#playing.delete(id);
    this.#tell("end", {
      id,
      status: response.status,
      heard: response.flashback?.heard,
      refused: response.flashback?.refused === true,
      message: response.status_details?.error?.message ?? "",
    });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
