"""Cycles materials. Colours are linear RGB, bump distances and scattering radii metres."""

from __future__ import annotations

from typing import Any

from ..arrays import Array
from .nodes import NodeMaterial
from .objects import image

Colour = tuple[float, float, float]


def skin_material(maps: dict[str, Array], melanin: float) -> Any:
    """Random-walk skin over painted maps; melanin 0..1 shortens the scattering."""
    nodes = NodeMaterial("skin")
    alb, rgh, hgt, wet = (nodes.texture(image(name, maps[name])) for name in ("albedo", "rough", "height", "wet"))
    rest = nodes.node("ShaderNodeAttribute", attribute_name="rest")
    micro = nodes.node("ShaderNodeTexNoise")
    micro.inputs["Scale"].default_value = 2600
    micro.inputs["Detail"].default_value = 2
    nodes.link(rest.outputs["Vector"], micro.inputs["Vector"])
    b1 = nodes.node("ShaderNodeBump")
    b1.inputs["Strength"].default_value = 0.30
    b1.inputs["Distance"].default_value = 0.00012
    nodes.link(micro.outputs[0], b1.inputs["Height"])
    b2 = nodes.node("ShaderNodeBump")
    b2.inputs["Strength"].default_value = 1.0
    b2.inputs["Distance"].default_value = 0.0016
    nodes.link(hgt.outputs["Color"], b2.inputs["Height"])
    nodes.link(b1.outputs["Normal"], b2.inputs["Normal"])
    rr = nodes.math(
        "ADD", rgh.outputs["Color"], nodes.math("MULTIPLY", nodes.math("SUBTRACT", micro.outputs[0], 0.5), 0.16)
    )
    sss = nodes.math("SUBTRACT", 1.0, nodes.math("MULTIPLY", wet.outputs["Color"], 0.5))
    k = 1 - 0.55 * melanin
    p = nodes.principled(
        Base_Color=alb.outputs["Color"],
        Roughness=rr,
        Subsurface_Weight=sss,
        Subsurface_Scale=1.0,
        Specular_IOR_Level=0.42,
        IOR=1.4,
        Normal=b2.outputs["Normal"],
    )
    p.subsurface_method = "RANDOM_WALK"
    p.inputs["Subsurface Radius"].default_value = (0.0022 * k, 0.00085 * k, 0.00045 * k)
    return nodes.done(p)


def plain_material(name: str, **inputs: Any) -> Any:
    """A Principled BSDF with constant inputs."""
    nodes = NodeMaterial(name)
    return nodes.done(nodes.principled(**inputs))


def eye_material(picture: Array) -> Any:
    """Iris and sclera from parts.eye_texture, with a wet coat."""
    nodes = NodeMaterial("eye")
    t = nodes.texture(image("eye", picture[::-1]), "Linear")
    p = nodes.principled(Base_Color=t.outputs["Color"], Roughness=0.28, Subsurface_Weight=0.30, Specular_IOR_Level=0.4)
    p.inputs["Subsurface Radius"].default_value = (0.0012, 0.0006, 0.0004)
    p.inputs["Coat Weight"].default_value = 0.55
    p.inputs["Coat Roughness"].default_value = 0.16
    return nodes.done(p)


def cornea_material(ior: float = 1.65, rough: float = 0.015) -> Any:
    """Fresnel reflection over plain transparency: keeps the iris lit without caustic noise."""
    nodes = NodeMaterial("cornea")
    fr = nodes.node("ShaderNodeFresnel")
    fr.inputs[0].default_value = ior
    tr = nodes.node("ShaderNodeBsdfTransparent")
    gl = nodes.node("ShaderNodeBsdfGlossy")
    gl.inputs["Roughness"].default_value = rough
    mx = nodes.node("ShaderNodeMixShader")
    geom = nodes.node("ShaderNodeNewGeometry")
    front = nodes.math("MULTIPLY", fr.outputs[0], nodes.math("SUBTRACT", 1.0, geom.outputs["Backfacing"]))
    nodes.link(front, mx.inputs[0])
    nodes.link(tr.outputs[0], mx.inputs[1])
    nodes.link(gl.outputs[0], mx.inputs[2])
    return nodes.done(mx)


def hair_material(name: str, color: Colour, rough: float, tinted: bool = False) -> Any:
    """Principled hair; its brightness varies by the curve attribute "tint", or at random."""
    nodes = NodeMaterial(name)
    h = nodes.node("ShaderNodeBsdfHairPrincipled", parametrization="COLOR")
    info = nodes.node("ShaderNodeHairInfo")
    hsv = nodes.node("ShaderNodeHueSaturation")
    hsv.inputs["Color"].default_value = (*color, 1)
    if tinted:
        at = nodes.node("ShaderNodeAttribute", attribute_name="tint")
        nodes.link(at.outputs["Fac"], hsv.inputs["Value"])
    else:
        nodes.link(nodes.math("MULTIPLY_ADD", info.outputs["Random"], 1.1, 0.50), hsv.inputs["Value"])
    nodes.link(hsv.outputs[0], h.inputs["Color"])
    h.inputs["Roughness"].default_value = rough
    h.inputs["Radial Roughness"].default_value = 0.38
    h.inputs["Random Roughness"].default_value = 0.2
    nodes.link(info.outputs["Random"], h.inputs["Random"])
    return nodes.done(h)


def vellus_material() -> Any:
    """Fair reflecting hair."""
    nodes = NodeMaterial("fuzz")
    d = nodes.node("ShaderNodeBsdfHair", component="Reflection")
    d.inputs[0].default_value = (0.34, 0.28, 0.22, 1)
    return nodes.done(d)


def _factor(texture: Any) -> Any:
    return texture.outputs["Fac"] if "Fac" in texture.outputs else texture.outputs[1]


def cloth_material(color: Colour) -> Any:
    """Fine knitted cloth in the vertex attribute "rest"."""
    nodes = NodeMaterial("cloth")
    at = nodes.node("ShaderNodeAttribute", attribute_name="rest")
    w = nodes.node("ShaderNodeTexWave", wave_type="BANDS", bands_direction="X")
    w.inputs["Scale"].default_value = 260
    w.inputs["Distortion"].default_value = 1.2
    w2 = nodes.node("ShaderNodeTexWave", wave_type="BANDS", bands_direction="Z")
    w2.inputs["Scale"].default_value = 200
    w2.inputs["Distortion"].default_value = 1.5
    nz = nodes.node("ShaderNodeTexNoise")
    nz.inputs["Scale"].default_value = 900
    for t in (w, w2, nz):
        nodes.link(at.outputs["Vector"], t.inputs["Vector"])
    s = nodes.math("ADD", nodes.math("MULTIPLY", _factor(w), _factor(w2)), nz.outputs[0])
    bp = nodes.node("ShaderNodeBump")
    bp.inputs["Strength"].default_value = 0.55
    bp.inputs["Distance"].default_value = 0.0006
    nodes.link(s, bp.inputs["Height"])
    hsv = nodes.node("ShaderNodeHueSaturation")
    hsv.inputs["Color"].default_value = (*color, 1)
    nodes.link(nodes.math("MULTIPLY_ADD", s, 0.30, 0.80), hsv.inputs["Value"])
    p = nodes.principled(Base_Color=hsv.outputs[0], Roughness=0.92, Specular_IOR_Level=0.2, Normal=bp.outputs["Normal"])
    p.inputs["Sheen Weight"].default_value = 0.35
    p.inputs["Sheen Roughness"].default_value = 0.5
    return nodes.done(p)


def backdrop_material(a: Colour, b: Colour) -> Any:
    """Soft radial studio gradient, emission only, so it never gets noisy."""
    nodes = NodeMaterial("backdrop")
    tc = nodes.node("ShaderNodeTexCoord")
    gr = nodes.node("ShaderNodeTexGradient", gradient_type="SPHERICAL")
    mp = nodes.node("ShaderNodeMapping")
    mp.inputs["Scale"].default_value = (0.62, 0.62, 0.62)
    mp.inputs["Location"].default_value = (0.12, 0.02, 0)
    nodes.link(tc.outputs["Object"], mp.inputs["Vector"])
    nodes.link(mp.outputs[0], gr.inputs[0])
    rp = nodes.node("ShaderNodeValToRGB")
    rp.color_ramp.interpolation = "EASE"
    rp.color_ramp.elements[0].color = (*b, 1)
    rp.color_ramp.elements[1].color = (*a, 1)
    rp.color_ramp.elements[0].position = 0.02
    rp.color_ramp.elements[1].position = 0.95
    nodes.link(_factor(gr), rp.inputs[0])
    e = nodes.node("ShaderNodeEmission")
    nodes.link(rp.outputs[0], e.inputs[0])
    return nodes.done(e)


def flatten(scene: Any) -> None:
    """Makes everything in a scene black: only coverage is left (for the matte)."""
    nodes = NodeMaterial("flat")
    e = nodes.node("ShaderNodeEmission")
    e.inputs[0].default_value = (0, 0, 0, 1)
    nodes.done(e)
    scene.view_layers[0].material_override = nodes.material
