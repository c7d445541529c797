"""Primitives around the face: hair cards, scalp cap, shirt and collar."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..geometry.faces import boundary_vertices, compact
from ..geometry.vectors import smoothstep, unit
from ..parts.shirt import COLLAR_RING, COLLAR_SECTIONS
from ..rigged import Rigged
from ..skin.atlas import HEAD
from ..skin.regions import scalp_mask
from .face import Cage
from .primitive import Deltas, Primitive, primitive, upside_down

_CARD_WIDTHS = [0.0020, 0.0062, 0.0092, 0.0100, 0.0100, 0.0100, 0.0095, 0.0085, 0.0065, 0.004]
"""Half widths from root to tip, metres."""


def _spread(points: Array, count: int) -> list[int]:
    """Indices of `count` points far from each other (farthest point sampling)."""
    picked = [0]
    distance = np.linalg.norm(points - points[0], axis=1)
    for _ in range(count - 1):
        i = int(distance.argmax())
        picked.append(i)
        distance = np.minimum(distance, np.linalg.norm(points - points[i], axis=1))
    return picked


def hair_cards(rig: Rigged, material: int, count: int = 540) -> Primitive:
    """Cards along `count` strands that are spread evenly over the scalp."""
    hair, n = rig.hair, len(_CARD_WIDTHS)
    rng = np.random.default_rng(1)
    candidates = rng.choice(np.where(hair.scale > 0.6)[0], 6000, replace=False)
    chosen = candidates[_spread(hair.strands[candidates, 0], count)]
    places = np.round(np.linspace(0, 1, n) ** 1.15 * (hair.strands.shape[1] - 1)).astype(int)
    line = hair.strands[chosen][:, places]
    centre = rig.v[rig.p0[:, 1] > 8.0].mean(0) - [0, 0.07, 0]
    normal = unit(line - centre)
    aside = unit(np.cross(unit(np.gradient(line, axis=1)), normal))
    width = np.array(_CARD_WIDTHS)[None, :, None] * rng.uniform(0.85, 1.2, (count, 1, 1))
    v = np.stack([line - aside * width, line + aside * width], 2).reshape(-1, 3)
    first = [i * n * 2 + k * 2 for i in range(count) for k in range(n - 1)]
    faces = np.array([[a, a + 1, a + 3, a + 2] for a in first])
    uv = np.tile(np.array([[x, k / (n - 1)] for k in range(n) for x in (0, 1)]), (count, 1))
    return primitive("hair", v, faces, material, uv, np.repeat(normal.reshape(-1, 3), 2, 0))


def scalp_cap(rig: Rigged, base: Cage, material: int) -> Primitive:
    """A lifted copy of the scalp: closes the gaps between cards, or is the short hair itself."""
    long = rig.person.params["hair"]["style"] == "down"
    p0 = rig.person.v0[rig.used]
    scalp = scalp_mask(p0, 0.06, 0.11 if long else 0)
    keep = (scalp[rig.faces0] > 0.5).all(1) & (rig.island == HEAD)
    used, faces = compact(rig.faces0[keep])
    height = np.where(boundary_vertices(faces, len(used)), 0.0004, 0.0030 if long else 0.0075)
    if not long:
        height = height * (0.30 + 0.70 * smoothstep(7.3, 8.15, p0[used][:, 1]))
    v = base.v[used] + base.normals[used] * height[:, None]
    uv = upside_down(p0[used][:, [0, 1]] * 1.7)
    raised = ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")
    deltas: Deltas = {k: (base.deltas[k][used], None) for k in raised}
    return primitive("cap", v, faces, material, uv, deltas=deltas)


def clothes(rig: Rigged, material: int) -> list[Primitive]:
    """Shirt, and a collar with a third of the sections and half of the ring."""
    sections, ring = COLLAR_SECTIONS // 3, COLLAR_RING // 2
    tube = rig.shirt.collar_v.reshape(COLLAR_SECTIONS, COLLAR_RING, 3)[::3, ::2].reshape(-1, 3)
    faces = [
        [i * ring + j, i * ring + (j + 1) % ring, k * ring + (j + 1) % ring, k * ring + j]
        for i, k in ((i, (i + 1) % sections) for i in range(sections))
        for j in range(ring)
    ]
    shirt = primitive("shirt", rig.shirt.cage_v, rig.shirt.cage_f, material)
    return [shirt, primitive("collar", tube, np.array(faces), material)]
