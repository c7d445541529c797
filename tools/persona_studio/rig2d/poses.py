"""Poses that have a picture plate of their own."""

from ..rigged import Pose

SMILE: Pose = {"mouthSmileLeft": 0.75, "mouthSmileRight": 0.75, "cheekSquintLeft": 0.35, "cheekSquintRight": 0.35}
OPEN: Pose = {"jawOpen": 1.0}
CLOSED: Pose = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
