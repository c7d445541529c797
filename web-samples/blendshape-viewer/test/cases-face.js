// A conversation's clock and frames; who leads the face; signs of life.

import { Face } from "../src/face.js";
import { Idle, blinkAt } from "../src/idle.js";
import { CHANNELS, LAYOUTS, placeOf } from "../src/layouts.js";
import { LiveFace } from "../src/live.js";
import { RtpClock } from "../src/rtp-clock.js";
import { Sharpness } from "../src/sharpness.js";
import { close, equal, throws } from "./expect.js";

const ORIGIN = 4_294_960_000;
const LAYOUT = "arkit-52-alphabetical";
const JAW = placeOf("jawOpen");
const rtpAt = (ms) => (ORIGIN + ms * 48) % 2 ** 32;
const jawRow = (value) => LAYOUTS[LAYOUT].map((name) => (name === "jawOpen" ? value : 0));

/** A call whose media time is 1000 ms behind the page's clock. */
function call() {
  const face = new LiveFace();
  face.receive({ type: "flashback.metrics", audio_rtp_origin: ORIGIN }, 0);
  return face;
}

function jawAt(face, media) {
  const now = media + 1000;
  face.hear(rtpAt(media), now);
  const out = new Float32Array(CHANNELS).fill(-1);
  return face.sample(now, out) ? out[JAW] : null;
}

const blendshapes = (turn, generation, start, values) => ({
  type: "flashback.blendshapes", turn_id: turn, generation, start_ms: start, fps: 30, layout: LAYOUT, frames: values.map(jawRow),
});

function seconds(count, step) {
  for (let i = 0; i < count * 60; i++) step(1 / 60);
}

export const cases = {
  "media time follows the packets' stamps across their wrap": () => {
    const clock = new RtpClock();
    clock.show(rtpAt(0), 0);
    equal(clock.at(0), null);
    clock.origin = ORIGIN;
    for (let ms = 0; ms < 1000; ms += 10) clock.show(rtpAt(ms), ms + 500);
    close(clock.at(1500), 1000, 0.5);
  },
  "jitter is smoothed, a jump is followed at once": () => {
    const clock = new RtpClock();
    clock.origin = 0;
    for (let ms = 0; ms < 2000; ms += 20) clock.show(ms * 48, ms + 10 * Math.sin(ms));
    close(clock.at(2000), 2000, 6);
    clock.show(5000 * 48, 2100);
    close(clock.at(2100), 5000, 0.5);
  },
  "a moved origin moves the time at once": () => {
    const clock = new RtpClock();
    clock.origin = ORIGIN;
    for (let ms = 0; ms <= 1000; ms += 10) clock.show(rtpAt(ms), ms);
    clock.origin = rtpAt(200);
    close(clock.at(1000), 800, 0.5);
    clock.show(rtpAt(1020), 1020);
    close(clock.at(1020), 820, 0.5);
  },
  "without packets there is no time": () => {
    const clock = new RtpClock();
    clock.origin = 0;
    clock.show(0, 0);
    equal([clock.at(900), clock.at(1100)], [900, null]);
    clock.reset();
    equal(clock.at(0), null);
  },
  "a call's frames are shown at their media time": () => {
    const face = call();
    face.receive(blendshapes("t1", 0, 2000, [0, 0.3, 0.6]), 2500);
    equal(jawAt(face, 1500), null);
    close(jawAt(face, 2000), 0);
    close(jawAt(face, 2050), 0.45, 0.01);
    equal(jawAt(face, 2300), null);
    equal([face.layout, face.fps], [LAYOUT, 30]);
  },
  "parts of a turn join, and it is known for how long they last": () => {
    const face = call();
    jawAt(face, 1900);
    equal(face.ahead(2900), null);
    face.receive(blendshapes("t1", 0, 2000, [0.2, 0.2, 0.2]), 2910);
    face.receive(blendshapes("t1", 0, 2100, [0.2, 0.2, 0.2]), 2920);
    close(jawAt(face, 2083), 0.2);
    close(face.ahead(3083), 83.7, 1);
    equal(face.ahead(3400), null);
  },
  "a cut drops what was to come, of that turn and for good": () => {
    const face = call();
    face.receive(blendshapes("t1", 0, 2000, new Array(60).fill(0.5)), 2500);
    close(jawAt(face, 2500), 0.5);
    face.receive({ type: "output_audio_buffer.cleared", response_id: "resp_t1" }, 3510);
    equal(jawAt(face, 2700), null);
    face.receive(blendshapes("t1", 0, 2700, [0.5, 0.5]), 3600);
    equal(jawAt(face, 2710), null);
    face.receive(blendshapes("t2", 1, 2800, [0.4, 0.4, 0.4]), 3700);
    close(jawAt(face, 2850), 0.4);
  },
  "a cut that is told late leaves the next turn alone": () => {
    const face = call();
    face.receive(blendshapes("t1", 0, 2000, new Array(60).fill(0.9)), 2500);
    jawAt(face, 2400);
    face.receive(blendshapes("t2", 1, 2500, [0.1, 0.1, 0.1, 0.1]), 3410);
    face.receive({ type: "output_audio_buffer.cleared", response_id: "resp_t1" }, 3420);
    face.receive(blendshapes("t2", 1, 2634, [0.1, 0.1, 0.1, 0.1]), 3430);
    close(jawAt(face, 2550), 0.1);
    close(jawAt(face, 2700), 0.1);
  },
  "a newer generation replaces what an older one still had to say": () => {
    const face = call();
    face.receive(blendshapes("t1", 0, 2000, new Array(60).fill(0.9)), 2500);
    face.receive(blendshapes("t2", 1, 2500, [0.1, 0.1, 0.1, 0.1]), 2600);
    face.receive(blendshapes("t1", 0, 4000, [0.9]), 2700);
    close(jawAt(face, 2300), 0.9);
    close(jawAt(face, 2550), 0.1);
    equal(jawAt(face, 4000), null);
  },
  "an unknown layout is an error, not a grimace": () => {
    const face = call();
    throws(() => face.receive({ ...blendshapes("t1", 0, 0, [0]), layout: "mine" }, 0), RangeError);
  },
  "a new leader takes over within 120 ms, from where the face is": () => {
    const face = new Face();
    const open = new Float32Array(CHANNELS);
    open[JAW] = 0.8;
    const rest = new Float32Array(CHANNELS);
    face.follow("frames", open, 1 / 60);
    close(face.weights[JAW], 0.8);
    face.follow("rest", rest, 0.01);
    close(face.weights[JAW], 0.8, 0.05);
    let before = face.weights[JAW];
    for (let i = 0; i < 11; i++) {
      face.follow("rest", rest, 0.01);
      if (face.weights[JAW] > before + 1e-6) throw new Error("the mouth opened again");
      before = face.weights[JAW];
    }
    close(face.weights[JAW], 0, 1e-6);
  },
  "a leader is followed without delay": () => {
    const face = new Face();
    const target = new Float32Array(CHANNELS);
    for (const value of [0, 0.9, 0.1]) {
      target[JAW] = value;
      face.follow("frames", target, 1 / 60);
      close(face.weights[JAW], value);
    }
  },
  "a blink closes the eyes and opens them": () => {
    equal([blinkAt(-1), blinkAt(0), blinkAt(0.08), blinkAt(1)], [0, 0, 1, 0]);
  },
  "left alone, the face blinks 10 to 30 times a minute": () => {
    let seed = 1;
    const idle = new Idle(() => (seed = (seed * 16807) % 2147483647) / 2147483647);
    const blink = placeOf("eyeBlinkLeft");
    let [blinks, closed] = [0, false];
    seconds(60, (dt) => {
      idle.step(dt, { glances: true, sway: 1 });
      const weights = new Float32Array(CHANNELS);
      idle.enliven(weights, false);
      if (weights.some((x) => x < 0 || x > 1)) throw new Error("out of range");
      if (weights[blink] > 0.9 && !closed) blinks += 1;
      closed = weights[blink] > 0.9;
    });
    if (blinks < 10 || blinks > 30) throw new Error(`${blinks} blinks`);
  },
  "while a stream makes it blink, it does not blink by itself": () => {
    const idle = new Idle();
    const blink = placeOf("eyeBlinkLeft");
    let age = 0;
    seconds(60, (dt) => {
      idle.step(dt, { glances: true, sway: 1 });
      age = (age + dt) % 5;
      const weights = new Float32Array(CHANNELS);
      weights[blink] = age < 0.2 ? 0.8 : 0;
      const sent = weights.slice();
      idle.enliven(weights, true);
      equal(weights, sent);
    });
  },
  "the head sways little, and not at all when it is not wanted": () => {
    const idle = new Idle();
    seconds(30, (dt) => {
      idle.step(dt, { glances: true, sway: 1 });
      if (Object.values(idle.pose).some((turn) => Math.abs(turn) > 0.05)) throw new Error("too far");
    });
    seconds(10, (dt) => idle.step(dt, { glances: false, sway: 0 }));
    for (const turn of Object.values(idle.pose)) close(turn, 0, 1e-3);
  },
  "a slow machine draws fewer pixels, a fast one all": () => {
    const [slow, fast, fixed] = [new Sharpness(2), new Sharpness(3), new Sharpness(1, { fixed: true, software: true })];
    for (let i = 0; i < 100; i++) {
      slow.drawn(i * 120);
      fast.drawn(i * 16);
      fixed.drawn(i * 900);
    }
    equal([slow.ratio, fast.ratio, fixed.ratio], [0.5, 2, 1]);
    close(fast.rate, 62.5, 0.1);
  },
  "one long frame is no slow machine": () => {
    const sharpness = new Sharpness(1);
    for (let i = 0, now = 0; i < 100; i++) sharpness.drawn((now += i % 10 ? 16 : 300));
    equal(sharpness.ratio, 1);
  },
};
