// The passage an answer quotes: document, place, text. A modal sheet, so Escape and focus are the browser's business.

import { byId } from "./elements.js";

export class Passage {
  #dialog = byId("passage");
  #citations = [];
  #at = 0;
  #title;

  /** @param {(document: string) => string} title a document's title */
  constructor(title) {
    this.#title = title;
    byId("passage-close").onclick = () => this.#dialog.close();
    byId("passage-back").onclick = () => this.#show(this.#at - 1);
    byId("passage-next").onclick = () => this.#show(this.#at + 1);
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#dialog.addEventListener("keydown", ({ key }) => {
      if (key === "ArrowLeft") this.#show(this.#at - 1);
      if (key === "ArrowRight") this.#show(this.#at + 1);
    });
  }

  /** @param {{index: number, document: string, place: string, text: string}[]} citations of one answer */
  open(citations, at) {
    this.#citations = citations;
    this.#show(at);
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  #show(at) {
    const citation = this.#citations[at];
    if (!citation) return;
    this.#at = at;
    byId("passage-number").textContent = String(citation.index);
    const title = this.#title(citation.document);
    byId("passage-title").textContent = title;
    byId("passage-place").textContent = citation.place.replace(`${title}, `, "");
    byId("passage-text").textContent = citation.text;
    const several = this.#citations.length > 1;
    byId("passage-count").textContent = several ? `${at + 1} of ${this.#citations.length}` : citation.document;
    const back = byId("passage-back");
    const next = byId("passage-next");
    back.hidden = next.hidden = !several;
    back.disabled = at === 0;
    next.disabled = at === this.#citations.length - 1;
  }
}
