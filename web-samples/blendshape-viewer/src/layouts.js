// Names and orders of the 52 face shapes. The viewer keeps weights in ARKit's own order; data says which order it is in.

/** The order of Apple's documentation, which the persona heads keep. */
export const ARKIT_52 = [
  ...["eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft", "eyeWideLeft"],
  ...["eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight", "eyeWideRight"],
  ...["jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight"],
  ...["mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight"],
  ...["mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"],
  ...["mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight"],
  ...["browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"],
  ...["cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut"],
];

export const CHANNELS = ARKIT_52.length;

/** Orders by the name they have on the wire. */
export const LAYOUTS = { "arkit-52": ARKIT_52, "arkit-52-alphabetical": [...ARKIT_52].sort() };

export const DEFAULT_LAYOUT = "arkit-52-alphabetical";

const PLACES = new Map(ARKIT_52.map((name, place) => [name, place]));

/** Place of a shape in a weight vector, 0..51; undefined for a name that ARKit does not have. */
export function placeOf(name) {
  return PLACES.get(name);
}

/**
 * A function that puts one frame into ARKit's order, clamped to 0..1. What is not a number counts as 0.
 * @param {string} layout a key of LAYOUTS, or 52 comma-separated channel names
 * @returns {(values: ArrayLike<number>) => Float32Array} throws RangeError unless it gets 52 values
 * @throws {RangeError} for a layout that this viewer does not know
 */
export function reorder(layout) {
  const names = LAYOUTS[layout] ?? layout.split(",").map((name) => name.trim());
  const places = names.map(placeOf);
  if (names.length !== CHANNELS || new Set(places).size !== CHANNELS || places.includes(undefined)) {
    throw new RangeError(`unknown channel layout: ${layout.slice(0, 80)}`);
  }
  return (values) => {
    if (values?.length !== CHANNELS) throw new RangeError(`a frame has ${values?.length ?? "no"} values, not ${CHANNELS}`);
    const weights = new Float32Array(CHANNELS);
    for (const [i, place] of places.entries()) weights[place] = Math.min(1, Math.max(0, values[i])) || 0;
    return weights;
  };
}

const matching = (pattern) => ARKIT_52.filter((name) => pattern.test(name));

/** The panel's groups, in the order in which they are shown; together they hold each shape once. */
export const GROUPS = [
  { title: "Eyes", names: matching(/^eye/) },
  { title: "Brows", names: matching(/^brow/) },
  { title: "Jaw", names: matching(/^jaw/) },
  { title: "Mouth", names: matching(/^mouth/) },
  { title: "Cheeks, nose, tongue", names: matching(/^(cheek|nose|tongue)/) },
];
