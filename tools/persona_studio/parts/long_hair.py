"""Hair parted off-centre, combed over the top of the ears, falling to just above the shoulders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline
from scipy.spatial import cKDTree

from ..arrays import Array
from ..geometry.noise import fbm
from ..geometry.vectors import smoothstep, unit
from ..skin.regions import scalp_mask
from .hair import Hair, Scalp
from .skull import Skull

LOCKS = [
    (1, 52, 0.070, 80, 1.2),
    (1, 60, 0.050, 50, 1.5),
    (-1, 50, 0.078, 90, 1.2),
    (-1, 58, 0.060, 60, 1.4),
    (1, 44, 0.080, 22, 1.6),
    (-1, 43, 0.066, 24, 1.7),
]
"""Loose locks at the temples: side, azimuth at the hairline (degrees), length below the ear's top (m), hairs,
spread.
"""


@dataclass
class _Roots:
    """Roots of n strands: position and normal [n,3], scalp membership 0..1, direction from the skull's centre [n,3],
    azimuth from the face (degrees), side of the parting (1 left, -1 right), `fade` (1 in front of the crown, where
    the parting is).
    """

    position: Array
    normal: Array
    membership: Array
    direction: Array
    azimuth: Array
    side: Array
    fade: Array


def _roots(rng: np.random.Generator, scalp: Scalp, skull: Skull, count: int, part: float) -> _Roots:
    membership = scalp_mask(scalp.p0, 0.07, 0, 0.05 * fbm(scalp.v * 90, 3, 3))
    surface = scalp.surface
    ti, w = surface.sample(rng, count, membership[surface.tri].mean(1) ** 1.5)
    root = surface.at(scalp.v, ti, w)
    d = unit(root - skull.centre)
    fade = smoothstep(0.30, 0.62, d[:, 2])
    ragged = (0.010 * fbm(root * 90, 2, 8) + 0.010 * rng.normal(0, 1, count)) * (1 - fade)
    return _Roots(
        position=root,
        normal=unit(surface.at(scalp.normals, ti, w)),
        membership=surface.at(membership[:, None], ti, w)[:, 0],
        direction=d,
        azimuth=np.degrees(np.arctan2(np.abs(d[:, 0]), d[:, 2])),
        side=np.where(root[:, 0] + ragged > part * fade, 1.0, -1.0),
        fade=fade,
    )


def _combed(rng: np.random.Generator, roots: _Roots, points: int) -> Array:
    """Directions [n,points,3] from the skull's centre, from the root to where the strand leaves the skull."""
    root, d0, side = roots.position, roots.direction, roots.side
    count = len(root)
    front = smoothstep(0.0, 0.55, d0[:, 2]) * smoothstep(-0.25, 0.45, d0[:, 1])
    azimuth = np.interp(roots.azimuth, [0, 60, 100, 140, 180], [101, 104, 116, 150, 174]) + rng.normal(0, 5, count)
    azimuth += 9 * fbm(root * 55, 2, 71)
    elevation = np.radians(-7 + rng.normal(0, 3.5, count) + 5 * fbm(root * 40, 2, 72))
    azimuth = np.radians(azimuth)
    level = np.cos(elevation)
    goal = np.stack([side * level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)], 1)
    wave = np.stack([fbm(root * 38 + 9 * i, 2, 60 + i) for i in range(3)], 1) * 0.15
    wave = wave + rng.normal(0, 0.03, (count, 3))
    d, out = d0, [d0]
    steps = points - 1
    for k in range(steps):
        t = k / steps
        to = unit(goal - (d * goal).sum(1, keepdims=True) * d)
        distance = np.arccos(np.clip((d * goal).sum(1, keepdims=True), -1, 1))
        aside = np.stack([side, -0.30 * np.ones(count), -0.10 * np.ones(count)], 1)
        aside = unit(aside - (aside * d).sum(1, keepdims=True) * d)
        step = unit(to + (front * np.exp(-t * 2.4))[:, None] * 1.15 * aside + wave * (1 - t))
        d = unit(d + step * distance / (steps - k))
        out.append(d)
    return np.stack(out, 1)


def _guides(rng: np.random.Generator, roots: _Roots, guides: int = 1000) -> Array:
    """For each strand the index of the nearest guide strand on its side of the parting."""
    count = len(roots.side)
    chosen = rng.choice(count, guides, replace=False)
    guide = np.zeros(count, int)
    for sign in (1, -1):
        mine, theirs = np.where(roots.side == sign)[0], np.where(roots.side[chosen] == sign)[0]
        _, j = cKDTree(roots.position[chosen][theirs]).query(roots.position[mine])
        guide[mine] = chosen[theirs[j]]
    return guide


def _on_skull(skull: Skull, roots: _Roots, d: Array, layer: Array, part: float) -> Array:
    """Directions d [n,k,3] lifted off the skin by the thickness of the hair; layer [n,1] 0..1."""
    t = np.linspace(0, 1, d.shape[1])[None, :]
    up = np.clip(d[..., 1], 0, 1)
    thick = 0.0055 + 0.0060 * smoothstep(0.15, 0.85, up) * smoothstep(0.95, 0.35, d[..., 2])
    thick = thick + 0.005 * smoothstep(0.1, -0.5, d[..., 2])
    azimuth = np.degrees(np.arctan2(np.abs(d[..., 0]), d[..., 2]))
    ear = np.exp(-(((azimuth - 98) / 22) ** 2)) * np.exp(-(((d[..., 1] + 0.02) / 0.34) ** 2))
    thick = thick + 0.0085 * ear
    behind = smoothstep(0.74, 0.45, roots.direction[:, 2])[:, None]  # no dent behind the hairline
    rise = smoothstep(0, 0.10, t) * (1 - behind) + behind * (0.55 + 0.45 * smoothstep(0, 0.10, t))
    off = 0.0006 + thick * (0.22 + 0.78 * layer) * rise
    off += 0.0011 * fbm(d * 9 + layer[..., None] * 3, 2, 91)
    from_part = (roots.position[:, :1] - part * roots.fade[:, None]) / 0.016
    off += 0.0045 * behind * np.exp(-(from_part**2)) * smoothstep(0.35, 0.0, t)
    r = skull.radius(d.reshape(-1, 3)).reshape(d.shape[:2])
    r0 = np.linalg.norm(roots.position - skull.centre, axis=1)[:, None]
    blend = smoothstep(0, 0.18, t)
    r = (r0 + 0.0002) * (1 - blend) + np.maximum(r, 0) * blend
    strands = skull.centre + d * (r + off)[..., None]
    strands[:, 0] = roots.position
    return strands


def _hanging(
    rng: np.random.Generator, roots: _Roots, upper: Array, guide: Array, layer: Array, outward: Array, points: int
) -> Array:
    """The part [n,points,3] below where strands `upper` [n,k,3] leave the skull."""
    root, count = roots.position, len(guide)
    lock, short = rng.normal(0, 1, count)[guide], rng.uniform(size=count) ** 2.2
    length = (0.128 + 0.016 * fbm(root * 30, 2, 33) + 0.010 * lock - 0.045 * short)[:, None]
    curl = np.clip(0.45 + 0.5 * rng.normal(0, 1, count)[guide], 0, 1)[:, None]
    q, heading = upper[:, -1], unit(upper[:, -1] - upper[:, -3])
    out = []
    for k in range(points):
        s = (k + 1) / points
        away = (0.10 + 0.14 * layer) * (1 - smoothstep(0.2, 0.6, s)) - (0.06 + 0.60 * curl) * smoothstep(0.55, 1, s)
        heading = unit(heading * 0.45 + (np.array([0, -1.0, 0]) + away * outward) * 0.55)
        q = q + heading * length / points
        out.append(q)
    return np.stack(out, 1)


def _waved(rng: np.random.Generator, roots: _Roots, strands: Array, guide: Array, outward: Array) -> Array:
    """Soft waves that belong to the lock, then tighter locks towards the ends."""
    count, points, _ = strands.shape
    t = np.linspace(0, 1, points)[None, :]
    phase = (6.28 * fbm(roots.position[guide] * 45, 2, 55))[:, None]
    amplitude = (0.0056 * (0.6 + 0.8 * rng.uniform(size=count)[guide]))[:, None] * smoothstep(0.42, 0.85, t)
    aside, ahead = np.sin(t * 17 + phase * 1.6) * amplitude, np.cos(t * 15 + phase * 2.3) * amplitude
    strands = strands + aside[..., None] * outward[:, None] + ahead[..., None] * np.array([0, 0, 1.0])
    c = (0.72 * smoothstep(0.45, 0.95, t) * rng.uniform(0.3, 1, (count, 1)))[..., None]
    return strands * (1 - c) + strands[guide] * c


def _add_flyaways(rng: np.random.Generator, strands: Array, centre: Array) -> None:
    """Lets 3 % of the strands stray. Changes `strands` [n,k,3]."""
    t = np.linspace(0, 1, strands.shape[1])[None, :]
    fly = rng.uniform(size=len(strands)) < 0.030
    m = int(fly.sum())
    big = rng.uniform(size=(m, 1, 1)) ** 2.2
    phase = rng.uniform(0, 60, (m, 1))
    axes = [np.stack([t * 3.2 + phase, phase + 31 * i + 0 * t, 0 * t + 0 * phase], -1) for i in range(3)]
    stray = np.stack([fbm(p, 2, 5 + i) for i, p in enumerate(axes)], -1)
    lift = unit(strands[fly] - centre) * (0.0010 + 0.0085 * big)
    strands[fly] += (stray * (0.003 + 0.013 * big) + lift) * smoothstep(0.02, 0.30, t)[..., None]


def _add_baby_hairs(rng: np.random.Generator, roots: _Roots, strands: Array) -> Array:
    """Makes some strands short, which softens the hairline. Changes `strands` [n,k,3]; returns which, bool [n]."""
    count, points, _ = strands.shape
    edge = smoothstep(0.0, 0.35, roots.membership) * (1 - smoothstep(0.45, 0.98, roots.membership))
    baby = rng.uniform(size=count) < 0.50 * edge
    m = int(baby.sum())
    length = rng.uniform(0.006, 0.026, m)
    normal = roots.normal[baby]
    heading = strands[baby][:, 4] - strands[baby][:, 0] + 0.0035 * normal
    d = unit(heading + rng.normal(0, 0.0035, (m, 3)))
    t = np.linspace(0, 1, points)[None, :, None]
    wild = rng.normal(0, 0.25, (m, 3))[:, None] * t**2 * 0.5
    shape = d[:, None] * t + 0.30 * normal[:, None] * (t - t**2) + wild
    strands[baby] = roots.position[baby][:, None] + length[:, None, None] * shape
    return baby


def bspline(control: Array, points: int) -> Array:
    """Uniform cubic B-splines through clamped control points [n,k,3] -> [n,points,3]."""
    knots = np.concatenate([[0] * 3, np.linspace(0, 1, control.shape[1] - 2), [1] * 3])
    return BSpline(knots, np.moveaxis(control, 1, 0), 3)(np.linspace(0, 1, points)).transpose(1, 0, 2)


def _temple_locks(rng: np.random.Generator, scalp: Scalp, roots: _Roots, points: int) -> list[Hair]:
    """Loose locks in front of the ears."""
    p0 = scalp.p0
    x = np.abs(scalp.v[(p0[:, 1] > 6.9) & (p0[:, 1] < 7.3) & (p0[:, 2] > 0.78)][:, 0]).max()
    out = []
    for s, azimuth, length, m, spread in LOCKS:
        near = (roots.side == s) & (np.abs(roots.azimuth - azimuth) < 7)
        candidates = np.where(near & (roots.membership > 0.25) & (roots.membership < 0.97))[0]
        if not len(candidates):
            continue
        root = roots.position[rng.choice(candidates, m)]
        j = rng.normal(0, 1, (m, 4, 3)) * np.array([0.0010, 0.0017, 0.0026, 0.0042])[None, :, None] * spread
        z = -0.030 - 0.010 * rng.uniform()
        way = [
            [s * (x + 0.0105), 0.028, z],
            [s * (x + 0.0125), -0.006, z + 0.004],
            [s * (x + 0.0060), -0.006 - length * 0.55, z + 0.004],
            [s * (x + 0.0020), -0.006 - length, z - 0.004],
        ]
        control = [root, root + [s * 0.012, 0.0045, 0.004]]
        control += [np.broadcast_to(p, (m, 3)) + j[:, i] for i, p in enumerate(way)]
        strands = bspline(np.stack(control, 1), points)
        scale = rng.uniform(0.6, 1.0, m)
        out.append(Hair(strands, scale, rng.uniform(0.8, 1.5) * rng.uniform(0.8, 1.25, m)))
    return out


def long_hair(
    scalp: Scalp, count: int = 50000, combed: int = 22, hanging: int = 13, seed: int = 11, part: float = 0.018
) -> Hair:
    """`count` strands of combed + hanging points, and the loose locks. part: place of the parting, metres to the
    left.
    """
    rng = np.random.default_rng(seed)
    skull = Skull(scalp.v, scalp.p0)
    roots = _roots(rng, scalp, skull, count, part)
    d = _combed(rng, roots, combed)
    guide = _guides(rng, roots)
    t = np.linspace(0, 1, combed)[None, :, None]
    clump = 0.60 * smoothstep(0.03, 0.40, t) * rng.uniform(0.5, 1.0, (count, 1, 1))
    d = unit(d * (1 - clump) + d[guide] * clump)
    layer = rng.uniform(0, 1, count)[:, None] ** 0.75
    layer = 0.65 * layer + 0.35 * layer[guide]
    upper = _on_skull(skull, roots, d, layer, part)
    ends = upper[:, -1]
    outward = unit(np.stack([ends[:, 0], 0 * ends[:, 0], 0.35 * (ends[:, 2] - skull.centre[2])], 1))
    lower = _hanging(rng, roots, upper, guide, layer, outward, hanging)
    strands = _waved(rng, roots, np.concatenate([upper, lower], 1), guide, outward)
    _add_flyaways(rng, strands, skull.centre)
    baby = _add_baby_hairs(rng, roots, strands)
    scale = np.where(baby, 0.55, 1.0) * rng.uniform(0.72, 1.2, count)
    tint = np.exp(rng.normal(0, 0.38, count))[guide] * np.exp(rng.normal(0, 0.22, count))
    tint[rng.uniform(size=count) < 0.05] *= 1.9  # a few sun-bleached hairs
    parts = [Hair(strands, scale, tint), *_temple_locks(rng, scalp, roots, combed + hanging)]
    return Hair(
        np.concatenate([h.strands for h in parts]),
        np.concatenate([h.scale for h in parts]),
        np.concatenate([h.tint for h in parts]),
    )
