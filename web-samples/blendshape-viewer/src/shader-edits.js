// Changes to three's own shaders, part by part; several changes to one material add up.

import { ShaderChunk } from "three";

const EDITS = new WeakMap();

/**
 * Change parts of a material's shader before it is compiled.
 * @param {import("three").Material} material
 * @param {{name: string, uniforms?: object, vertex?: Record<string, (part: string) => string>,
 *   fragment?: Record<string, (part: string) => string>}} edit by part (a key of ShaderChunk): its text in, the new text out.
 *   `name` and the material's name tell programs apart.
 * @throws {Error} when compiled, if a change leaves its part as it was: another version of three words that part anew
 */
export function editShader(material, edit) {
  const edits = EDITS.get(material) ?? [];
  edits.push(edit);
  if (edits.length > 1) return;
  EDITS.set(material, edits);
  material.onBeforeCompile = (shader) => {
    for (const { uniforms = {} } of edits) Object.assign(shader.uniforms, uniforms);
    shader.vertexShader = rewrite(shader.vertexShader, edits.map(({ vertex = {} }) => vertex));
    shader.fragmentShader = rewrite(shader.fragmentShader, edits.map(({ fragment = {} }) => fragment));
  };
  material.customProgramCacheKey = () => [material.name, ...edits.map(({ name }) => name)].join();
}

function rewrite(source, changes) {
  for (const name of new Set(changes.flatMap(Object.keys))) {
    let part = ShaderChunk[name];
    for (const change of changes) {
      if (!change[name]) continue;
      const changed = change[name](part);
      if (changed === part) throw new Error(`three's shader part ${name} is not what it was`);
      part = changed;
    }
    source = source.replace(`#include <${name}>`, part);
  }
  return source;
}
