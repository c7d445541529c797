// Short notices at the edge, and trouble written over the picture with a way out.

import { make } from "./elements.js";

const SHOWN_MS = 7000;

export class Notices {
  #box;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  /** Say something for a few seconds; the same words are not said twice at once. */
  say(title, detail = "") {
    if ([...this.#box.children].some((shown) => shown.dataset.title === title + detail)) return;
    const notice = make("div", { class: "notice", "data-title": title + detail }, make("strong", { text: title }));
    if (detail) notice.append(" ", make("span", { text: detail }));
    const close = make("button", { type: "button", class: "link", text: "OK" });
    close.onclick = () => notice.remove();
    notice.append(close);
    this.#box.append(notice);
    setTimeout(() => notice.remove(), SHOWN_MS);
  }

  clear() {
    this.#box.replaceChildren();
  }
}

export class Trouble {
  #box;
  #timer = 0;

  /** @param {HTMLElement} box over the picture, role="alert" */
  constructor(box) {
    this.#box = box;
  }

  /**
   * @param {{title: string, detail: string}} words
   * @param {{retry?: () => void, after?: number, leave?: () => void}} [ways] after: seconds until it retries by itself; 0 waits for a tap
   */
  show(words, { retry, after = 0, leave } = {}) {
    this.hide();
    const actions = make("div", { class: "actions" });
    const again = make("button", { type: "button", class: "primary" });
    const go = () => {
      this.hide();
      retry();
    };
    if (retry) {
      again.textContent = after ? "Try now" : "Try again";
      again.onclick = go;
      actions.append(again);
    }
    if (leave) {
      const away = make("button", { type: "button", class: "secondary", text: after ? "Cancel" : "Close" });
      away.onclick = () => {
        this.hide();
        leave();
      };
      actions.append(away);
    }
    const countdown = make("p", { class: "countdown", "aria-live": "off" });
    this.#box.replaceChildren(make("h2", { text: words.title }), make("p", { text: words.detail }), countdown, actions);
    this.#box.hidden = false;
    if (retry && after) this.#count(after, countdown, go);
  }

  hide() {
    clearInterval(this.#timer);
    this.#box.hidden = true;
    this.#box.replaceChildren();
  }

  #count(seconds, line, go) {
    let left = Math.ceil(seconds);
    const tick = () => {
      line.textContent = `Trying again in ${left} s`;
      if (left <= 0) go();
      left -= 1;
    };
    tick();
    this.#timer = setInterval(tick, 1000);
  }
}
