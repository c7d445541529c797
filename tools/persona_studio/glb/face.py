"""Primitives of the face: skin, eyes, teeth and gums, tongue, lashes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Array
from ..base.face_units import ARKIT
from ..base.mesh import EYE_LEFT, LASH_LEFT, LASH_RIGHT, TEETH_LOWER, TEETH_UPPER
from ..geometry.faces import compact, grid_faces, triangles
from ..geometry.vectors import rigid_fit, unit, vertex_normals
from ..parts.eyes import IRIS, V_IRIS
from ..parts.lashes import lash_profile
from ..parts.teeth import ENAMEL, GUM, teeth
from ..rigged import Rigged
from ..skin.atlas import SOCKET_LEFT
from ..skin.regions import neckline
from .primitive import Deltas, Primitive, primitive, upside_down, weld

_LASH_SEGMENTS = 14


@dataclass(frozen=True)
class Cage:
    """The unsubdivided skin on its limit surface: v, normals [n,3]; deltas, normal_deltas [n,3] by ARKit name."""

    v: Array
    normals: Array
    deltas: dict[str, Array]
    normal_deltas: dict[str, Array]


def cage(rig: Rigged) -> Cage:
    """The skin that the GLB's skin and scalp are cut from."""
    smooth = rig.subdivide[: len(rig.used)]
    v = smooth @ rig.person.v[rig.used]
    deltas = {k: smooth @ rig.person.delta[k][rig.used] for k in ARKIT}
    normals = vertex_normals(v, rig.faces0)
    return Cage(v, normals, deltas, {k: vertex_normals(v + deltas[k], rig.faces0) - normals for k in ARKIT})


def skin(rig: Rigged, base: Cage, material: int) -> Primitive:
    """Head and neck down to the collar, without the backs of the eye sockets."""
    person = rig.person
    c = person.v0[rig.used][rig.faces0].mean(1)
    collar = np.minimum(neckline(c), 6.0) - np.where(np.abs(c[:, 0]) > 0.45, 0.04, 0.30)
    keep = (c[:, 1] > collar) & ((np.abs(c[:, 0]) < 0.70) | (c[:, 1] > 6.1))
    keep &= ~((rig.island >= SOCKET_LEFT) & (c[:, 2] < person.v0[slice(*EYE_LEFT)][:, 2].mean() + 0.02))
    source, uv, faces = weld(rig.faces0[keep], rig.cage_uv[keep])
    deltas: Deltas = {k: (base.deltas[k][source], base.normal_deltas[k][source]) for k in ARKIT}
    return primitive("skin", base.v[source], faces, material, upside_down(uv), base.normals[source], deltas)


def eye(rig: Rigged, side: int, material: int, columns: int = 24) -> Primitive:
    """One eyeball with a bulging cornea, turned by the eyeLook shapes."""
    person = rig.person
    limbus = np.arcsin(IRIS)
    polar = np.concatenate([np.linspace(0, limbus, 7), np.linspace(limbus, 1.95, 11)[1:]])
    bulge = 0.075 * np.clip(1 - (polar / (limbus * 1.2)) ** 2, 0, 1) ** 1.5
    outside = V_IRIS + (1 - V_IRIS) * (polar - limbus) / (np.pi - limbus)
    rows = np.where(polar <= limbus, V_IRIS * np.sin(polar) / IRIS, outside)
    around = np.linspace(0, 2 * np.pi, columns + 1)
    points = [
        [np.sin(t) * np.cos(x) * (1 + g), np.sin(t) * np.sin(x) * (1 + g), np.cos(t) * (1 + g)]
        for t, g in zip(polar, bulge, strict=True)
        for x in around
    ]
    p = np.array(points) * (person.eye_radius[side] * 0.992)
    uv = np.array([[k / columns, row] for row in rows for k in range(columns + 1)])
    faces = grid_faces(columns + 1, len(polar), wrap=False)[:, ::-1]
    turn, centre = rig.eye_rest[side], person.eye[side]
    rest, normals = p @ turn.T + centre, unit(p) @ turn.T
    deltas: Deltas = {}
    for k in ARKIT:
        gaze = person.eye_rotation(k, side)
        if gaze is not None:
            deltas[k] = (p @ (gaze @ turn).T + centre - rest, unit(p) @ (gaze @ turn).T - normals)
    return primitive("eye" + "LR"[side], rest, faces, material, uv, normals, deltas)


def _jaw_deltas(rig: Rigged, v: Array, normals: Array) -> Deltas:
    """The rigid motions of the lower teeth, applied to vertices v [N,3] with normals [N,3]."""
    lower = slice(*TEETH_LOWER)
    helper = rig.person.v[lower]
    deltas: Deltas = {}
    for k in ARKIT:
        moved = rig.person.delta[k][lower]
        if np.abs(moved).max() > 1e-5:
            motion = rigid_fit(helper, helper + moved)
            turned = motion(v + normals * 0.01) - motion(v) - normals * 0.01
            deltas[k] = (motion(v) - v, turned * 100)
    return deltas


def mouth(rig: Rigged, enamel: int, gum: int, tongue: int) -> list[Primitive]:
    """Teeth and gums of both jaws, and the tongue."""
    out = []
    for name, helper, upper in (("up", TEETH_UPPER, True), ("lo", TEETH_LOWER, False)):
        t = teeth(rig.person.v[slice(*helper)], upper, columns=10, rows=6, count=6, gum_sections=24, gum_ring=8)
        normals = vertex_normals(t.v, t.f)
        for kind, material in ((ENAMEL, enamel), (GUM, gum)):
            used, faces = compact(t.f[t.kind == kind])
            v, n = t.v[used], normals[used]
            deltas = {} if upper else _jaw_deltas(rig, v, n)
            out.append(primitive(f"teeth_{name}_{kind}", v, faces, material, normals=n, deltas=deltas))
    moved: Deltas = {k: (rig.person.delta[k][rig.tongue_used], None) for k in ARKIT}
    v = rig.person.v[rig.tongue_used]
    return [*out, primitive("tongue", v, rig.tongue_faces0, tongue, deltas=moved)]


def lashes(rig: Rigged, material: int) -> Primitive:
    """One ribbon per lid."""
    person, n = rig.person, _LASH_SEGMENTS
    u = np.linspace(0.02, 0.99, n)
    strip = [[k * 3 + r, (k + 1) * 3 + r, (k + 1) * 3 + r + 1, k * 3 + r + 1] for k in range(n - 1) for r in range(2)]
    v, t = [], []
    moved: dict[str, list[Array]] = {k: [] for k in ARKIT}
    for i, lid in enumerate(rig.lashes):
        length = (0.0085 if lid.upper else 0.0045) * lash_profile(u)
        ribbon = replace(lid, u=u, length=length, jitter=np.zeros((n, 3)), layer=np.full(n, 0.5))
        rest = ribbon.strands(person.v, person, 3).reshape(-1, 3)
        v.append(rest)
        t.append(triangles(np.array(strip)) + i * n * 3)
        helper = slice(*(LASH_LEFT, LASH_RIGHT)[lid.side])
        for k in ARKIT:
            if np.abs(person.delta[k][helper]).max() > 1e-6:
                moved[k].append(ribbon.strands(person.v + person.delta[k], person, 3).reshape(-1, 3) - rest)
            else:
                moved[k].append(np.zeros_like(rest))
    uv = np.array([[k / (n - 1), 1 - r / 2] for k in range(n) for r in range(3)])
    deltas: Deltas = {k: (np.concatenate(d), None) for k, d in moved.items()}
    return primitive("lashes", np.concatenate(v), np.concatenate(t), material, np.tile(uv, (len(v), 1)), deltas=deltas)
