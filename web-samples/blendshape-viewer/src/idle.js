// Signs of life: blinks, glances and a slight sway of the head.

import { placeOf } from "./layouts.js";

const BLINKS = ["eyeBlinkLeft", "eyeBlinkRight"].map(placeOf);
const LOOK = Object.fromEntries(
  ["Left", "Right"].flatMap((side) => ["Up", "Down", "In", "Out"].map((way) => [way + side, placeOf(`eyeLook${way}${side}`)])),
);
const CLOSING_S = 0.07;
const CLOSED_S = 0.04;
const OPENING_S = 0.16;
const NOTICED = 0.1;
const SWAY = [
  { pitch: 0.008, yaw: 0.02, roll: 0.01, hz: 0.071 },
  { pitch: 0.01, yaw: 0.013, roll: 0.006, hz: 0.127 },
  { pitch: 0.004, yaw: 0.006, roll: 0.004, hz: 0.263 },
];

/** How far an eye is closed, so many seconds after a blink began. */
export function blinkAt(age) {
  if (age < 0) return 0;
  if (age < CLOSING_S) return age / CLOSING_S;
  if (age < CLOSING_S + CLOSED_S) return 1;
  return Math.max(0, 1 - (age - CLOSING_S - CLOSED_S) / OPENING_S);
}

export class Idle {
  #random;
  #time = 0;
  #blink;
  #glance = { x: 0, y: 0, next: 1.5 };
  #gaze = { x: 0, y: 0 };
  #sway = 0;
  #led = false;

  /** Radians. */
  pose = { pitch: 0, yaw: 0, roll: 0 };

  /** @param {() => number} [random] 0..1 */
  constructor(random = Math.random) {
    this.#random = random;
    this.#blink = this.#between(1, 3);
  }

  /**
   * @param {number} dt seconds
   * @param {{glances: boolean, sway: number}} wanted sway: 0 keeps the head still, 1 is the usual amount
   */
  step(dt, { glances, sway }) {
    this.#time += dt;
    if (this.#time - this.#blink > CLOSING_S + CLOSED_S + OPENING_S) {
      this.#blink = this.#time + (this.#random() < 0.12 ? 0.1 : this.#between(2, 5.5));
    }
    this.#look(glances, dt);
    this.#sway += (sway - this.#sway) * Math.min(1, dt * 3);
    for (const axis of ["pitch", "yaw", "roll"]) {
      const turn = SWAY.reduce((sum, wave, i) => sum + wave[axis] * Math.sin(2 * Math.PI * wave.hz * this.#time + i * 2.1 + axis.length), 0);
      this.pose[axis] = turn * this.#sway;
    }
  }

  /**
   * Add blinks, and glances, to weights. While others make this face blink, their blinks are enough.
   * @param {Float32Array} weights changed in place
   * @param {boolean} led whether the weights are somebody's already
   */
  enliven(weights, led) {
    const blinked = BLINKS.some((place) => weights[place] > NOTICED);
    if (led && (blinked || !this.#led)) this.#blink = this.#time + this.#between(6.5, 8);
    if (!led && this.#led) this.#blink = this.#time + this.#between(1, 3);
    this.#led = led;
    const closed = blinkAt(this.#time - this.#blink);
    for (const place of BLINKS) weights[place] = Math.max(weights[place], closed);
    if (led) return;
    const { x, y } = this.#gaze;
    weights[LOOK.InLeft] = weights[LOOK.OutRight] = Math.max(0, -x);
    weights[LOOK.OutLeft] = weights[LOOK.InRight] = Math.max(0, x);
    weights[LOOK.UpLeft] = weights[LOOK.UpRight] = Math.max(0, y);
    weights[LOOK.DownLeft] = weights[LOOK.DownRight] = Math.max(0, -y);
  }

  #look(glances, dt) {
    const glance = this.#glance;
    if (this.#time > glance.next) {
      const away = glances && this.#random() < 0.6;
      glance.x = away ? this.#between(-0.2, 0.2) : 0;
      glance.y = away ? this.#between(-0.1, 0.06) : 0;
      glance.next = this.#time + (away ? this.#between(0.5, 1.4) : this.#between(1.5, 4));
    }
    const share = Math.min(1, dt / 0.04);
    this.#gaze.x += (glance.x - this.#gaze.x) * share;
    this.#gaze.y += (glance.y - this.#gaze.y) * share;
  }

  #between(low, high) {
    return low + (high - low) * this.#random();
  }
}
