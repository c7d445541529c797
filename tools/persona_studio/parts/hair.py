"""A head of hair, and the short styles: curls with a fade, and vellus hair on the face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..arrays import Array
from ..geometry.noise import fbm
from ..geometry.vectors import smoothstep, unit
from ..skin.regions import scalp_mask
from .surface import Surface


@dataclass(frozen=True)
class Scalp:
    """The skin hair grows on: surface, v [V,3] and normals [V,3] (m), p0 [V,3] base-mesh positions (dm)."""

    surface: Surface
    v: Array
    normals: Array
    p0: Array


@dataclass(frozen=True)
class Hair:
    """strands [n,k,3] metres, root first; scale [n] of the radius; tint [n], a factor on the colour."""

    strands: Array
    scale: Array
    tint: Array


def short_hair(scalp: Scalp, count: int = 60000, points: int = 12, seed: int = 21) -> Hair:
    """Coily hair with a fade at the sides; neighbouring strands wind into small curls."""
    rng = np.random.default_rng(seed)
    membership = scalp_mask(scalp.p0, 0.055, 0, 0.03 * fbm(scalp.v * 120, 3, 3))
    surface = scalp.surface
    ti, w = surface.sample(rng, count, membership[surface.tri].mean(1) ** 1.2)
    root, normal = surface.at(scalp.v, ti, w), unit(surface.at(scalp.normals, ti, w))
    high = smoothstep(7.35, 8.15, surface.at(scalp.p0, ti, w)[:, 1] + 0.1 * fbm(root * 60, 2, 5))
    guides = rng.choice(count, 5200, replace=False)
    curl = guides[cKDTree(root[guides]).query(root)[1]]  # the strand whose curl each strand belongs to
    length = (0.0018 + 0.0115 * high) * (0.80 + 0.35 * rng.uniform(size=count)[curl]) * rng.uniform(0.85, 1.05, count)
    unruly = np.stack([fbm(root * 210 + 7 * i, 2, 30 + i) for i in range(3)], 1)
    d = unit(normal + 0.55 * unruly + 0.12 * rng.normal(0, 1, root.shape))
    share = 0.7 * high[:, None]
    d = unit(d * (1 - share) + share * unit(d[curl] + 0.35 * rng.normal(0, 1, (count, 3))[curl]))
    a = unit(np.cross(d, rng.normal(0, 1, d.shape)[curl]))
    b = np.cross(d, a)
    t = np.linspace(0, 1, points)[None, :, None]
    turns = (1.0 + 1.9 * high)[:, None, None] * 2 * np.pi
    phase = (rng.uniform(0, 6.28, count)[curl] + rng.normal(0, 0.45, count))[:, None, None]
    radius = (0.00105 * high + 0.0001)[:, None, None] * smoothstep(0, 0.3, t)
    c = (0.72 * high)[:, None, None] * smoothstep(0.0, 0.6, t)
    base = root[:, None] * (1 - c) + root[curl][:, None] * c
    wound = radius * (a[:, None] * np.cos(turns * t + phase) + b[:, None] * np.sin(turns * t + phase))
    strands = base - 0.0002 * normal[:, None] + length[:, None, None] * d[:, None] * t + wound
    scale = rng.uniform(0.8, 1.15, count)
    return Hair(strands, scale, rng.uniform(0.55, 1.5, count)[curl] * rng.uniform(0.8, 1.2, count))


def vellus_hair(scalp: Scalp, count: int = 16000, seed: int = 3) -> Array:
    """Short fair strands [count,4,3] over face and neck, not on scalp, lips and eyes."""
    rng = np.random.default_rng(seed)
    p0, surface = scalp.p0, scalp.surface
    m = ((p0[:, 2] > 0.2) & (p0[:, 1] > 5.95) & (p0[:, 1] < 8.1)).astype(float)
    m *= 1 - scalp_mask(p0, 0.05)
    lips = np.exp(-(((p0[:, 0] / 0.32) ** 2 + ((p0[:, 1] - 6.62) / 0.15) ** 2) ** 2))
    m *= 1 - lips * (p0[:, 2] > 1.2)
    eyes = np.exp(-((((np.abs(p0[:, 0]) - 0.31) / 0.21) ** 2 + ((p0[:, 1] - 7.28) / 0.13) ** 2) ** 2))
    m *= 1 - eyes * (p0[:, 2] > 0.9)
    ti, w = surface.sample(rng, count, m[surface.tri].mean(1))
    root, n, q = surface.at(scalp.v, ti, w), unit(surface.at(scalp.normals, ti, w)), surface.at(p0, ti, w)
    down = np.stack([np.sign(q[:, 0]) * 0.5, -np.ones(count), -0.2 * np.ones(count)], 1)
    d = unit(down + rng.normal(0, 0.25, (count, 3)))
    d = unit(d - (d * n).sum(1, keepdims=True) * n)
    length = rng.uniform(0.0008, 0.0024, count)[:, None, None]
    t = np.linspace(0, 1, 4)[None, :, None]
    return root[:, None] + length * (d[:, None] * t + n[:, None] * (0.75 * t - 0.35 * t**2))
