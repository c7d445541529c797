"""Painting of iris and sclera."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from ..arrays import Array
from ..geometry.noise import fbm
from ..geometry.vectors import smoothstep
from .eyes import V_IRIS


class _Polar:
    """Coordinates of a polar picture [H,W]: angle, v, iris radius r (0..1), and sclera angle (0..1)."""

    def __init__(self, height: int, width: int) -> None:
        u = (np.arange(width) + 0.5) / width
        u, self.v = np.meshgrid(u, (np.arange(height) + 0.5) / height)
        self.angle = 2 * np.pi * u
        self._circle = np.stack([np.cos(self.angle), np.sin(self.angle)], -1)
        self.r = np.clip(self.v / V_IRIS, 0, 1)
        self.sclera = np.clip((self.v - V_IRIS) / (1 - V_IRIS), 0, 1)

    def points(self, around: float, along: float, shift: float) -> Array:
        """Points [H,W,3] for noise without a seam."""
        c = self._circle
        return np.stack([c[..., 0] * around, c[..., 1] * around, self.r * along + shift], -1)


def _iris(p: _Polar, inner: Array, outer: Array) -> Array:
    """Fibres, collarette, crypts, limbal ring and pupil; linear RGB [H,W,3]."""
    warp = fbm(p.points(3, 3, 0), 2, 4)
    fibres = fbm(p.points(26, 2.2, 5) + 0.5 * warp[..., None], 3, 5)
    fine = fbm(p.points(60, 4, 9) + 0.4 * warp[..., None], 2, 6)
    collarette = 0.44 + 0.05 * fbm(p.points(5, 0, 3), 2, 7)
    m = smoothstep(collarette - 0.10, collarette + 0.16, p.r)
    iris = inner * (1 - m[..., None]) + outer * m[..., None]
    iris = iris * (0.82 + 0.55 * fibres + 0.30 * fine)[..., None]
    crypts = smoothstep(0.25, 0.6, fbm(p.points(9, 5, 1), 2, 12))
    iris *= (1 - 0.35 * crypts * m)[..., None]
    iris *= (1 - 0.72 * smoothstep(0.80, 1.0, p.r))[..., None]
    iris *= (1 + 0.22 * np.exp(-(((p.r - collarette) / 0.05) ** 2)))[..., None]
    pupil = 0.335 + 0.006 * fbm(p.points(4, 0, 8), 2, 3)
    iris *= smoothstep(pupil - 0.012, pupil + 0.02, p.r)[..., None]
    return np.clip(iris, 0.002, 1)


def _veins(rng: np.random.Generator, height: int, width: int) -> Array:
    """Wandering vessels that start near the corners of the eye; 0..1, float32 [H,W]."""
    veins = np.zeros((height, width), np.float32)
    for _ in range(70):
        a = rng.choice([0, np.pi]) + rng.normal(0, 0.75)
        y = height * (V_IRIS + (1 - V_IRIS) * rng.uniform(0.30, 0.55))
        x = (a % (2 * np.pi)) / (2 * np.pi) * width
        thickness, turn = rng.uniform(1.2, 3.2), rng.normal(0, 0.15)
        strength = rng.uniform(0.25, 0.9)
        for _step in range(int(rng.uniform(40, 150))):
            turn = (turn + rng.normal(0, 0.22)) * 0.93
            nx, ny = x + np.sin(turn) * 5 * 2, y - np.cos(turn) * 3
            if ny < height * V_IRIS * 1.02:
                break
            start, end = (int(x) % width, int(y)), (int(nx) % width, int(ny))
            if abs(start[0] - end[0]) < 40:
                cv2.line(veins, start, end, strength, max(1, int(thickness)), cv2.LINE_AA)
            x, y = nx, ny
            thickness *= 0.99
            strength *= 0.985
    return cv2.GaussianBlur(veins, (0, 0), 1.3)


def eye_texture(params: dict[str, Any], resolution: int = 1024) -> Array:
    """Linear RGB float32 [R,2R,3]: u is the angle, v first the iris radius, then the sclera angle.

    params: `seed`, `inner` and `outer` iris colours, optionally `sclera` (brightness).
    """
    height, width = resolution, resolution * 2
    p = _Polar(height, width)
    iris = _iris(p, np.array(params["inner"]), np.array(params["outer"]))
    white = np.ones((height, width, 3)) * np.array([0.72, 0.685, 0.645]) * params.get("sclera", 1.0)
    corners = 0.35 + 0.65 * np.abs(np.cos(p.angle))
    white *= 1 - (0.30 * smoothstep(0.06, 0.45, p.sclera) * corners)[..., None] * np.array([0.10, 0.55, 0.60])
    veins = _veins(np.random.default_rng(params["seed"]), height, width)
    white *= 1 - np.clip(veins, 0, 1)[..., None] * np.array([0.12, 0.42, 0.42])
    white *= (1 + 0.04 * fbm(p.points(6, 0, 0) + (p.sclera * 6)[..., None], 3, 77))[..., None]
    limbus = smoothstep(-0.018, 0.045, p.sclera + 0.006 * fbm(p.points(7, 0, 2), 2, 31))[..., None]
    edge = iris[int(height * V_IRIS * 0.985)].mean(0) * 0.9
    white = white * limbus + edge * (1 - limbus)
    return np.where((p.v < V_IRIS)[..., None], iris, white).astype(np.float32)
