"""The neutral geometry of a persona and its 52 ARKit deltas. Metres, +y up, +z to the viewer, +x the person's left."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .arrays import Array
from .base.face_units import ARKIT
from .base.mesh import EYE_LEFT, EYE_RIGHT, TEETH_LOWER, TEETH_UPPER, BaseMesh
from .geometry.vectors import rotation, smoothstep
from .personas import PERSONAS

EYE_YAW, EYE_PITCH = np.radians(26), np.radians(20)
"""Gaze angles at full weight."""

_ARM_BONES = ("upperarm", "lowerarm", "wrist", "finger", "metacarpal")


class Person:
    """A morphed base mesh.

    params: the persona's parameters. v [V,3] metres, origin between the eyes. v0 [V,3] the untouched base mesh in
    decimetres: regions of the body are looked up in it. delta: ARKit name -> [V,3] metres. eye, eye_radius: centre
    [3] and radius of the left and the right eyeball in metres.
    """

    def __init__(self, name: str, assets: Path) -> None:
        """Reads the data wheel in `assets`. Raises KeyError for an unknown persona, FileNotFoundError, ValueError."""
        self.name, self.params = name, PERSONAS[name]
        self.base = BaseMesh(assets)
        v = self.base.v.copy()
        for key, weight in {**self.params["macro"], **self.params["shape"]}.items():
            v += weight * self.base.target(key)
        self.delta = {key: self.base.face_unit(key) for key in ARKIT}
        for key, weight in self.params["settle"].items():  # the base mesh rests with slightly parted lips
            v += weight * self.delta[key]
        v[:, 0] *= 1 + self.params["widen"] * smoothstep(6.45, 5.65, self.base.v[:, 1])
        v = self._lowered_arms(self._sealed_corners(v, self.params["seal"]))
        self.v0 = self.base.v
        centre = (v[slice(*EYE_LEFT)].mean(0) + v[slice(*EYE_RIGHT)].mean(0)) / 2
        self.v = (v - [0, centre[1], centre[2]]) * 0.1
        for key in self.delta:
            self.delta[key] = self.delta[key] * 0.1
        eyes = self.v[slice(*EYE_LEFT)], self.v[slice(*EYE_RIGHT)]
        self.eye = [e.mean(0) for e in eyes]
        self.eye_radius = [float(np.linalg.norm(e - e.mean(0), axis=1).mean()) for e in eyes]
        self._fit_units()

    def _sealed_corners(self, v: Array, amount: float) -> Array:
        """Closes the slit that the lips leave near the corners (amount in decimetres)."""
        q = self.base.v
        jaw = -self.delta["jawOpen"][:, 1]
        ax = np.abs(q[:, 0])
        lower = smoothstep(0.105, 0.145, jaw)
        g = np.exp(-(((ax - 0.190) / 0.050) ** 2)) * np.exp(-(((q[:, 1] - 6.612) / 0.050) ** 2)) * (q[:, 2] > 1.10)
        v = v.copy()
        v[:, 1] += amount * g * (0.75 * lower - 0.45 * (1 - lower))
        v[:, 2] -= 0.3 * amount * g * (1 - lower)
        return v

    def _lowered_arms(self, v: Array) -> Array:
        bones = self.base.bone_weights()
        degrees, shoulder, clavicle = self.params["arms"]
        for side, sign in (("L", 1), ("R", -1)):
            joint = v[self.base.group(f"joint-{side.lower()}-shoulder")].mean(0)
            turn = rotation([0, 0, 1], -sign * np.radians(degrees))
            weight = np.zeros(len(v))
            for bone, pairs in bones.items():
                if bone.endswith("." + side) and bone.startswith(_ARM_BONES):
                    share = 1.0
                elif bone == "shoulder01." + side:
                    share = shoulder
                elif bone == "clavicle." + side:
                    share = clavicle
                else:
                    continue
                for i, x in pairs:
                    weight[i] += x * share
            v = v + np.clip(weight, -1, 1)[:, None] * ((v - joint) @ turn.T + joint - v)
        return v

    def _fit_units(self) -> None:
        """Takes what is baked into neutral off the units, and stray teeth out of one of them."""
        for key, weight in self.params["settle"].items():
            if weight > 0:
                self.delta[key] *= 1 - weight
        self.delta["mouthFunnel"][slice(*TEETH_LOWER)] = 0
        self.delta["mouthFunnel"][slice(*TEETH_UPPER)] = 0

    def eye_rotation(self, shape: str, side: int) -> Array | None:
        """Rotation [3,3] of eyeball `side` (0 left, 1 right) for an ARKit shape at weight 1, or None."""
        if not shape.startswith("eyeLook") or not shape.endswith(("Left", "Right")[side]):
            return None
        if "Down" in shape:
            return rotation([1, 0, 0], EYE_PITCH * 1.15)
        if "Up" in shape:
            return rotation([1, 0, 0], -EYE_PITCH)
        return rotation([0, 1, 0], EYE_YAW if ("Out" in shape) == (side == 0) else -EYE_YAW)
