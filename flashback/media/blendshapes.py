"""The 52 face shapes of ARKit. Two orders of their names are in use, so data names its layout or its channels."""

from __future__ import annotations

ARKIT_52: tuple[str, ...] = (
    *("eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft"),
    *("eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight"),
    *("eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel"),
    *("mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft"),
    *("mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight"),
    *("mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft"),
    *("browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft"),
    *("cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut"),
)
"""The order of Apple's documentation, which the persona rigs keep."""

ARKIT_52_ALPHABETICAL: tuple[str, ...] = tuple(sorted(ARKIT_52))
"""The order of EmoTalk's outputs."""

LAYOUTS: dict[str, tuple[str, ...]] = {"arkit-52": ARKIT_52, "arkit-52-alphabetical": ARKIT_52_ALPHABETICAL}
"""Channel orders by the name they have on the wire."""

_PLACES = {name: place for place, name in enumerate(ARKIT_52)}


def index(name: str) -> int:
    """Place of a shape in a weight vector, 0..51. Raises KeyError for a name that ARKit does not have."""
    return _PLACES[name]
