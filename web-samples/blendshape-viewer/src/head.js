// A persona's head: glTF meshes with morph targets, and a neck that bends.

import { MeshDepthMaterial } from "three";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";

import { tuck } from "./clothes.js";
import { comb, growShells } from "./hair.js";
import { CHANNELS, placeOf } from "./layouts.js";
import { finish, isShortHair } from "./materials.js";
import { Neck } from "./neck.js";

const STILL = 1e-6;

/** A head that lacks what a face needs. */
export class HeadError extends Error {}

/**
 * Load a head.
 * @param {string} url glTF binary with ARKit's shapes as named morph targets
 * @param {(share: number) => void} progress 0..1, when the server tells the size
 * @param {{smooth: boolean}} look whether edges are drawn with several samples
 * @returns {Promise<Head>}
 * @throws {HeadError} when a shape is missing; whatever the loader throws otherwise
 */
export async function loadHead(url, progress, look) {
  const file = await new GLTFLoader().loadAsync(url, ({ loaded, total }) => total && progress(loaded / total));
  return new Head(file.scene, look);
}

export class Head {
  #parts = [];
  #neck = new Neck();

  /** @param {import("three").Object3D} scene what the glTF loader made @param {{smooth: boolean}} look */
  constructor(scene, look) {
    this.scene = scene;
    const moved = new Set();
    scene.traverse((node) => {
      if (!node.isMesh) return;
      for (const [name, index] of Object.entries(node.morphTargetDictionary ?? {})) {
        if (placeOf(name) !== undefined && index !== undefined) moved.add(name);
      }
      this.#parts.push({ mesh: node, places: keepMoving(node) });
    });
    if (moved.size !== CHANNELS) throw new HeadError(`the head has ${moved.size} of ${CHANNELS} shapes`);
    this.#dress(look);
  }

  /** Show these weights: 52 values in ARKit's order, 0..1. */
  wear(weights) {
    for (const { mesh, places } of this.#parts) {
      for (const [i, place] of places.entries()) mesh.morphTargetInfluences[i] = weights[place];
    }
  }

  /** Turn the head on its neck; radians: nod down, turn to its left, tilt to its left. */
  turn(pitch, yaw, roll) {
    this.#neck.set(pitch, yaw, roll);
  }

  /** Give the graphics memory back. */
  dispose() {
    for (const { mesh } of this.#parts) {
      mesh.geometry.dispose();
      mesh.customDepthMaterial?.dispose();
      for (const value of Object.values(mesh.material)) if (value?.isTexture) value.dispose();
      mesh.material.dispose();
    }
  }

  #dress({ smooth }) {
    const geometries = (name) => this.#parts.filter(({ mesh }) => mesh.material.name === name).map(({ mesh }) => mesh.geometry);
    for (const skin of geometries("skin")) tuck(skin, geometries("cloth"));
    const shortHair = this.#parts.some(({ mesh }) => isShortHair(mesh.material));
    const finished = new Map();
    for (const { mesh } of this.#parts) {
      const raw = mesh.material;
      if (raw.name === "hair") comb(mesh.geometry);
      if (isShortHair(raw)) mesh.geometry = growShells(mesh.geometry);
      if (!finished.has(raw)) {
        const material = finish(raw, { shortHair, smooth });
        const { map, alphaTest } = material;
        const shadow = new MeshDepthMaterial({ map: alphaTest ? map : null, alphaTest });
        this.#neck.bend(material);
        this.#neck.bend(shadow);
        finished.set(raw, { material, shadow });
      }
      const { material, shadow } = finished.get(raw);
      mesh.material = material;
      mesh.customDepthMaterial = shadow;
      mesh.castShadow = material.name !== "lash";
      mesh.receiveShadow = material.name !== "hair";
      mesh.frustumCulled = false;
    }
  }
}

// Most parts are moved by few of the shapes, hair and clothes by none. What does not move costs memory and time on the
// graphics card all the same, so only moving targets are kept. Returns, for each of them, its place in a weight vector.
function keepMoving(mesh) {
  const { geometry, morphTargetDictionary: names = {} } = mesh;
  const { position = [], normal = [] } = geometry.morphAttributes;
  const kept = Object.entries(names)
    .map(([name, index]) => ({ place: placeOf(name), index }))
    .filter(({ place, index }) => place !== undefined && position[index]?.array.some((x) => Math.abs(x) > STILL));
  geometry.morphAttributes = kept.length
    ? { position: kept.map(({ index }) => position[index]), ...(normal.length ? { normal: kept.map(({ index }) => normal[index]) } : {}) }
    : {};
  mesh.updateMorphTargets();
  return kept.map(({ place }) => place);
}
