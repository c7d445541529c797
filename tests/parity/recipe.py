"""Weights by the recipe "etlp-v1": each tensor a function of a seed, its key and its shape.

crc32 of "seed/key" seeds numpy's PCG64, whose float32 uniforms u make z = (2u - 1) * sqrt(3), of zero mean and unit
variance. The first rule that fits a key says what becomes of them:

    ...num_batches_tracked                 0 (int64)
    ...running_var                         0.5 + u
    ...running_mean                        0.1 z
    ...weight_g                            sqrt(8) (1 + 0.2 z)
    ...weight_u, ...weight_v beside _orig  singular vectors of that tensor, by 15 steps of power iteration
    ...weight, one dimension               1 + 0.1 z
    one dimension                          0.05 z
    ...gamma, ...beta                      0.3 z
    anything else                          z * gain / sqrt(product of all dimensions but the first)

gain: of the last of `gains` ([regex, value]) that matches the key, else 1. Afterwards each of `overrides` ([regex,
scale, offset]) that matches is applied in turn.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
POWER_STEPS = 15


def state(shapes: Mapping[str, Sequence[int]], recipe: Mapping[str, Any]) -> dict[str, Array]:
    """Every tensor of `shapes`, by key. recipe: a config.json's table with seed, gains and overrides."""
    seed, gains, overrides = recipe["seed"], recipe.get("gains", ()), recipe.get("overrides", ())
    spectral = {key for key in shapes if key.endswith((".weight_u", ".weight_v")) and f"{key[:-2]}_orig" in shapes}
    found = {key: tensor(seed, key, shapes[key], gains, overrides) for key in shapes if key not in spectral}
    for key in spectral:
        left, right = singular_vectors(found[f"{key[:-2]}_orig"])
        found[key] = left if key.endswith("_u") else right
    return found


def tensor(
    seed: str, key: str, shape: Sequence[int], gains: Iterable[Any] = (), overrides: Iterable[Any] = ()
) -> Array:
    """One tensor, float32 (int64 for a counter)."""
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    numbers = np.random.Generator(np.random.PCG64(zlib.crc32(f"{seed}/{key}".encode())))
    u = numbers.random(size=math.prod(shape), dtype=np.float32).reshape(tuple(shape))
    values = _by_rule(key, u, (np.float32(2) * u - np.float32(1)) * np.float32(math.sqrt(3.0)), gains)
    for pattern, scale, offset in overrides:
        if re.search(pattern, key):
            values = values * np.float32(scale) + np.float32(offset)
    return np.ascontiguousarray(values, np.float32)


def _by_rule(key: str, u: Array, z: Array, gains: Iterable[Any]) -> Array:
    if key.endswith("running_var"):
        return np.float32(0.5) + u
    if key.endswith("running_mean"):
        return np.float32(0.1) * z
    if key.endswith(".weight_g"):
        return np.float32(math.sqrt(8.0)) * (np.float32(1) + np.float32(0.2) * z)
    if u.ndim <= 1:
        return np.float32(1) + np.float32(0.1) * z if key.endswith(".weight") else np.float32(0.05) * z
    if key.endswith((".gamma", ".beta")):
        return np.float32(0.3) * z
    gain = next((value for pattern, value in reversed(list(gains)) if re.search(pattern, key)), 1.0)
    return z * np.float32(gain / math.sqrt(math.prod(u.shape[1:])))


def singular_vectors(weight: Array) -> tuple[Array, Array]:
    """(left, right) of the largest singular value, float32, from a right vector of equal parts, in float64."""
    matrix = weight.reshape(len(weight), -1).astype(np.float64)
    right = np.ones(matrix.shape[1]) / math.sqrt(matrix.shape[1])
    for _ in range(POWER_STEPS):
        left = matrix @ right
        left /= np.linalg.norm(left)
        right = matrix.T @ left
        right /= np.linalg.norm(right)
    return left.astype(np.float32), right.astype(np.float32)
