// Skin that lies under a collar would show through it here and there, for both are coarse: it is tucked in.

const SECTORS = 32;
const AXIS_Z = -0.07;
const CLEAR_M = 0.004;
const DOWN_M = 0.015;

/**
 * Pull skin that reaches the neckline inward and down.
 * @param {import("three").BufferGeometry} skin
 * @param {import("three").BufferGeometry[]} clothes the highest of their points all around are the neckline
 */
export function tuck(skin, clothes) {
  const neckline = Array.from({ length: SECTORS }, () => ({ top: -Infinity, radius: Infinity }));
  for (const { attributes } of clothes) {
    for (const { y, radius, sector } of around(attributes.position)) {
      if (y > neckline[sector].top) neckline[sector] = { top: y, radius };
    }
  }
  const { position } = skin.attributes;
  for (const { i, x, y, z, radius, sector } of around(position)) {
    const { top, radius: most } = neckline[sector];
    if (y > top || radius < most - CLEAR_M) continue;
    const share = (most - CLEAR_M) / radius;
    position.setXYZ(i, x * share, y - Math.min(DOWN_M, top - y), AXIS_Z + (z - AXIS_Z) * share);
  }
}

function* around(position) {
  for (let i = 0; i < position.count; i++) {
    const [x, y, z] = [position.getX(i), position.getY(i), position.getZ(i)];
    const turn = (Math.atan2(x, z - AXIS_Z) / Math.PI + 1) / 2;
    yield { i, x, y, z, radius: Math.hypot(x, z - AXIS_Z), sector: Math.min(SECTORS - 1, Math.floor(turn * SECTORS)) };
  }
}
