// What comes over the wire: events, layouts, frames.

import { ARKIT_52, CHANNELS, GROUPS, LAYOUTS, placeOf, reorder } from "../src/layouts.js";
import { parse } from "../src/service.js";
import { EventParser } from "../src/sse.js";
import { ServerError } from "../../minimal-webrtc-client/api.js";
import { equal, close, throws } from "./expect.js";

const STREAM = ': hello\r\n\r\ndata: [1,\ndata:  2]\n\nevent: end\ndata: é\n\nid: 3\n\ndata\n\n';
const EVENTS = [
  { name: "message", data: "[1,\n 2]" },
  { name: "end", data: "é" },
  { name: "message", data: "" },
];

const inPieces = (text, size) => {
  const parser = new EventParser();
  const events = [];
  for (let i = 0; i < text.length; i += size) events.push(...parser.push(text.slice(i, i + size)));
  return events;
};

const counting = Array.from({ length: CHANNELS }, (_, i) => i / CHANNELS);

export const cases = {
  "events come out whole wherever the stream was cut": () => {
    for (let size = 1; size <= STREAM.length; size++) equal(inPieces(STREAM, size), EVENTS);
  },
  "lines may end with LF, CR or CRLF, also when a CRLF is cut in two": () => {
    for (const end of ["\n", "\r", "\r\n"]) {
      const text = `data: a${end}data: b${end}${end}data: c${end}${end}.`;
      for (const size of [1, 2, 3, 100]) equal(inPieces(text, size).map(({ data }) => data), ["a\nb", "c"]);
    }
  },
  "an event that has not ended is not told": () => {
    const parser = new EventParser();
    equal(parser.push("data: half"), []);
    equal(parser.push("\n"), []);
    equal(parser.push("\n"), [{ name: "message", data: "half" }]);
  },
  "every layout holds each shape once": () => {
    for (const names of Object.values(LAYOUTS)) equal([...names].sort(), [...ARKIT_52].sort());
    equal(new Set(ARKIT_52).size, 52);
  },
  "the panel's groups hold each shape once": () => {
    equal(GROUPS.flatMap(({ names }) => names).sort(), [...ARKIT_52].sort());
  },
  "a frame of another layout is put into ARKit's order": () => {
    for (const [layout, names] of Object.entries(LAYOUTS)) {
      const weights = reorder(layout)(counting);
      for (const [i, name] of names.entries()) close(weights[placeOf(name)], counting[i]);
    }
  },
  "a layout may be spelled out, and must hold the 52": () => {
    const names = [...ARKIT_52].reverse();
    close(reorder(names.join(", "))(counting)[placeOf("tongueOut")], counting[0]);
    throws(() => reorder("arkit-51"), RangeError);
    throws(() => reorder([...names.slice(1), names[1]].join()), RangeError);
  },
  "weights out of range are held in it, and none must be missing": () => {
    const odd = [...counting];
    [odd[0], odd[1], odd[2]] = [-0.2, 1.7, NaN];
    equal(Array.from(reorder("arkit-52")(odd).slice(0, 3)), [0, 1, 0]);
    throws(() => reorder("arkit-52")(counting.slice(1)), RangeError);
    throws(() => reorder("arkit-52")(undefined), RangeError);
  },
  "an event's frames are read, with times and in order": () => {
    const order = reorder("arkit-52");
    const sent = [0, 1].map((k) => ({ timecode: k / 30, blendshapes: counting, frame_number: k }));
    const frames = parse(JSON.stringify(sent), order);
    equal(frames.map(({ time }) => time), [0, 1 / 30]);
    close(frames[1].weights[5], counting[5]);
  },
  "an error in the stream is told in the server's words": () => {
    for (const data of ['{"error": "No room."}', '{"error": {"message": "No room."}}']) {
      try {
        parse(data, reorder("arkit-52"));
      } catch (error) {
        equal([error.name, error.message], ["ServerError", "No room."]);
        continue;
      }
      throw new Error("nothing was thrown");
    }
  },
  "what is no list of frames is an error": () => {
    const order = reorder("arkit-52");
    for (const data of ["", "{", "null", "7", '[{"timecode": 0}]', '[{"blendshapes": []}]', `[{"blendshapes": ${JSON.stringify(counting)}}]`]) {
      throws(() => parse(data, order), ServerError);
    }
  },
};
