// The panel of the 52 sliders: what they show, and what a hand moves them to.

import { byId, make } from "../../minimal-webrtc-client/elements.js";
import { ARKIT_52, CHANNELS, GROUPS, placeOf } from "./layouts.js";

const REDRAW_MS = 50;
const SEEN = 0.005;

export class Panel {
  #rows = [];
  #shown = new Float32Array(CHANNELS).fill(-1);
  #drawn = -Infinity;
  #led = new Float32Array(CHANNELS);
  #switch = byId("manual");

  /** Where the sliders were put by hand, in ARKit's order. */
  weights = new Float32Array(CHANNELS);

  constructor() {
    byId("groups").replaceChildren(...GROUPS.map((group) => this.#group(group)), make("p", { class: "none", text: "No shape of that name.", hidden: true }));
    byId("find").oninput = ({ target }) => this.#find(target.value.trim().toLowerCase());
    this.#switch.onchange = () => {
      if (this.manual) this.weights.set(this.#led);
      this.#take(this.manual);
    };
    byId("reset").onclick = () => {
      this.weights.fill(0);
      this.#take(true);
      this.#draw(this.weights);
    };
  }

  /** Whether the sliders lead the face. */
  get manual() {
    return this.#switch.checked;
  }

  /** Let go of the sliders, since something else is to lead. */
  release() {
    this.#take(false);
  }

  /** What a hand takes over from: the face as it is led, without blinks and glances of its own. */
  lead(weights) {
    this.#led.set(weights);
  }

  /** Show these weights; a few times a second are enough for the eye. */
  show(weights, now) {
    if (now - this.#drawn < REDRAW_MS) return;
    this.#drawn = now;
    this.#draw(this.manual ? this.weights : weights);
  }

  #take(manual) {
    this.#switch.checked = manual;
    byId("panel").toggleAttribute("data-manual", manual);
  }

  #draw(weights) {
    for (let place = 0; place < CHANNELS; place++) {
      const value = weights[place];
      if (Math.abs(value - this.#shown[place]) < SEEN) continue;
      this.#shown[place] = value;
      const { row, slider, output } = this.#rows[place];
      slider.value = value;
      row.style.setProperty("--value", value.toFixed(3));
      output.textContent = value.toFixed(2);
      row.toggleAttribute("data-moved", value >= SEEN * 2);
    }
  }

  #group({ title, names }) {
    const rows = names.map((name) => this.#row(name));
    return make("details", { open: true }, make("summary", {}, make("span", { text: title }), make("small", { text: String(names.length) })), ...rows);
  }

  #row(name) {
    const place = placeOf(name);
    const slider = make("input", { type: "range", id: `s-${name}`, min: "0", max: "1", step: "0.01", value: "0" });
    const output = make("output", { for: `s-${name}`, text: "0.00" });
    const row = make("div", { class: "shape", "data-name": name.toLowerCase() }, make("label", { for: `s-${name}`, text: name }), slider, output);
    slider.oninput = () => {
      if (!this.manual) {
        this.weights.set(this.#led);
        this.#take(true);
      }
      this.weights[place] = slider.valueAsNumber;
      this.#draw(this.weights);
    };
    this.#rows[place] = { row, slider, output };
    return row;
  }

  #find(text) {
    let found = 0;
    for (const group of byId("groups").querySelectorAll("details")) {
      let here = 0;
      for (const row of group.querySelectorAll(".shape")) {
        row.hidden = !row.dataset.name.includes(text);
        here += row.hidden ? 0 : 1;
      }
      group.hidden = here === 0;
      if (text && here) group.open = true;
      found += here;
    }
    byId("groups").querySelector(".none").hidden = found > 0;
  }
}

/** Weights by name, for whoever looks on from outside. */
export function byName(weights) {
  return Object.fromEntries(ARKIT_52.map((name, place) => [name, weights[place]]));
}
