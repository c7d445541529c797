// Captions over the picture, word by word on the media clock.

import { make } from "./elements.js";

const FULL_CHARS = 56;
const LAST_WORD_CHARS = 16;
const ENOUGH_CHARS = 28;
const LINGER_MS = 1200;

/**
 * Cut timed words into what fits on the picture at once: at sentence ends, at a comma once there is enough, or where it
 * is full. Words come in while they are spoken: a cut, once made, stays where it is.
 */
export function cues(words) {
  const all = [];
  let open = false;
  let length = 0;
  for (const word of words) {
    const ends = /[.!?]["”’)]?$/.test(word.text);
    const limit = ends ? FULL_CHARS + LAST_WORD_CHARS : FULL_CHARS;
    if (!open || length + word.text.length > limit) {
      all.push([]);
      length = 0;
    }
    all.at(-1).push(word);
    length += word.text.length + 1;
    open = !ends && !(length >= ENOUGH_CHARS && /[,;:]$/.test(word.text));
  }
  return all;
}

export class Captions {
  #box;
  #turn = "";
  #words = [];
  #cues = [];
  #shown = null;
  #spans = [];
  #hiding = 0;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  /** Words of a turn, in spoken order; times in media milliseconds. A new turn replaces the last one's. */
  add(turn, words) {
    if (turn !== this.#turn) {
      this.clear();
      this.#turn = turn;
    }
    clearTimeout(this.#hiding);
    this.#words.push(...words);
    this.#cues = cues(this.#words);
    this.#shown = null;
  }

  /** Draw for this media time; null shows the newest words at once. */
  show(now) {
    if (!this.#cues.length) return;
    let cue = this.#cues[0];
    if (now === null) cue = this.#cues.at(-1);
    else for (const next of this.#cues) if (next[0].start_ms <= now) cue = next;
    if (cue !== this.#shown) this.#draw(cue);
    for (const [i, span] of this.#spans.entries()) {
      span.toggleAttribute("data-said", now === null || cue[i].start_ms <= now);
    }
  }

  /** The turn's last word has been spoken, or it was cut: leave what was said for a moment, then go. */
  finish(turn, cut) {
    if (turn !== this.#turn) return;
    if (cut) for (const span of this.#spans) if (!span.hasAttribute("data-said")) span.remove();
    this.#words = [];
    this.#cues = [];
    clearTimeout(this.#hiding);
    this.#hiding = setTimeout(() => this.clear(), cut ? LINGER_MS / 2 : LINGER_MS);
  }

  clear() {
    clearTimeout(this.#hiding);
    this.#turn = "";
    this.#words = [];
    this.#cues = [];
    this.#spans = [];
    this.#shown = null;
    this.#box.replaceChildren();
  }

  #draw(cue) {
    this.#shown = cue;
    this.#spans = cue.map((word) => make("span", { text: word.text }));
    const line = make("p");
    for (const span of this.#spans) line.append(span, " ");
    this.#box.replaceChildren(line);
  }
}
