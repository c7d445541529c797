"""The scene of one plate: a posed persona in the studio."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..parts.eye_texture import eye_texture
from ..parts.teeth import ENAMEL, GUM
from ..rigged import Pose, Rigged
from ..skin.atlas import MOUTH
from . import materials
from .lights import add_backdrop, add_camera, add_lights
from .objects import mesh, strands, z_up

_SHOWN = {"interior": ("inner", "teeth", "tongue"), "eyes": ("eye", "cornea")}
"""What the camera sees in the plates without a face: beginnings of object names."""
_DARK_TONE = 0.5
"""Skin whose red is below this scatters less."""


def _add_skin(rig: Rigged, posed: dict[str, Any]) -> None:
    melanin = 1.0 if rig.person.params["skin"]["tone"][0] < _DARK_TONE else 0.0
    skin = materials.skin_material(rig.maps, melanin)
    inner = np.repeat(rig.island == MOUTH, len(rig.faces) // len(rig.island))
    rest = {"rest": z_up(rig.v)}
    for name, faces in (("skin", rig.visible_faces & ~inner), ("inner", inner)):
        mesh(name, posed["skin"], rig.faces[faces], skin, rig.uv[faces], rest)


def _add_eyes(rig: Rigged, posed: dict[str, Any]) -> None:
    eye = materials.eye_material(eye_texture(rig.person.params["iris"]))
    cornea = materials.cornea_material()
    for side, ball in enumerate(rig.eyeballs):
        mesh(f"eye{side}", posed["eyes"][side], ball.f, eye, ball.uv)
        mesh(f"cornea{side}", posed["cornea"][side], ball.cornea_f, cornea)


def _add_mouth(rig: Rigged, posed: dict[str, Any]) -> None:
    enamel = materials.plain_material(
        "enamel",
        Base_Color=(0.70, 0.64, 0.54),
        Roughness=0.22,
        Subsurface_Weight=0.6,
        Subsurface_Radius=(0.0010, 0.0008, 0.0006),
    )
    gum = materials.plain_material(
        "gum",
        Base_Color=(0.46, 0.155, 0.14),
        Roughness=0.25,
        Subsurface_Weight=0.6,
        Subsurface_Radius=(0.0025, 0.0008, 0.0005),
    )
    tongue = materials.plain_material(
        "tongue",
        Base_Color=(0.48, 0.185, 0.165),
        Roughness=0.38,
        Subsurface_Weight=0.7,
        Subsurface_Radius=(0.0035, 0.0010, 0.0007),
    )
    for name, teeth in (("teeth_up", rig.upper_teeth), ("teeth_lo", rig.lower_teeth)):
        for kind, material in ((ENAMEL, enamel), (GUM, gum)):
            mesh(f"{name}{kind}", posed[name], teeth.f[teeth.kind == kind], material)
    mesh("tongue", posed["tongue"], rig.tongue_faces, tongue, rig.tongue_uv)


def _add_hair(rig: Rigged, posed: dict[str, Any], hair: bool) -> None:
    style = rig.person.params["hair"]
    brow = materials.hair_material("browhair", style["brow"], 0.4)
    lash = materials.plain_material("lash", Base_Color=(0.010, 0.0075, 0.006), Roughness=0.65, Specular_IOR_Level=0.15)
    for i, lid in enumerate(posed["lashes"]):
        strands(f"lash{i}", lid, 0.000076, lash, 0.15)
    strands("brows", posed["brows"], 0.000038, brow, 0.25)
    if hair:
        material = materials.hair_material("hair", style["color"], style["rough"], True)
        strands("hair", rig.hair.strands, style["radius"] * rig.hair.scale, material, 0.55, rig.hair.tint)
        strands("fuzz", rig.vellus, 0.000011, materials.vellus_material(), 0.2)


def _add_shirt(rig: Rigged) -> None:
    cloth = materials.cloth_material(rig.person.params["shirt"]["color"])
    shirt = rig.shirt
    mesh("shirt", shirt.v, shirt.f, cloth, attributes={"rest": z_up(shirt.v)})
    mesh("collar", shirt.collar_v, shirt.collar_f, cloth, attributes={"rest": z_up(shirt.collar_v)})


def _show_only(scene: Any, part: str) -> None:
    """Hides everything else from the camera. Without a face around them eyes are fully lit; the mouth keeps its
    shadows.
    """
    for ob in scene.objects:
        shown = ob.name.startswith(_SHOWN[part])
        ob.visible_camera = shown
        if not shown and (part == "eyes" or ob.name in ("skin", "shirt", "collar")):
            ob.visible_shadow = ob.visible_diffuse = ob.visible_glossy = False


def empty_studio(rig: Rigged, resolution: int) -> Any:
    """A new scene with backdrop, lights and camera, and nobody there."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    add_backdrop(rig.person.params["backdrop"])
    add_lights(scene, rig)
    add_camera(scene, rig, resolution)
    return scene


def portrait(
    rig: Rigged, pose: Pose, resolution: int, backdrop: bool = True, hair: bool = True, only: str | None = None
) -> Any:
    """A new scene with a posed persona; only: "interior" (of the mouth) or "eyes", without backdrop."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    posed = rig.posed(pose)
    _add_skin(rig, posed)
    _add_eyes(rig, posed)
    _add_mouth(rig, posed)
    _add_hair(rig, posed, hair)
    _add_shirt(rig)
    if only is not None:
        _show_only(scene, only)
    elif backdrop:
        add_backdrop(rig.person.params["backdrop"])
    add_lights(scene, rig)
    add_camera(scene, rig, resolution)
    return scene
