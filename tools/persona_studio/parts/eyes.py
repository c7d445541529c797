"""Eyeballs: geometry with an iris disc behind a cornea shell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from ..geometry.faces import grid_faces

IRIS = 0.455
"""Iris radius / eyeball radius."""
V_IRIS = 0.34
"""Share of the texture height that the iris takes."""


@dataclass(frozen=True)
class Eyeball:
    """Looks to +z from the origin. v [N,3], f [F,4], uv [F,4,2] of the ball; cornea_v, cornea_f of the shell.
    Metres.
    """

    v: Array
    f: Array
    uv: Array
    cornea_v: Array
    cornea_f: Array


def eyeball(radius: float, n: int = 48) -> Eyeball:
    """An eyeball of `radius` metres with n columns."""
    limbus = np.arcsin(IRIS)
    rows = [(IRIS * t * 0.995, np.cos(limbus) - 0.035 - 0.045 * (1 - t), V_IRIS * t) for t in np.linspace(0, 1, 12)]
    for t in np.linspace(limbus, np.pi * 0.93, 26):
        rows.append((np.sin(t), np.cos(t), V_IRIS + (1 - V_IRIS) * (t - limbus) / (np.pi - limbus)))
    a = np.linspace(0, 2 * np.pi, n, endpoint=False)
    uv = [
        [[i / n, r[2]], [(i + 1) / n, r[2]], [(i + 1) / n, q[2]], [i / n, q[2]]]
        for r, q in zip(rows[:-1], rows[1:], strict=True)
        for i in range(n)
    ]
    shell = []
    for t in np.linspace(0, limbus * 1.28, 14):
        bulge = 1.004 + 0.085 * np.clip(1 - (t / (limbus * 1.18)) ** 2, 0, 1) ** 1.5
        shell.append((np.sin(t) * bulge, np.cos(t) * bulge))
    return Eyeball(
        v=np.array([[r * np.cos(x), r * np.sin(x), z] for r, z, _ in rows for x in a]) * radius,
        f=grid_faces(n, len(rows))[:, ::-1],
        uv=np.array(uv)[:, ::-1],
        cornea_v=np.array([[r * np.cos(x), r * np.sin(x), z] for r, z in shell for x in a]) * radius,
        cornea_f=grid_faces(n, len(shell))[:, ::-1],
    )
