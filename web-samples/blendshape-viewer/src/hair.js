// Hair. Long hair comes as cards, short hair as a cap over the scalp; both need help to look like hair.

import { BufferAttribute, Color, InstancedBufferGeometry, MathUtils, Vector3 } from "three";

const SHELLS = 14;
const STRAND_M = 0.011;
const HAIRLINE_M = 0.012;
const ROOT = 0.035;
const WISP_M = 0.04;
const WIDER = 0.7;
const AT_CROWN = 2.4;

const SKY = "#8d97a6";
const WRAP = 0.3;
const GLOSS = 24;
const TO_EYE = new Vector3(0, 0, 1);
const LAMPS = [
  { from: new Vector3(-0.9, 0.75, 1.35).normalize(), color: "#ffedd8", power: 0.85, shine: 1.6 },
  { from: new Vector3(2.6, 0.4, 2.4).normalize(), color: "#ffe9da", power: 0.3, shine: 0.5 },
  { from: new Vector3(0.6, 0.7, -1.6).normalize(), color: "#b9d0ff", power: 0.5, shine: 0 },
];

/**
 * Comb cards: strips of vertex pairs, from root to tip along the texture's v. Wisps are taken away, since a card is too
 * wide for them; the others become wider towards their tips, for body, and on the crown, where the parting would show. Cards lie dozens deep, too many to be lit while
 * they are drawn, so light is laid into their colours here.
 */
export function comb(geometry) {
  const { position, uv } = geometry.attributes;
  const colors = new Float32Array(position.count * 3);
  const [left, right, middle, strand] = [new Vector3(), new Vector3(), new Vector3(), new Vector3()];
  const centre = (i, out) => out.fromBufferAttribute(position, i).add(right.fromBufferAttribute(position, i + 1)).multiplyScalar(0.5);
  for (let root = 0, end; root < position.count; root = end) {
    let length = 0;
    end = root + 2;
    for (; end < position.count && uv.getY(end) > uv.getY(end - 2); end += 2) {
      length += centre(end, middle).distanceTo(centre(end - 2, strand));
    }
    const crown = AT_CROWN * MathUtils.smoothstep(position.getY(root), 0.074, 0.092);
    const tone = 0.85 + 0.3 * ((root * 0.618034) % 1);
    for (let i = root; i < end; i += 2) {
      centre(Math.min(i + 2, end - 2), strand).sub(centre(Math.max(i - 2, root), middle)).normalize();
      centre(i, middle);
      const light = lightOn(middle, strand);
      const v = uv.getY(i);
      const wider = WIDER * MathUtils.smoothstep(v, 0.1, 0.6) + crown * (1 - MathUtils.smoothstep(v, 0, 0.4));
      const width = length < WISP_M ? 0 : 1 + wider;
      for (const [k, side] of [[i, left], [i + 1, right]]) {
        side.fromBufferAttribute(position, k).sub(middle).multiplyScalar(width).add(middle);
        colors.set([light.r * tone, light.g * tone, light.b * tone], k * 3);
        side.toArray(position.array, k * 3);
      }
    }
  }
  geometry.setAttribute("color", new BufferAttribute(colors, 3));
}

// Hair as one body: it faces away from the middle of the head, further down from the head's axis. What shines are strands
// across the half-way between lamp and eye (Kajiya and Kay, 1989).
function lightOn(point, strand) {
  const out = new Vector3(point.x, Math.max(0, point.y - 0.01), point.z + 0.085).normalize();
  const sum = new Color(SKY).multiplyScalar(0.34 + 0.28 * out.y);
  for (const { from, color, power, shine } of LAMPS) {
    const facing = Math.max(0, (out.dot(from) + WRAP) / (1 + WRAP));
    const across = 1 - strand.dot(new Vector3().addVectors(from, TO_EYE).normalize()) ** 2;
    sum.add(new Color(color).multiplyScalar(power * facing * (1 + shine * Math.max(0, across) ** GLOSS)));
  }
  // Under the chin and behind the neck little light comes in.
  return sum.multiplyScalar(MathUtils.lerp(0.35, 1, MathUtils.smoothstep(point.z, -0.16, -0.05)));
}

/** Cards fade into the scalp at their roots. */
export const ROOTS = {
  name: "roots",
  fragment: { map_fragment: (part) => `${part}\n\tdiffuseColor.a *= smoothstep(0.0, ${ROOT.toFixed(3)}, vMapUv.y);` },
};

/** Turn a cap into shells, one outside the other; between them strands stand up, see SHELLED. */
export function growShells(geometry) {
  const shells = new InstancedBufferGeometry().copy(geometry);
  shells.instanceCount = SHELLS;
  shells.setAttribute("fromHairline", new BufferAttribute(distanceFromEdge(geometry), 1));
  shells.morphTargetsRelative = geometry.morphTargetsRelative;
  return shells;
}

const SHARED = `
flat varying float vShell;
varying float vFromHairline;
varying vec3 vRoot;
`;

const NOISE = `
float hairHash(vec3 p) { p = fract(p * 0.3183099 + 0.1); p *= 17.0; return fract(p.x * p.y * p.z * (p.x + p.y + p.z)); }
float hairNoise(vec3 x) {
	vec3 i = floor(x), f = fract(x);
	f = f * f * (3.0 - 2.0 * f);
	vec2 o = vec2(0.0, 1.0);
	return mix(
		mix(mix(hairHash(i), hairHash(i + o.yxx), f.x), mix(hairHash(i + o.xyx), hairHash(i + o.yyx), f.x), f.y),
		mix(mix(hairHash(i + o.xxy), hairHash(i + o.yxy), f.x), mix(hairHash(i + o.xyy), hairHash(i + o.yyy), f.x), f.y), f.z);
}
`;

/** Shells: the further out, the fewer strands are left; strands curl, and are dark at their roots. */
export const SHELLED = {
  name: "shells",
  vertex: {
    common: (part) => `${part}\nattribute float fromHairline;\n${SHARED}`,
    morphtarget_vertex: (part) => `${part}
	vShell = float(gl_InstanceID) / ${(SHELLS - 1).toFixed(1)};
	vFromHairline = fromHairline / ${HAIRLINE_M.toFixed(4)};
	vRoot = position;
	transformed += objectNormal * vShell * ${STRAND_M.toFixed(4)} * smoothstep(0.0, 2.0, vFromHairline) * (0.25 + 0.75 * smoothstep(0.02, 0.1, position.y));`,
  },
  fragment: {
    common: (part) => `${part}\n${SHARED}${NOISE}`,
    map_fragment: () => `
	vec3 curl = vec3(sin(vShell * 7.0 + vRoot.y * 900.0), cos(vShell * 8.0 + vRoot.x * 900.0), sin(vShell * 6.0 + vRoot.z * 900.0)) * 0.0006;
	float strand = 0.7 * hairNoise((vRoot + curl) * 900.0) + 0.3 * hairNoise(vRoot * 260.0);
	float bald = 1.0 - smoothstep(0.0, 1.0, vFromHairline);
	if (strand < 0.2 + 0.5 * vShell + 0.5 * bald) discard;
	diffuseColor.rgb *= (0.4 + 1.2 * vShell) * (0.7 + 0.6 * strand);`,
    alphatest_fragment: () => "",
  },
};

// Metres from each vertex to the edge of the mesh, along its edges.
function distanceFromEdge(geometry) {
  const { position } = geometry.attributes;
  const index = geometry.index.array;
  // Vertices that the file keeps apart for their texture's sake are one place.
  const ids = new Map();
  const place = Array.from({ length: position.count }, (_, i) => {
    const key = [position.getX(i), position.getY(i), position.getZ(i)].map((x) => Math.round(x * 1e5)).join();
    if (!ids.has(key)) ids.set(key, i);
    return ids.get(key);
  });
  const edges = new Map();
  for (let i = 0; i < index.length; i += 3) {
    for (let k = 0; k < 3; k++) {
      const [a, b] = [place[index[i + k]], place[index[i + ((k + 1) % 3)]]].sort((x, y) => x - y);
      const key = a * position.count + b;
      edges.set(key, { a, b, faces: (edges.get(key)?.faces ?? 0) + 1 });
    }
  }
  const distance = new Float64Array(position.count).fill(Infinity);
  for (const { a, b, faces } of edges.values()) if (faces === 1) distance[a] = distance[b] = 0;
  const [from, to] = [new Vector3(), new Vector3()];
  for (let changed = true; changed; ) {
    changed = false;
    for (const { a, b } of edges.values()) {
      const length = from.fromBufferAttribute(position, a).distanceTo(to.fromBufferAttribute(position, b));
      for (const [near, far] of [[a, b], [b, a]]) {
        if (distance[near] + length >= distance[far]) continue;
        distance[far] = distance[near] + length;
        changed = true;
      }
    }
  }
  return Float32Array.from(place, (i) => distance[i]);
}
