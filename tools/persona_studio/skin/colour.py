"""Albedo of the skin: linear RGB painted over texels [n]."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..arrays import Array
from ..base.mesh import TEETH_UPPER
from ..geometry.noise import cellular, fbm
from ..geometry.vectors import smoothstep
from ..person import Person
from .atlas import MOUTH, SOCKET_LEFT
from .regions import gauss3
from .texels import Texels


def _redness(t: Texels) -> Array:
    """Where blood shows: cheeks, nose, chin, around the mouth, ears, upper lids; unevenly."""
    red = np.zeros(len(t.base))
    red += 0.55 * gauss3(t.folded, (0.42, 6.98, 1.22), (0.22, 0.20, 0.35))
    red += 0.60 * gauss3(t.folded, (0, 6.93, 1.68), (0.16, 0.15, 0.20))
    red += 0.50 * gauss3(t.folded, (0.15, 6.88, 1.52), (0.07, 0.08, 0.15))
    red += 0.30 * gauss3(t.folded, (0, 6.30, 1.48), (0.20, 0.14, 0.30))
    red += 0.25 * gauss3(t.folded, (0, 6.70, 1.56), (0.34, 0.16, 0.30))
    red += 0.45 * t.ears
    red += 0.18 * gauss3(t.folded, (0.31, 7.36, 1.36), (0.20, 0.06, 0.2))
    return red * (1 + 0.35 * t.blotches) + 0.10 * t.blotches + 0.07 * t.patches


def _freckles(t: Texels) -> Array:
    zone = gauss3(t.folded, (0.30, 7.05, 1.4), (0.32, 0.18, 0.5)) + 0.5 * gauss3(
        t.folded, (0, 7.1, 1.6), (0.2, 0.2, 0.4)
    )
    nearest, _ = cellular(t.mm / 3.1, t.seed + 21)
    size = 0.14 + 0.16 * (fbm(t.mm / 6, 2, t.seed + 22) * 0.5 + 0.5)
    groups = smoothstep(-0.05, 0.35, fbm(t.mm / 5, 2, t.seed + 23))
    return (1 - smoothstep(size * 0.45, size, nearest)) * groups * np.clip(zone + 0.18, 0, 1)


def _base_colour(person: Person, t: Texels) -> Array:
    """Tone, redness, shadows, mottling, pores, freckles and moles."""
    skin = person.params["skin"]
    colour = np.tile(np.array(skin["tone"]), (len(t.base), 1))
    red = skin["red"] * _redness(t)[:, None]
    colour = colour * (1 + red * np.array([0.06, -0.20, -0.17]))
    under_eyes = gauss3(t.folded, (0.27, 7.135, 1.36), (0.15, 0.055, 0.2)) + 0.6 * gauss3(
        t.folded, (0.16, 7.20, 1.36), (0.05, 0.07, 0.15)
    )
    colour = colour * (1 - under_eyes[:, None] * np.array([0.10, 0.15, 0.105]))
    forehead = gauss3(t.folded, (0, 7.8, 1.4), (0.5, 0.25, 0.5))
    colour = colour * (1 + forehead[:, None] * np.array([0.02, 0.02, 0.0]))
    neck = smoothstep(6.35, 5.9, t.base[:, 1]) * (t.base[:, 2] < 1.2)
    colour = colour * (1 - neck[:, None] * np.array([0.03, 0.04, 0.05]))
    grain = fbm(t.mm / 0.42, 2, t.seed + 11)
    mottling = 0.060 * t.blotches + 0.060 * t.patches + 0.060 * t.fine + 0.045 * grain * t.head
    colour = colour * (1 + mottling[:, None] * np.array([0.8, 1.0, 1.15]))
    colour = colour * (1 - 0.30 * t.pores[:, None] * np.array([0.7, 1, 1.1]))
    freckles = _freckles(t) * skin["freckles"]
    colour = colour * (1 - freckles[:, None] * np.array([0.15, 0.24, 0.30]))
    return colour * (1 - 0.55 * t.moles[:, None] * np.array([0.8, 1, 1.1]))


def _with_lips(person: Person, t: Texels, colour: Array) -> Array:
    """Lips of their own tone, creased, darker towards the mouth line; lids thinner and redder."""
    skin = person.params["skin"]
    lips = np.array(skin["lips"]) * (1 + 0.16 * t.creases[:, None] + 0.10 * t.patches[:, None] + 0.05 * t.fine[:, None])
    inner = smoothstep(0.55, 0.95, t.lip_area) * np.exp(-(((t.base[:, 1] - 6.622) / 0.035) ** 2))
    lips = lips * (1 - 0.15 * inner[:, None])
    share = t.lips[:, None] * 0.86
    colour = colour * (1 - share) + lips * share
    lid = gauss3(t.folded, (0.32, 7.285, 1.37), (0.16, 0.085, 0.10))
    return colour * (1 + 0.25 * skin["red"] * lid[:, None] * np.array([0.02, -0.16, -0.10]))


def _darken_lash_line(person: Person, t: Texels, colour: Array) -> None:
    """Dark roots along the margin of the upper lids, much fainter below. Changes `colour`."""
    strength = person.params["skin"].get("lashline", 0.85)
    for kind, amount, width in ((2, strength, 2.5), (1, 0.25 * strength, 1.6)):
        for s, side in enumerate("lr"):
            group = person.base.group(f"helper-{side}-eyelashes-{kind}")
            distance = np.linalg.norm(person.v[group] - person.eye[s], axis=1) / person.eye_radius[s]
            roots = person.v[group[distance < 1.055]] * 1000
            roots = roots[np.argsort(np.abs(roots[:, 0]))]
            roots = np.concatenate([roots[:-1] + (roots[1:] - roots[:-1]) * k for k in np.linspace(0, 1, 6)])
            near = np.where(t.head & (np.linalg.norm(t.mm - roots.mean(0), axis=1) < 26))[0]
            d = cKDTree(roots).query(t.mm[near])[0]
            colour[near] *= 1 - (amount * np.exp(-((d / width) ** 2)))[:, None] * np.array([0.92, 1, 1.02])


def _with_hair_roots(person: Person, t: Texels, colour: Array) -> Array:
    """Undertones of scalp, brows and beard."""
    skin, hair = person.params["skin"], person.params["hair"]
    tone, hair_colour = np.array(skin["tone"]), np.array(hair["color"])
    scalp, brow = t.scalp[:, None], t.brow[:, None]
    colour = colour * (1 - 0.85 * scalp) + 0.85 * scalp * (hair_colour * 1.2 + tone * 0.04)
    colour = colour * (1 - 0.34 * brow) + 0.34 * brow * (np.array(hair["brow"]) + 0.25 * tone)
    if skin["stubble"]:
        nearest, _ = cellular(t.mm / 0.75, t.seed + 61)
        uneven = 0.5 + 0.5 * smoothstep(-0.3, 0.3, fbm(t.mm / 4, 2, t.seed + 62))
        dots = (1 - smoothstep(0.18, 0.36, nearest)) * uneven
        share = (skin["stubble"] * t.beard * (0.30 + 0.55 * dots))[:, None]
        colour = colour * (1 - share) + share * (hair_colour * 0.8 + tone * 0.18)
    return colour


def albedo(person: Person, t: Texels) -> Array:
    """Linear RGB [n,3] of every texel, inner mouth and eye sockets included."""
    colour = _with_lips(person, t, _base_colour(person, t))
    _darken_lash_line(person, t, colour)
    colour = _with_hair_roots(person, t, colour)
    gum = np.array([0.42, 0.135, 0.12]) * (1 + 0.2 * t.patches[:, None] + 0.15 * t.blotches[:, None])
    front = person.v[slice(*TEETH_UPPER), 2].max()
    light = smoothstep(0.0135 + front - 0.055, front, t.depth)
    colour = np.where((t.island == MOUTH)[:, None], gum * (0.22 + 0.78 * light[:, None]), colour)
    return np.where((t.island >= SOCKET_LEFT)[:, None], np.array([0.55, 0.25, 0.21]), colour)
