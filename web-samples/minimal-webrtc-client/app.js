// The page: which phase it is in, and who is told what. Phases: welcome, connecting, live, trouble.

import { listDocuments, listPersonas } from "./api.js";
import { AnswerTimer } from "./answer-timer.js";
import { Captions } from "./captions.js";
import { Composer } from "./composer.js";
import { DeviceEars, deviceEarsOffered } from "./device-ears.js";
import { byId } from "./elements.js";
import { Gauges } from "./gauges.js";
import { MediaClock } from "./media-clock.js";
import { codeOf, explain, stateWords } from "./messages.js";
import { Notices, Trouble } from "./notices.js";
import { Passage } from "./passage.js";
import { drawSwitch, introduce, rememberPersona, showKnowledge, wantedPersona } from "./personas.js";
import { microphoneOffered } from "./sound.js";
import { Stage } from "./stage.js";
import { Talk } from "./talk.js";
import { Transcript } from "./transcript.js";

const AUTOMATIC_RETRIES = 3;
const SETTLED_MS = 30000;
const GREET = new URLSearchParams(location.search).get("greet") !== "0";

const parts = { picture: document.querySelector(".picture"), poster: byId("poster"), video: byId("video"), still: byId("still") };
const titles = new Map();
const titleOf = (document) => titles.get(document) ?? document;
const clock = new MediaClock();
const captions = new Captions(byId("captions"));
const transcript = new Transcript(byId("transcript"), byId("scroll"), titleOf);
const passage = new Passage(titleOf);
const notices = new Notices(byId("notices"));
const trouble = new Trouble(byId("trouble"));
const composer = new Composer();
const stage = new Stage(parts, (metadata) => {
  clock.show(metadata);
  captions.show(clock.now);
});

let personas = [];
let persona = null;
let talk = null;
let state = "idle";
let retries = 0;
let liveSince = Infinity;
let probe = null;
let waiting = "";

const answers = new AnswerTimer(() => talk?.voice?.rms ?? 0);
const gauges = new Gauges(byId("gauges"), { peer: () => talk?.peer ?? null, answers });

// --- phases ----------------------------------------------------------------------------------------------------------

function phase(name) {
  document.body.dataset.phase = name;
  if (name !== "live") showState(name === "connecting" ? "connecting" : "idle");
  document.body.toggleAttribute("data-talked", name === "live" || !transcript.empty);
  byId("knows").hidden = !transcript.empty;
}

function showState(next) {
  state = next;
  document.body.dataset.state = next;
  const call = { microphone: talk?.microphone != null, muted: talk?.muted ?? false };
  byId("state-label").lastElementChild.textContent = stateWords(next, call);
  const source = { listening: talk?.ear, speaking: talk?.voice }[next];
  stage.follow(source ? () => source.level : null);
  byId("stop").disabled = next !== "thinking" && next !== "speaking";
}

async function connect(withMicrophone) {
  trouble.hide();
  end();
  phase("connecting");
  talk = new Talk({ persona: persona.id, withMicrophone, greet: GREET && transcript.empty && !waiting });
  follow(talk);
  await talk.open();
}

function end() {
  const old = talk;
  talk = null;
  old?.leave();
  answers.stop();
  captions.clear();
  transcript.abandon();
  clock.reset();
}

function goodbye() {
  end();
  stage.reset();
  transcript.clear();
  waiting = "";
  notices.clear();
  phase("welcome");
  byId("start-talking").focus();
}

function fail(code, { detail = "", after = 0 } = {}) {
  const withMicrophone = talk?.withMicrophone ?? false;
  if (performance.now() - liveSince > SETTLED_MS) retries = 0;
  liveSince = Infinity;
  stage.hold();
  end();
  phase("trouble");
  const network = code === "disconnected" || code === "ice-failed" || code === "unreachable" || code === "channel-closed";
  if (network && retries < AUTOMATIC_RETRIES) {
    retries += 1;
    after = 2 ** retries;
  }
  const retry = code === "unsupported" ? undefined : () => connect(withMicrophone);
  trouble.show(explain(code, detail), { retry, after, leave: goodbye });
}

// --- a call ----------------------------------------------------------------------------------------------------------

function follow(call) {
  probe?.attach(call);
  const current = (handler) => (event) => {
    if (call === talk) handler(event.detail);
  };
  const on = (type, handler) => call.addEventListener(type, current(handler));
  const said = (type, handler) => call.conversation.addEventListener(type, current(handler));

  on("stream", async (stream) => {
    try {
      await stage.play(stream);
    } catch (error) {
      if (error.name === "AbortError") return;
      trouble.show({ title: "Tap to hear and see", detail: "The browser wants one more tap." }, { retry: () => stage.play(stream) });
    }
  });
  on("live", () => {
    liveSince = performance.now();
    trouble.hide();
    phase("live");
    showState("idle");
    drawMute();
    offerDeviceEars();
    if (!matchMedia("(pointer: coarse)").matches) composer.focus();
    if (waiting) ask(waiting);
    waiting = "";
  });
  on("microphone-refused", (code) => {
    const { title, detail } = explain(code);
    notices.say(title, detail);
  });
  on("shaky", () => notices.say("The connection is shaky.", "Trying to recover."));
  on("lost", (code) => fail(code));
  on("refused", (error) => fail(codeOf(error), { detail: error.retryAfter ? "" : error.message, after: error.retryAfter }));

  said("state", ({ state: next }) => showState(next));
  said("question", (question) => {
    byId("knows").hidden = true;
    transcript.question(question);
    if (question.recogniser !== undefined) announce(`Heard: ${question.text}`);
  });
  said("user-voice", ({ on: speaking }) => {
    if (!speaking) answers.start();
  });
  said("mishearing", () => notices.say("I heard a voice but no words.", "Say it again, or type it."));
  said("answer", ({ id }) => transcript.answer(id));
  said("text", ({ id, delta }) => transcript.text(id, delta));
  said("words", ({ id, words }) => {
    captions.add(id, words);
    captions.show(clock.now);
  });
  said("citation", ({ id, ...citation }) => transcript.citation(id, citation));
  said("silence", ({ id, cut }) => captions.finish(id, cut));
  said("end", ({ id, ...how }) => {
    if (how.status === "completed") announce(transcript.textOf(id));
    transcript.end(id, how);
    if (how.status !== "completed") captions.finish(id, true);
  });
  said("metrics", (values) => {
    clock.origin = values.video_rtp_origin;
    gauges.server(values);
  });
  said("notice", ({ code, message }) => {
    if (code !== "not_understood") notices.say(message);
  });
}

function ask(text, corrects = "") {
  if (document.body.dataset.phase === "connecting") {
    waiting = text;
    return true;
  }
  if (!talk?.ask(text)) {
    notices.say("Not sent.", "There is no connection at the moment.");
    return false;
  }
  answers.start();
  if (corrects) transcript.corrected(corrects);
  if (state === "idle") showState("thinking");
  return true;
}

function announce(words) {
  byId("announcer").textContent = words;
}

// --- controls --------------------------------------------------------------------------------------------------------

function drawMute() {
  const button = byId("mute");
  const muted = talk?.muted ?? false;
  const absent = !talk?.microphone;
  button.hidden = absent && !microphoneOffered();
  button.setAttribute("aria-pressed", String(muted));
  button.querySelector("use").setAttribute("href", muted || absent ? "#i-mic-off" : "#i-mic");
  button.querySelector("span").textContent = absent ? "Use mic" : muted ? "Unmute" : "Mute";
}

function toggleMute() {
  if (!talk) return;
  if (talk.microphone) {
    talk.mute(!talk.muted);
    drawMute();
    showState(state);
  } else {
    stage.hold();
    connect(true);
  }
}

function stop() {
  if (talk?.conversation.busy || state === "thinking" || state === "speaking") talk?.conversation.stop();
}

async function offerDeviceEars() {
  const label = byId("device-ears");
  const box = label.querySelector("input");
  box.checked = false;
  label.hidden = !talk?.microphone || !(await deviceEarsOffered());
  const call = talk;
  if (!call?.microphone) return;
  const ears = new DeviceEars(call.microphone, {
    words: (text) => call.ask(text, "this device") && answers.start(),
    lost: () => box.click(),
  });
  call.addEventListener("left", () => ears.stop());
  box.onchange = () => {
    if (box.checked) ears.start();
    else ears.stop();
    call.conversation.setEars(box.checked ? "off" : "on");
  };
}

function wire() {
  byId("start-talking").onclick = () => connect(true);
  byId("type-only").onclick = () => connect(false);
  byId("leave").onclick = goodbye;
  byId("stop").onclick = stop;
  byId("mute").onclick = toggleMute;
  byId("gauges-toggle").onclick = ({ currentTarget }) => {
    const open = currentTarget.getAttribute("aria-expanded") !== "true";
    currentTarget.setAttribute("aria-expanded", String(open));
    gauges.toggle(open);
  };
  document.addEventListener("keydown", ({ key, defaultPrevented }) => {
    if (key === "Escape" && !defaultPrevented && !document.querySelector("dialog[open]")) stop();
  });
  composer.addEventListener("ask", ({ detail }) => {
    detail.taken = ask(detail.text, detail.corrects);
  });
  transcript.addEventListener("edit", ({ detail }) => composer.correct(detail.id, detail.text));
  transcript.addEventListener("cite", ({ detail }) => passage.open(detail.citations, detail.at));
  visualViewport?.addEventListener("resize", () => {
    if (visualViewport.scale === 1) document.body.style.height = `${visualViewport.height}px`;
  });
  addEventListener("pagehide", () => {
    stage.hold();
    end();
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) goodbye();
  });
}

// --- personas --------------------------------------------------------------------------------------------------------

function choose(id) {
  const live = document.body.dataset.phase === "live" ? talk : null;
  const withMicrophone = live?.withMicrophone ?? false;
  if (talk) goodbye();
  persona = personas.find((one) => one.id === id);
  rememberPersona(id);
  drawSwitch(personas, id, choose);
  introduce(persona);
  stage.portrait(persona.portrait, persona.name);
  byId("viewer").href = `viewer/?persona=${encodeURIComponent(id)}`;
  if (live) connect(withMicrophone);
  learn(persona);
}

async function learn({ id, name }) {
  const knowledge = await listDocuments(id).catch(() => ({ documents: [], suggestions: [] }));
  if (persona.id !== id) return;
  for (const { document, title } of knowledge.documents) titles.set(document, title);
  showKnowledge(knowledge, name, (question) => ask(question));
}

function welcome() {
  if (!window.RTCPeerConnection) {
    trouble.show(explain("unsupported"));
    return;
  }
  const talking = microphoneOffered();
  byId("start-talking").disabled = !talking;
  byId("type-only").disabled = false;
  if (!talking) {
    const { title, detail } = explain("insecure-origin");
    byId("welcome-note").textContent = `${title}. ${detail} An AI speaks to you here: face and voice are generated.`;
  }
}

async function begin() {
  wire();
  if (new URLSearchParams(location.search).get("probe") === "1") {
    const { Probe } = await import("./probe.js");
    probe = new Probe(parts.video);
  }
  try {
    const list = await listPersonas();
    personas = list.personas;
    const wanted = wantedPersona() || list.default;
    const known = personas.some(({ id }) => id === wanted);
    const { title, detail } = explain("unknown-persona");
    if (!known) notices.say(title, detail);
    choose(known ? wanted : list.default);
    welcome();
  } catch (error) {
    trouble.show(explain(codeOf(error), error.message), { retry: () => location.reload() });
  }
}

begin();
