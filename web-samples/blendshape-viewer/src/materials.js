// Surfaces: what the glTF file says of a material, finished for this studio. The files keep to plain glTF; skin that lets
// light through, hair that is lit as a whole and eyes in the shadow of their lids are added here, by material name.

import { Color, DoubleSide, MeshBasicMaterial, MeshPhysicalMaterial, MeshStandardMaterial } from "three";

import { ROOTS, SHELLED } from "./hair.js";
import { editShader } from "./shader-edits.js";

/**
 * @param {MeshStandardMaterial} plain as the glTF loader made it
 * @param {{shortHair: boolean, smooth: boolean}} how of the person; and whether edges are drawn with several samples
 * @returns {MeshStandardMaterial} what to draw with instead
 */
export function finish(plain, how) {
  const { name, color, map, normalMap, normalScale, roughness, roughnessMap, metalness } = plain;
  const { transparent, depthWrite, alphaTest, side } = plain;
  const unlit = name === "hair" || (name === "haircap" && !isShortHair(plain));
  const material = unlit ? new MeshBasicMaterial() : COATED.includes(name) ? new MeshPhysicalMaterial() : new MeshStandardMaterial();
  material.setValues({ name, color, map, transparent, depthWrite, alphaTest, side });
  if (!unlit) material.setValues({ normalMap, normalScale, roughness, roughnessMap, metalness });
  if (name === "skin") for (const texture of [map, normalMap]) if (texture) texture.anisotropy = 4;
  plain.dispose();
  SURFACES[name]?.(material, how);
  return material;
}

/** Short hair: a cap that is cut out of a texture. Under long hair the cap is plain. */
export function isShortHair(material) {
  return material.name === "haircap" && material.map !== null;
}

// With more than one layer; three's plain material is drawn much faster.
const COATED = ["skin", "eye", "enamel"];
const SHORT_HAIR = "#1d1714";

const SURFACES = {
  skin(material, { shortHair }) {
    material.specularIntensity = 0.55;
    editShader(material, skin(material.map ? lumaBetweenBrows(material.map) : 0.3));
    if (shortHair) editShader(material, FADE);
  },
  eye(material) {
    material.roughness = 0.35;
    material.clearcoat = 1;
    material.clearcoatRoughness = 0.03;
    editShader(material, LIDS);
  },
  enamel(material) {
    material.clearcoat = 0.5;
    editShader(material, MOUTH);
  },
  gum(material) {
    editShader(material, MOUTH);
  },
  tongue(material) {
    editShader(material, MOUTH);
  },
  lash(material) {
    material.depthWrite = false;
  },
  hair(material, { smooth }) {
    material.color.set("#d3e2f2");
    material.vertexColors = true;
    material.alphaToCoverage = smooth;
    editShader(material, ROOTS);
  },
  haircap(material) {
    if (!isShortHair(material)) return;
    material.color = new Color(SHORT_HAIR);
    material.map = null;
    material.alphaTest = 0;
    editShader(material, SHELLED);
  },
  cloth(material) {
    // The collar's faces look inward.
    material.side = DoubleSide;
  },
};

// Where a point lies on the head at rest, for parts that are lit by place.
const REST = {
  common: (part) => `${part}\nvarying vec3 vRest;`,
  vertex: {
    common: (part) => `${part}\nvarying vec3 vRest;`,
    begin_vertex: (part) => `${part}\n\tvRest = position;`,
  },
};

// Red light goes furthest below the skin, so the edge of a shadow is wide and red there: diffuse light reaches around
// the terminator by a width per colour. Brows are painted on; they are darker than the skin by far, and do not shine.
function skin(tone) {
  const lambert = "reflectedLight.directDiffuse += irradiance * diffuseBRDF * ( 1.0 - F );";
  const scattered = `
	const vec3 reach = vec3(0.34, 0.14, 0.09);
	vec3 lit = saturate((dot(geometryNormal, directLight.direction) + reach) / (1.0 + reach));
	reflectedLight.directDiffuse += lit * lit * (1.0 + reach) / (1.0 + 0.5 * reach) * directLight.color * diffuseBRDF * (1.0 - F);`;
  return {
    name: `skin ${tone}`,
    fragment: {
      map_fragment: (part) => `${part}
	float painted = 1.0 - smoothstep(0.2, 0.42, dot(diffuseColor.rgb, vec3(0.2126, 0.7152, 0.0722)) / ${tone.toFixed(4)});
	diffuseColor.rgb *= 1.0 - 0.4 * painted;`,
      roughnessmap_fragment: (part) => `${part}\n\troughnessFactor = mix(roughnessFactor, 1.0, painted);`,
      lights_physical_pars_fragment: (part) => part.replace(lambert, scattered),
    },
  };
}

// Above the ears the cap of short hair has a gap, where hair is shorn.
const FADE = {
  name: "fade",
  vertex: REST.vertex,
  fragment: {
    common: REST.common,
    map_fragment: (part) => `${part}
	float shorn = smoothstep(0.004, 0.02, vRest.y) * smoothstep(-0.048, -0.06, vRest.z);
	diffuseColor.rgb = mix(diffuseColor.rgb, vec3(${new Color(SHORT_HAIR).toArray().map((x) => (x * 1.6).toFixed(4)).join(", ")}), 0.9 * shorn);`,
    roughnessmap_fragment: (part) => `${part}\n\troughnessFactor = mix(roughnessFactor, 1.0, shorn);`,
  },
};

// Ambient light that lids keep from the eyeball.
const LIDS = {
  name: "lids",
  vertex: REST.vertex,
  fragment: {
    common: REST.common,
    map_fragment: (part) => `${part}\n\t
	diffuseColor.rgb *= mix(0.3, 1.0, smoothstep(0.0075, -0.001, vRest.y)) * mix(0.7, 1.0, smoothstep(-0.0085, -0.003, vRest.y));`,
  },
};

// The mouth is a cave: what lies further back is darker.
const MOUTH = {
  name: "mouth",
  vertex: REST.vertex,
  fragment: {
    common: REST.common,
    map_fragment: (part) => `${part}\n\tdiffuseColor.rgb *= mix(0.12, 1.0, smoothstep(-0.03, 0.012, vRest.z));`,
  },
};

// Linear luminance of the skin between the brows, where every head of this kind has bare skin.
function lumaBetweenBrows({ image }) {
  const canvas = new OffscreenCanvas(8, 8);
  const brush = canvas.getContext("2d");
  brush.drawImage(image, image.width * 0.49, image.height * 0.26, image.width * 0.02, image.height * 0.02, 0, 0, 8, 8);
  const { data } = brush.getImageData(0, 0, 8, 8);
  const sum = [0, 1, 2].map((c) => data.filter((_, i) => i % 4 === c).reduce((total, x) => total + x, 0) / 64 / 255);
  const { r, g, b } = new Color().setRGB(...sum, "srgb");
  return Math.max(0.02, 0.2126 * r + 0.7152 * g + 0.0722 * b);
}
