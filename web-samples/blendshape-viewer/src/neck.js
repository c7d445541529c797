// The heads have no bones: a neck is bent in the vertex shader, where the turn grows from the collar to the jaw.

import { Euler, Matrix3, Matrix4, Vector3 } from "three";

import { editShader } from "./shader-edits.js";

// Metres in the head's own space: y up, z forward, origin between the eyes.
const PIVOT = new Vector3(0, -0.115, -0.075);
const STILL_BELOW = -0.19;
const WHOLE_ABOVE = -0.075;
// The chin lies as low as the neck behind it, and turns with the head.
const LEAN = 0.55;

const HEADER = `
uniform mat3 neckTurn;
const vec3 neckPivot = vec3(${PIVOT.toArray().map((x) => x.toFixed(4)).join(", ")});
float neckShare(vec3 at) { return smoothstep(${STILL_BELOW.toFixed(4)}, ${WHOLE_ABOVE.toFixed(4)}, at.y + ${LEAN.toFixed(4)} * at.z); }
`;

export class Neck {
  #uniform = { value: new Matrix3() };
  #matrix = new Matrix4();
  #euler = new Euler();

  /** Radians: nod down, turn to its left, tilt to its left. */
  set(pitch, yaw, roll) {
    this.#uniform.value.setFromMatrix4(this.#matrix.makeRotationFromEuler(this.#euler.set(pitch, yaw, -roll, "YXZ")));
  }

  /** Make a material follow this neck. */
  bend(material) {
    editShader(material, {
      name: "neck",
      uniforms: { neckTurn: this.#uniform },
      vertex: {
        common: (part) => part + HEADER,
        morphnormal_vertex: (part) => `${part}\n\tobjectNormal = mix(objectNormal, neckTurn * objectNormal, neckShare(position));`,
        morphtarget_vertex: (part) => `${part}
	transformed = mix(transformed, neckTurn * (transformed - neckPivot) + neckPivot, neckShare(position));`,
      },
    });
  }
}
