// The question box: send, grow, correct what was heard.

import { byId } from "./elements.js";

const TALLEST_PX = 140;

/** Events: `ask` {text, corrects} (corrects: id of the question this replaces, "" when it is a new one). */
export class Composer extends EventTarget {
  #form = byId("composer");
  #box = byId("question");
  #send = byId("send");
  #label = byId("correcting");
  #corrects = "";

  constructor() {
    super();
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    this.#box.oninput = () => this.#refresh();
    this.#box.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    };
    byId("correcting-cancel").onclick = () => this.#reset();
  }

  /** Put what was heard into the box, to be corrected and asked again. */
  correct(id, text) {
    this.#corrects = id;
    this.#label.hidden = false;
    this.#box.value = text;
    this.#refresh();
    this.#box.focus();
    this.#box.select();
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  #submit() {
    const text = this.#box.value.trim();
    if (!text) return;
    const detail = { text, corrects: this.#corrects, taken: false };
    this.dispatchEvent(new CustomEvent("ask", { detail }));
    if (detail.taken) this.#reset();
  }

  #reset() {
    this.#corrects = "";
    this.#label.hidden = true;
    this.#box.value = "";
    this.#refresh();
  }

  #refresh() {
    this.#send.disabled = !this.#box.value.trim();
    this.#box.style.height = "auto";
    this.#box.style.height = `${Math.min(this.#box.scrollHeight, TALLEST_PX)}px`;
  }
}
