// What a frame's picture tells: its frame number, its brightness, its mouth. Pure, over RGBA pixels.

const SQUARE = 16;
const BITS = 26;

/** Width in pixels of the strip that carries the frame number, from the top left corner. */
export const STAMP_WIDTH = SQUARE * BITS;
export const STAMP_HEIGHT = SQUARE;

const luma = (data, i) => 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];

/**
 * The number written into the picture by the renderer (services/renderer/stamp.py): white, black, 20 bits, 4 bits of
 * check sum, in squares of 16 pixels.
 * @param {ImageData} strip STAMP_WIDTH x STAMP_HEIGHT
 * @returns {number | null} null where no sound stamp is found
 */
export function readStamp({ data, width }) {
  let bits = 0;
  for (let square = 0; square < BITS; square++) {
    let sum = 0;
    for (let y = 4; y < 12; y++) {
      for (let x = square * SQUARE + 4; x < square * SQUARE + 12; x++) sum += luma(data, 4 * (y * width + x));
    }
    bits = (bits << 1) | (sum / 64 > 127 ? 1 : 0);
  }
  if (bits >> 24 !== 0b10) return null;
  const number = (bits >> 4) & 0xfffff;
  let check = 0;
  for (let shift = 0; shift < 20; shift += 4) check ^= (number >> shift) & 15;
  return check === (bits & 15) ? number : null;
}

/** Luma plane (0..255) of RGBA pixels. */
export function lumaOf({ data }) {
  const plane = new Float32Array(data.length / 4);
  for (let i = 0; i < plane.length; i++) plane[i] = luma(data, 4 * i);
  return plane;
}

export function mean(plane) {
  let sum = 0;
  for (const x of plane) sum += x;
  return sum / plane.length;
}

/** Mean absolute difference of two planes of one size. */
export function difference(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return sum / a.length;
}

/** Share of pixels less than half as bright as the middle one: an open mouth. */
export function darkShare(plane) {
  const sorted = Float32Array.from(plane).sort();
  const limit = sorted[sorted.length >> 1] / 2;
  let dark = 0;
  while (dark < sorted.length && sorted[dark] < limit) dark += 1;
  return dark / sorted.length;
}
