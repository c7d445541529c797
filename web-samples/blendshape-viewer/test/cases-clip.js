// A recording: its frames on the time line, and playing in step with its sound.

import { FrameBuffer } from "../src/frames.js";
import { CHANNELS } from "../src/layouts.js";
import { Playback } from "../src/playback.js";
import { close, equal } from "./expect.js";

const frame = (value) => new Float32Array(CHANNELS).fill(value);

function filled(count, from = 0) {
  const buffer = new FrameBuffer();
  for (let i = 0; i < count; i++) buffer.push(from + i / 30, frame(i));
  return buffer;
}

function at(buffer, time) {
  const out = frame(-1);
  return buffer.sample(time, out) ? out[0] : null;
}

/** A sound of 10 s whose clock is turned by hand. */
function sound() {
  return {
    time: 0,
    duration: 10,
    playing: false,
    get ended() {
      return this.time >= this.duration;
    },
    play(from) {
      this.time = from;
      this.playing = true;
    },
    pause() {
      this.playing = false;
    },
    go(seconds) {
      if (this.playing) this.time = Math.min(this.duration, this.time + seconds);
    },
  };
}

export const cases = {
  "between two frames the face is a mix of both": () => {
    const buffer = filled(4);
    close(at(buffer, 0), 0);
    close(at(buffer, 1.25 / 30), 1.25, 1e-4);
    close(at(buffer, 3 / 30), 3);
  },
  "near the first and the last frame they are held, farther there is none": () => {
    const buffer = filled(4, 1);
    close(at(buffer, 0.95), 0);
    equal(at(buffer, 0.8), null);
    close(at(buffer, 1.1 + 0.09), 3);
    equal(at(buffer, 1.25), null);
    equal(at(new FrameBuffer(), 0), null);
  },
  "a long gap is not drawn across": () => {
    const buffer = filled(2);
    buffer.push(1, frame(9));
    equal(at(buffer, 0.5), null);
    close(at(buffer, 1 / 30 + 0.04), 1);
    close(at(buffer, 0.97), 9);
  },
  "frames that were sent twice are taken once": () => {
    const buffer = filled(30);
    equal(buffer.push(0.5, frame(99)), false);
    equal(buffer.push(29 / 30, frame(99)), false);
    equal(buffer.push(1, frame(30)), true);
    equal(buffer.length, 31);
    close(at(buffer, 0.5), 15);
  },
  "the rate is that of the time line": () => {
    close(filled(40).rate, 30, 1e-6);
    equal(filled(1).rate, null);
  },
  "a cut drops what is to come, forgetting what is past": () => {
    const buffer = filled(30);
    buffer.cut(0.5);
    close(buffer.end, 0.5);
    buffer.forget(0.4);
    equal(at(buffer, 0.1), null);
    close(at(buffer, 0.42), 12.6, 1e-3);
  },
  "sound waits for enough frames, then starts": () => {
    const [audio, frames] = [sound(), new FrameBuffer()];
    const playback = new Playback(audio, frames);
    playback.play();
    equal(playback.state, "waiting");
    frames.push(0.4, frame(0));
    playback.step();
    equal(audio.playing, false);
    frames.push(0.5, frame(0));
    playback.step();
    equal([playback.state, audio.playing], ["playing", true]);
  },
  "a recording shorter than the wait starts when its frames are complete": () => {
    const [audio, frames] = [sound(), filled(3)];
    audio.duration = 0.1;
    const playback = new Playback(audio, frames);
    frames.finish();
    playback.play();
    equal(playback.state, "playing");
  },
  "sound waits where frames run dry, and goes on from there": () => {
    const [audio, frames] = [sound(), filled(31)];
    const playback = new Playback(audio, frames);
    playback.play();
    for (let i = 0; i < 200; i++) {
      audio.go(0.01);
      playback.step();
    }
    equal([playback.state, audio.playing, playback.stalls], ["waiting", false, 1]);
    close(audio.time, 0.96, 0.02);
    frames.push(1.5, frame(0));
    playback.step();
    equal(playback.state, "waiting");
    frames.push(2.1, frame(0));
    playback.step();
    equal(playback.state, "playing");
    close(audio.time, 0.96, 0.02);
  },
  "a service that gives up in between does not stop the sound": () => {
    const [audio, frames] = [sound(), filled(31)];
    const playback = new Playback(audio, frames);
    frames.finish();
    playback.play();
    for (let i = 0; i < 1100; i++) {
      audio.go(0.01);
      playback.step();
    }
    equal([playback.state, playback.stalls], ["ended", 0]);
  },
  "played again, it begins at the start": () => {
    const [audio, frames] = [sound(), filled(301)];
    const playback = new Playback(audio, frames);
    playback.play();
    audio.go(20);
    playback.step();
    equal(playback.state, "ended");
    playback.play();
    equal([playback.state, audio.time], ["playing", 0]);
  },
  "seeking keeps playing, and waits where no frames are yet": () => {
    const [audio, frames] = [sound(), filled(61)];
    const playback = new Playback(audio, frames);
    playback.play();
    playback.seek(1);
    equal([playback.state, audio.time], ["playing", 1]);
    playback.seek(5);
    equal([playback.state, audio.time], ["waiting", 5]);
    playback.pause();
    playback.seek(-3);
    equal([playback.state, audio.time], ["paused", 0]);
  },
};
