// What was said, with numbered sources under each answer.

import { icon, make } from "./elements.js";

const NEAR_BOTTOM_PX = 160;

/**
 * Events: `edit` {id, text} (correct what was heard), `cite` {citations, at} (open a source).
 */
export class Transcript extends EventTarget {
  #list;
  #scroller;
  #title;
  #questions = new Map();
  #answers = new Map();

  /**
   * @param {HTMLOListElement} list
   * @param {HTMLElement} scroller what scrolls it
   * @param {(document: string) => string} title a document's title
   */
  constructor(list, scroller, title) {
    super();
    this.#list = list;
    this.#scroller = scroller;
    this.#title = title;
  }

  get empty() {
    return this.#list.childElementCount === 0;
  }

  /** A question, typed or heard; heard ones name the recogniser and can be corrected. */
  question({ id, text, recogniser, confidence }) {
    const heard = recogniser !== undefined;
    const entry = this.#questions.get(id) ?? this.#add("you");
    this.#questions.set(id, entry);
    entry.replaceChildren(entry.firstElementChild, make("p", { class: "said", text }));
    if (heard) {
      const how = recogniser ? `Heard by ${recogniser.split(",")[0]}` : "Heard";
      const unsure = confidence !== undefined && confidence < 0.4 ? ", not sure" : "";
      const edit = make("button", { type: "button", class: "link", "aria-label": `Edit what was heard: ${text}` }, icon("edit"), "Edit");
      edit.onclick = () => this.#tell("edit", { id, text });
      entry.append(make("p", { class: "meta" }, `${how}${unsure}`, edit));
    }
    this.#settle(true);
  }

  /** A corrected question no longer counts. */
  corrected(id) {
    const entry = this.#questions.get(id);
    if (!entry) return;
    entry.classList.add("corrected");
    entry.querySelector(".meta")?.replaceChildren("Corrected below");
  }

  /** An answer begins: three dots until its first words. */
  answer(id) {
    const entry = this.#add("avatar");
    const said = make("p", { class: "said" });
    const dots = make("span", { class: "dots", role: "img", "aria-label": "Thinking" }, make("i"), make("i"), make("i"));
    said.append(dots);
    const sources = make("div", { class: "sources" });
    entry.append(said, sources);
    this.#answers.set(id, { entry, said, sources, text: "", citations: [] });
    this.#settle(true);
  }

  text(id, delta) {
    const answer = this.#answers.get(id);
    if (!answer) return;
    answer.text += delta;
    answer.said.textContent = answer.text.trim();
    this.#settle(false);
  }

  /** A source of an answer: {index, document, place, text}. */
  citation(id, citation) {
    const answer = this.#answers.get(id);
    if (!answer || answer.citations.some((known) => known.index === citation.index)) return;
    const at = answer.citations.push(citation) - 1;
    const title = this.#title(citation.document);
    const chip = make(
      "button",
      { type: "button", class: "source", "aria-label": `Source ${citation.index}: ${title}, ${citation.place}` },
      make("b", { text: String(citation.index) }),
      make("span", { text: title }),
    );
    chip.onclick = () => this.#tell("cite", { citations: answer.citations, at });
    answer.sources.append(chip);
    this.#settle(false);
  }

  /** An answer is over. What was cut is shown as far as it was heard. */
  end(id, { status, heard, refused, message }) {
    const answer = this.#answers.get(id);
    if (!answer) return;
    const { entry, said } = answer;
    if (status === "cancelled") {
      const kept = (heard ?? answer.text).trim();
      said.textContent = kept ? `${kept} …` : "";
      entry.append(make("p", { class: "meta", text: kept ? "Stopped here" : "Stopped before speaking" }));
      if (!kept) answer.sources.remove();
    } else if (status === "failed") {
      if (!answer.text) said.textContent = "";
      entry.append(make("p", { class: "meta bad", text: message || "The answer failed. Ask again." }));
    } else if (!answer.text) {
      entry.remove();
    }
    entry.classList.toggle("refused", refused);
    this.#settle(false);
  }

  /** The call is over: answers that never began are taken away. */
  abandon() {
    for (const { entry, text } of this.#answers.values()) if (!text && entry.querySelector(".dots")) entry.remove();
  }

  /** The text of an answer so far. */
  textOf(id) {
    return this.#answers.get(id)?.text.trim() ?? "";
  }

  clear() {
    this.#list.replaceChildren();
    this.#questions.clear();
    this.#answers.clear();
  }

  #add(who) {
    const entry = make("li", { class: who }, make("span", { class: "hidden", text: who === "you" ? "You:" : "Answer:" }));
    this.#list.append(entry);
    return entry;
  }

  #settle(always) {
    if (this.#list.childElementCount < 2) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    if (always || scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX) this.#scroller.scrollTop = scrollHeight;
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
