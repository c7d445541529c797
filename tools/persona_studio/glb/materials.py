"""Materials of the GLB, with their textures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..arrays import Array
from ..parts.eye_texture import eye_texture
from ..rigged import Rigged
from .textures import brow_paint, hair_card_texture, lash_texture, normal_map, srgb8, stubble_texture
from .writer import Writer

_SIZE = 1024


@dataclass(frozen=True)
class Materials:
    """Material indices."""

    skin: int
    eye: int
    enamel: int
    gum: int
    tongue: int
    cloth: int
    lash: int
    hair: int | None
    cap: int


def _shrunk(picture: Array, size: int) -> Array:
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)


def _skin(rig: Rigged, w: Writer) -> int:
    maps = rig.maps
    albedo = _shrunk(maps["albedo"], _SIZE)
    brows = brow_paint(rig, _SIZE)[..., None] * 0.85
    albedo = albedo * (1 - brows) + np.array(rig.person.params["hair"]["brow"]) * brows
    relief = _shrunk(maps["height"], _SIZE)
    rough = _shrunk(maps["rough"], _SIZE // 2)
    mask = cv2.resize(maps["mask"].astype(np.uint8), (_SIZE, _SIZE), interpolation=cv2.INTER_NEAREST) > 0
    colour = w.jpeg(srgb8(albedo), 91)
    normals = w.jpeg(normal_map(relief, mask, 0.40, 1.3), 88)
    metal_rough = np.zeros((_SIZE // 2, _SIZE // 2, 3), np.uint8)
    metal_rough[..., 1] = np.clip(rough * 255, 0, 255)
    pbr = {
        "baseColorTexture": {"index": colour},
        "roughnessFactor": 1,
        "metallicRoughnessTexture": {"index": w.jpeg(metal_rough, 85)},
    }
    return w.material("skin", pbr, normalTexture={"index": normals, "scale": 0.8})


def _cut_out(w: Writer, name: str, picture: Array, roughness: float, **more: object) -> int:
    pbr = {"baseColorTexture": {"index": w.png(picture)}, "roughnessFactor": roughness}
    return w.material(name, pbr, **more)


def materials(rig: Rigged, w: Writer) -> Materials:
    """Adds all materials of a persona to `w`."""
    params = rig.person.params
    skin = _skin(rig, w)
    eyes = cv2.resize(eye_texture(params["iris"], 512), (1024, 512), interpolation=cv2.INTER_AREA)
    eye = w.material("eye", {"baseColorTexture": {"index": w.jpeg(srgb8(eyes), 92)}, "roughnessFactor": 0.12})
    enamel = w.flat_material("enamel", (0.68, 0.62, 0.52), 0.25)
    gum = w.flat_material("gum", (0.40, 0.13, 0.12), 0.3)
    tongue = w.flat_material("tongue", (0.44, 0.17, 0.15), 0.45)
    cloth = w.flat_material("cloth", params["shirt"]["color"], 0.95)
    lash = _cut_out(w, "lash", lash_texture(), 0.7, doubleSided=True, alphaMode="BLEND")
    colour = params["hair"]["color"]
    if params["hair"]["style"] == "down":
        cards = hair_card_texture(colour)
        hair = _cut_out(w, "hair", cards, 0.55, doubleSided=True, alphaMode="MASK", alphaCutoff=0.35)
        return Materials(skin, eye, enamel, gum, tongue, cloth, lash, hair, _plain_cap(w, colour))
    cap = _cut_out(w, "haircap", stubble_texture(colour), 0.9, alphaMode="MASK", alphaCutoff=0.5)
    return Materials(skin, eye, enamel, gum, tongue, cloth, lash, None, cap)


def _plain_cap(w: Writer, colour: tuple[float, float, float]) -> int:
    return w.flat_material("haircap", np.array(colour) * 1.3, 0.6)
