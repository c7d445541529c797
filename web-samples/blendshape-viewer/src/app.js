// The page: whose face is shown, what leads it, and what is said when something goes wrong.

import "../../minimal-webrtc-client/style.css";
import "../../minimal-webrtc-client/stage.css";
import "../../minimal-webrtc-client/talk.css";
import "./style.css";

import { listPersonas } from "../../minimal-webrtc-client/api.js";
import { byId } from "../../minimal-webrtc-client/elements.js";
import { microphoneCode } from "../../minimal-webrtc-client/messages.js";
import { Notices, Trouble } from "../../minimal-webrtc-client/notices.js";
import { drawSwitch, rememberPersona, wantedPersona } from "../../minimal-webrtc-client/personas.js";
import { microphoneOffered } from "../../minimal-webrtc-client/sound.js";
import { CallDeck } from "./call-deck.js";
import { CallSource } from "./call-source.js";
import { ClipDeck } from "./clip-deck.js";
import { ClipSource } from "./clip-source.js";
import { Face } from "./face.js";
import { Idle } from "./idle.js";
import { CHANNELS } from "./layouts.js";
import { Panel, byName } from "./panel.js";
import { Readout } from "./readout.js";
import { Recorder } from "./recorder.js";
import { Viewport } from "./viewport.js";
import { clockTime, explainCall, explainRefusal, say } from "./words.js";

const LONGEST_STEP_S = 0.1;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const ADDRESS = new URLSearchParams(location.search);

const face = new Face();
const idle = new Idle();
const panel = new Panel();
const readout = new Readout();
const viewport = new Viewport();
const notices = new Notices(byId("notices"));
const trouble = new Trouble(byId("trouble"));
const clipDeck = new ClipDeck();
const callDeck = new CallDeck();
const log = ADDRESS.get("probe") === "1" ? [] : null;

let personas = [];
let persona = null;
/** @type {ClipSource | CallSource | null} */
let source = null;
let recorder = null;
let context = null;

// --- drawing ---------------------------------------------------------------------------------------------------------

const target = new Float32Array(CHANNELS);
let last = performance.now();

function draw(now) {
  requestAnimationFrame(draw);
  const dt = Math.min(LONGEST_STEP_S, Math.max(0, now - last) / 1000);
  last = now;
  const leader = lead();
  panel.lead(target);
  const still = STILL.matches || leader === "hand";
  idle.step(dt, { glances: !still, sway: still ? 0 : 1 });
  if (leader !== "hand") idle.enliven(target, leader === "frames");
  face.follow(leader, target, dt);
  viewport.draw(face.weights, idle.pose, now);
  panel.show(face.weights, now);
  clipDeck.draw();
  callDeck.draw();
  readout.show(source ?? {}, viewport.rate, now);
  if (recorder) showRecording();
  log?.push({ now, leader, time: source?.playback?.time ?? source?.mediaTime ?? null, rms: source?.talk?.voice?.rms ?? null, weights: Array.from(face.weights) });
}

// Who leads the face now; `target` is what it is to show.
function lead() {
  const framed = source?.sample(target) ?? false;
  if (panel.manual) target.set(panel.weights);
  else if (!framed) target.fill(0);
  return panel.manual ? "hand" : framed ? "frames" : "rest";
}

// --- what leads ------------------------------------------------------------------------------------------------------

function show(deck) {
  document.body.dataset.deck = deck;
}

/** Let go of what led the face; it eases to rest. */
function close() {
  source?.close();
  source = null;
  recorder?.cancel();
  recorder = null;
  clipDeck.source = null;
  callDeck.open(null);
  trouble.hide();
  show("choose");
}

function begin(next, deck) {
  close();
  panel.release();
  source = next;
  show(deck);
}

function sound() {
  context ??= new AudioContext({ latencyHint: "interactive" });
  context.resume();
  return context;
}

function openClip(recording, name) {
  const clip = new ClipSource(sound(), recording, name);
  begin(clip, "clip");
  clipDeck.source = clip;
  const current = (handler) => ({ detail }) => clip === source && handler(detail);
  clip.addEventListener("silent", current(() => notify("cannot-play")));
  clip.addEventListener("refused", current((error) => {
    const words = explainRefusal(error);
    if (clip.playback) {
      notices.say(words.title, words.detail);
      return;
    }
    close();
    const again = error.status >= 400 && error.status < 500 ? undefined : () => openClip(recording, name);
    trouble.show(words, { retry: again, after: error.retryAfter, leave: () => byId("file").focus() });
  }));
  return clip.open();
}

async function record() {
  if (!window.MediaRecorder) return notify("no-recorder");
  if (!microphoneOffered()) return notify("insecure-origin");
  try {
    const opened = await Recorder.open(sound());
    begin(null, "recording");
    recorder = opened;
    opened.addEventListener("done", ({ detail }) => {
      recorder = null;
      openClip(detail.blob, detail.name);
    });
    byId("record-stop").focus();
  } catch (error) {
    notify(microphoneCode(error));
  }
}

function showRecording() {
  byId("recorded").textContent = clockTime(recorder.seconds);
  byId("level").value = recorder.level;
}

function call(withMicrophone) {
  if (!window.RTCPeerConnection) return notify("unsupported");
  const opened = new CallSource({ persona: persona.id, withMicrophone, greet: ADDRESS.get("greet") !== "0" });
  begin(opened, "call");
  callDeck.open(opened, persona.name);
  const current = (handler) => ({ detail }) => opened === source && handler(detail);
  const fail = (words, after = 0) => {
    close();
    trouble.show(words, { retry: () => call(withMicrophone), after, leave: () => byId("talk").focus() });
  };
  opened.addEventListener("microphone-refused", current(notify));
  opened.addEventListener("shaky", current(() => notices.say("The connection is shaky.", "Trying to recover.")));
  opened.addEventListener("unreadable", current(() => notify("unknown-layout")));
  opened.addEventListener("lost", current((code) => fail(say(code))));
  opened.addEventListener("refused", current((error) => fail(explainCall(error), error.retryAfter)));
  const told = opened.talk.conversation;
  told.addEventListener("mishearing", current(() => notices.say("I heard a voice but no words.", "Say it again, or type it.")));
  told.addEventListener("notice", current(({ code, message }) => code !== "not_understood" && notices.say(message)));
  return opened.open();
}

function notify(code) {
  const { title, detail } = say(code);
  notices.say(title, detail);
}

// --- personas --------------------------------------------------------------------------------------------------------

async function choose(id) {
  const called = source instanceof CallSource ? source : null;
  persona = personas.find((one) => one.id === id);
  rememberPersona(id);
  drawSwitch(personas, id, choose);
  document.title = `${persona.name}: face viewer`;
  byId("conversation").href = `../?persona=${encodeURIComponent(id)}`;
  byId("talk-with").textContent = ` with ${persona.name}`;
  if (called) call(called.talk.withMicrophone);
  if (!viewport.usable) return;
  try {
    const loading = byId("loading");
    loading.textContent = `Loading ${persona.name}`;
    await viewport.show(persona.head, (share) => (loading.textContent = `Loading ${persona.name}, ${Math.round(share * 100)} %`));
    if (persona.id === id) loading.textContent = "";
  } catch {
    if (persona.id !== id) return;
    byId("loading").textContent = "";
    trouble.show(say("no-head"), { retry: () => choose(id) });
  }
}

async function welcome() {
  try {
    const list = await listPersonas();
    personas = list.personas.filter(({ head }) => head);
    if (!personas.length) {
      trouble.show(say("no-faces"));
      return;
    }
    const wanted = wantedPersona() || list.default;
    const known = personas.some(({ id }) => id === wanted);
    if (wantedPersona() && !known) notify("unknown-persona");
    for (const id of ["record", "talk", "file"]) byId(id).disabled = false;
    await choose(known ? wanted : personas[0].id);
  } catch (error) {
    trouble.show(explainCall(error), { retry: () => location.reload() });
  }
}

// --- controls --------------------------------------------------------------------------------------------------------

function wire() {
  byId("file").onchange = ({ target: input }) => {
    const [file] = input.files;
    input.value = "";
    if (file) openClip(file, file.name);
  };
  byId("record").onclick = record;
  byId("record-stop").onclick = () => recorder?.stop();
  byId("record-cancel").onclick = close;
  byId("talk").onclick = () => call(microphoneOffered());
  clipDeck.addEventListener("close", close);
  clipDeck.addEventListener("play", () => panel.release());
  callDeck.addEventListener("leave", close);
  callDeck.addEventListener("unsent", () => notices.say("Not sent.", "There is no connection at the moment."));
  callDeck.addEventListener("silenced", () => trouble.show({ title: "Tap to hear", detail: "The browser wants one more tap." }, { retry: () => byId("voice").play() }));
  viewport.addEventListener("lost", () => notices.say("The picture stopped.", "The graphics card was taken away; waiting for it to come back."));
  if (!viewport.usable) trouble.show(say("no-webgl"));
  document.addEventListener("keydown", (event) => {
    const { key, target: at, defaultPrevented } = event;
    if (defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = at.matches("input:not([type=range]), textarea");
    if (key === "Escape") callDeck.stop();
    else if (key === " " && !typing && !at.closest("button, summary, label")) clipDeck.toggle();
    else if (key === "/" && !typing) byId("find").focus();
    else return;
    if (key !== "Escape") event.preventDefault();
  });
  wireDrop();
  addEventListener("pagehide", close);
}

function wireDrop() {
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    document.body.dataset.dropping = "";
  });
  addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) delete document.body.dataset.dropping;
  });
  addEventListener("drop", (event) => {
    delete document.body.dataset.dropping;
    if (!carries(event)) return;
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file && personas.length) openClip(file, file.name);
  });
}

/** What tests look at, with `?probe=1`. `log`: for each picture when, who led, seconds or media milliseconds, a call's loudness, weights. */
function probe() {
  const viewer = {
    log,
    weights: () => byName(face.weights),
    get drawn() {
      return viewport.drawn;
    },
    get source() {
      return source;
    },
  };
  window.flashback = { viewer };
}

wire();
requestAnimationFrame(draw);
if (log) probe();
welcome();
