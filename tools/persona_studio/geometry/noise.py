"""Value noise and cellular noise at points in space (numba)."""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from ..arrays import Array


@nb.njit(inline="always")
def _hash(ix: int, iy: int, iz: int, seed: int) -> float:
    h = nb.uint32(ix * 374761393 + iy * 668265263 + iz * 1440670441 + seed * 1274126177)
    h = nb.uint32((h ^ (h >> nb.uint32(13))) * nb.uint32(1274126177))
    h = nb.uint32((h ^ (h >> nb.uint32(15))) * nb.uint32(2246822519))
    h = h ^ (h >> nb.uint32(16))
    return (h & nb.uint32(0xFFFFFF)) / 16777216.0


@nb.njit(inline="always")
def _lerp(a: float, b: float, t: float) -> float:
    return a + (b - a) * t


@nb.njit(inline="always")
def _value_noise(x: float, y: float, z: float, seed: int) -> float:
    ix, iy, iz = math.floor(x), math.floor(y), math.floor(z)
    tx, ty, tz = x - ix, y - iy, z - iz
    ix, iy, iz = int(ix), int(iy), int(iz)
    tx = tx * tx * tx * (tx * (tx * 6 - 15) + 10)
    ty = ty * ty * ty * (ty * (ty * 6 - 15) + 10)
    tz = tz * tz * tz * (tz * (tz * 6 - 15) + 10)
    a = _lerp(
        _lerp(_hash(ix, iy, iz, seed), _hash(ix + 1, iy, iz, seed), tx),
        _lerp(_hash(ix, iy + 1, iz, seed), _hash(ix + 1, iy + 1, iz, seed), tx),
        ty,
    )
    b = _lerp(
        _lerp(_hash(ix, iy, iz + 1, seed), _hash(ix + 1, iy, iz + 1, seed), tx),
        _lerp(_hash(ix, iy + 1, iz + 1, seed), _hash(ix + 1, iy + 1, iz + 1, seed), tx),
        ty,
    )
    return _lerp(a, b, tz) * 2 - 1


@nb.njit(parallel=True, cache=True)
def _fbm(p: Array, octaves: int, seed: int, gain: float) -> Array:
    out = np.empty(len(p))
    for i in nb.prange(len(p)):
        a, s, r, f = 1.0, 0.0, 0.0, 1.0
        for o in range(octaves):
            k = 17.3 * o
            r += a * _value_noise(p[i, 0] * f + k, p[i, 1] * f + k, p[i, 2] * f + k, seed + o)
            s += a
            a *= gain
            f *= 2
        out[i] = r / s
    return out


def fbm(p: Array, octaves: int = 4, seed: int = 0, gain: float = 0.5) -> Array:
    """Fractal value noise in about -1..1 at points p [...,3]; each octave has twice the frequency, `gain` the
    amplitude.
    """
    q = np.ascontiguousarray(p, np.float64).reshape(-1, 3)
    return _fbm(q, octaves, seed, gain).reshape(p.shape[:-1])


@nb.njit(parallel=True, cache=True)
def _cellular(p: Array, seed: int) -> tuple[Array, Array]:
    o1, o2 = np.empty(len(p)), np.empty(len(p))
    for i in nb.prange(len(p)):
        x, y, z = p[i, 0], p[i, 1], p[i, 2]
        ix, iy, iz = int(math.floor(x)), int(math.floor(y)), int(math.floor(z))
        f1, f2 = 9.0, 9.0
        for dx in range(-1, 2):
            for dy in range(-1, 2):
                for dz in range(-1, 2):
                    cx, cy, cz = ix + dx, iy + dy, iz + dz
                    ax = cx + 0.15 + 0.7 * _hash(cx, cy, cz, seed + 1) - x
                    ay = cy + 0.15 + 0.7 * _hash(cx, cy, cz, seed + 12) - y
                    az = cz + 0.15 + 0.7 * _hash(cx, cy, cz, seed + 23) - z
                    d = ax * ax + ay * ay + az * az
                    if d < f1:
                        f2, f1 = f1, d
                    elif d < f2:
                        f2 = d
        o1[i], o2[i] = math.sqrt(f1), math.sqrt(f2)
    return o1, o2


def cellular(p: Array, seed: int = 0) -> tuple[Array, Array]:
    """Distances from p [...,3] to the nearest and the second nearest of the points jittered in unit cells (Worley
    1996).
    """
    q = np.ascontiguousarray(p, np.float64).reshape(-1, 3)
    a, b = _cellular(q, seed)
    return a.reshape(p.shape[:-1]), b.reshape(p.shape[:-1])
