"""Eyelashes: strands that follow the helper lashes of the base mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from ..arrays import Array
from ..geometry.vectors import UP, unit
from ..person import Person


@dataclass(frozen=True)
class Lashes:
    """Lashes of one lid. side: 0 left, 1 right. root, tip: base-mesh vertices along the lid.

    Per strand [n]: u place along the lid 0..1, length (m), jitter [n,3], layer 0..1.
    """

    side: int
    upper: bool
    root: Array
    tip: Array
    u: Array
    length: Array
    jitter: Array
    layer: Array

    def strands(self, v: Array, person: Person, points: int = 7) -> Array:
        """Strands [n,points,3] for posed base vertices v [V,3]."""
        root, tip = _curve(v[self.root], self.u), _curve(v[self.tip], self.u)
        out = unit(root - person.eye[self.side])
        sign = 1 if self.side == 0 else -1
        fan = np.stack([sign * (self.u - 0.40) * (0.85 if self.upper else 0.6), 0 * self.u, 0 * self.u], 1)
        sag = np.array([0, -0.10 if self.upper else -0.25, 0.25])
        d = unit(0.35 * unit(tip - root) + 0.75 * out + fan + 0.12 * self.jitter + sag)
        curl = np.array([0, 1.15, 0.10]) if self.upper else np.array([0, -0.30, 0.15])
        t = np.linspace(0, 1, points)[None, :, None]
        layer, length = self.layer[:, None, None], self.length[:, None, None]
        return root[:, None] + (layer - 0.5) * 0.0006 * UP + length * (d[:, None] * t + 0.5 * curl * t**2 * 0.75)


def lash_profile(u: Array) -> Array:
    """Relative length [n] of a lash at place u [n] along the lid."""
    return 0.62 + 0.48 * np.sin(np.pi * np.clip(u * 0.82 + 0.16, 0, 1))


def _curve(p: Array, u: Array) -> Array:
    """Points [n,3] at shares u [n] of the smoothed polyline p [k,3]."""
    s = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1) + 1e-6)])
    s /= s[-1]
    k = np.linspace(0, 1, 60)
    q = np.stack([gaussian_filter(np.interp(k, s, p[:, i]), 2.5, mode="nearest") for i in range(3)], 1)
    return np.stack([np.interp(u, k, q[:, i]) for i in range(3)], 1)


def lashes(person: Person, density: float = 1.0) -> list[Lashes]:
    """Lower and upper lashes of the left eye, then of the right one."""
    rng = np.random.default_rng(7)
    sets = []
    for side, letter in enumerate("lr"):
        for kind in (1, 2):
            group = person.base.group(f"helper-{letter}-eyelashes-{kind}")
            d = np.linalg.norm(person.v[group] - person.eye[side], axis=1) / person.eye_radius[side]
            root, tip = group[d < 1.055], group[d > 1.085]
            root = root[np.argsort(np.abs(person.v[root][:, 0]))]
            tip = tip[np.argsort(np.abs(person.v[tip][:, 0]))]
            upper = kind == 2
            n = int((135 if upper else 60) * density)
            u = np.sort(rng.uniform(0.06, 0.985, n))
            u = np.round(u * n / 2.2) / (n / 2.2) * 0.55 + u * 0.45  # light clustering
            length = (0.0078 if upper else 0.0036) * lash_profile(u) * rng.uniform(0.72, 1.12, n)
            jitter, layer = rng.normal(0, 1, (n, 3)), rng.uniform(0, 1, n)
            sets.append(Lashes(side, upper, root, tip, u, length, jitter, layer))
    return sets
