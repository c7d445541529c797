"""The whole performance of one face: mouth, eyes, brows, head, all from the media clock."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from flashback.media.blendshapes import ARKIT_52, index
from services.renderer.engine import REACH, Sway
from services.renderer.motion.easing import Spring
from services.renderer.motion.eyes import Blinks, Gaze
from services.renderer.motion.head import Brows, Head
from services.renderer.motion.manners import EASED, Manner, bearing_vector
from services.renderer.motion.mouth import SETTLE_FRAMES, Mouth, Said
from services.renderer.motion.spoken_face import Handover, SpokenFace
from services.renderer.motion.visemes import SHAPE_PLACES, SHAPE_SOURCES, VOWELS

LEAD_S = 0.020
"""The mouth is this much ahead of its sound: lips are on their way before a sound is heard."""
BEAT_GAP_S = 0.55
BROW_GAP_S = 1.9
STRESSED = 0.75
"""Visemes at least this heavy can carry a beat of the head."""

_GAZE = np.array([name.startswith("eyeLook") for name in ARKIT_52])
_EASE = {name: place for place, name in enumerate(EASED)}
_FUNNEL, _PUCKER = index("mouthFunnel"), index("mouthPucker")
_BROW_INNER, _BROW_OUTER = index("browInnerUp"), index("browOuterUpLeft")


def _within(shift: float) -> float:
    """Nearly `shift` while it is small, never beyond REACH."""
    return REACH * math.tanh(shift / REACH)


class FaceMotion:
    """Poses of one session's face.

    seed: two faces with the same seed, fed alike, move alike; fps: frames a second.
    """

    def __init__(self, seed: int, fps: int) -> None:
        streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(5)]
        self._dt = 1.0 / fps
        self._mouth = Mouth(self._dt)
        self._blinks = Blinks(streams[0])
        self._gaze = Gaze(streams[1], self._blinks)
        self._head = Head(streams[2])
        self._brows = Brows(streams[3])
        self._chance = streams[4]
        self._handover = Handover(SETTLE_FRAMES)
        self._manner, self._feeling = Manner.IDLE, (0.0, 0.0)
        self._aim()
        self._bearing = Spring(self._goal, 0.16)
        self._last_beat = self._last_brow = -10.0
        self._time = 0.0

    def say(self, visemes: Iterable[Said]) -> None:
        """Adds visemes to what the mouth will do; places the beats of head and brows on stressed vowels."""
        visemes = list(visemes)
        self._mouth.say(visemes)
        for v in visemes:
            if v.shape in VOWELS and v.stress >= STRESSED and v.start - self._last_beat > BEAT_GAP_S:
                peak = v.start + 0.3 * (v.end - v.start)
                self._last_beat = v.start
                self._head.beat(peak, float(self._chance.uniform(0.45, 1.0)))
                if v.start - self._last_brow > BROW_GAP_S and self._chance.random() < 0.55:
                    self._last_brow = v.start
                    self._brows.emphasise(peak, float(self._chance.uniform(0.6, 1.0)))

    def delay(self, since: float, by: float) -> None:
        """Audio was late: what the mouth had planned at or after `since` happens `by` seconds later."""
        self._mouth.delay(since, by)

    def hush(self) -> None:
        """Speech was cut: the mouth goes to rest within three frames, the rest of the face carries on."""
        self._mouth.hush()
        self._head.still(self._time)
        self._brows.still(self._time)
        self._last_beat = self._last_brow = -10.0

    def feel(self, valence: float, arousal: float) -> None:
        """The emotion the face eases towards, each -1..1."""
        self._feeling = (max(-1.0, min(valence, 1.0)), max(-1.0, min(arousal, 1.0)))
        self._aim()

    def pose(
        self, time: float, manner: Manner, loudness: float, spoken: SpokenFace | None = None
    ) -> tuple[NDArray[np.float32], Sway, float]:
        """Weights, head and breath (engine.Pose) for the frame whose middle is at `time` seconds.

        Weights are float32[52] in the order of blendshapes.ARKIT_52. Call once for each frame, in order.
        loudness: of the frame's audio, 0..1 of the voice's usual level. spoken: the face that came with the speech, of
        LEAD_S later; it takes the place of visemes and, where it blinks, of blinks; brows follow what raises them more.
        """
        self._time = time
        weights = np.zeros(len(ARKIT_52), np.float32)
        mouth = self._mouth.shape(time + LEAD_S, loudness)
        inner, outer = self._brows.at(time)
        if spoken is None:
            weights[SHAPE_PLACES] = mouth[SHAPE_SOURCES]
        else:
            weights[~_GAZE] = spoken.row[~_GAZE]
            inner = max(inner - float(weights[_BROW_INNER]), 0.0)
            outer = max(outer - float(weights[_BROW_OUTER]), 0.0)
        if manner is not self._manner:
            self._manner = manner
            self._aim()
        eased = self._bearing.step(self._goal, self._dt)
        rounded = min(1.0, 1.6 * float(weights[_FUNNEL] + weights[_PUCKER]))
        spread = eased * (1.0 - 0.8 * rounded)

        def add(name: str, value: float) -> None:
            weights[index(name)] += value

        for side in ("Left", "Right"):
            add("mouthSmile" + side, spread[_EASE["smile"]])
            add("mouthFrown" + side, spread[_EASE["frown"]])
            add("mouthPress" + side, spread[_EASE["press"]])
            add("cheekSquint" + side, 0.6 * eased[_EASE["squint"]] + 0.4 * spread[_EASE["smile"]])
            add("eyeSquint" + side, eased[_EASE["squint"]])
            add("eyeWide" + side, eased[_EASE["wide"]])
            add("browDown" + side, eased[_EASE["brow_down"]])
            add("browOuterUp" + side, eased[_EASE["brow_outer"]] + outer * (1.0 if side == "Left" else 0.85))
        add("browInnerUp", eased[_EASE["brow_inner"]] + inner)
        self._look(weights, time, manner, spoken)
        weights = self._handover.pass_on(weights, spoken is not None)
        np.clip(weights, 0.0, 1.0, out=weights)
        x, y, roll = self._head.at(time, manner)
        dx, dy, lean = (float(eased[_EASE[name]]) for name in ("x", "y", "roll"))
        return weights, Sway(_within(x + dx), _within(y + dy), _within(roll + lean)), self._head.breath(time)

    def _aim(self) -> None:
        self._goal = bearing_vector(self._manner, *self._feeling)

    def _look(
        self, weights: NDArray[np.float32], time: float, manner: Manner, spoken: SpokenFace | None = None
    ) -> None:
        """The person's left eye is on the right of the picture: looking right turns it outwards."""
        right, up = self._gaze.at(time, manner)
        own = self._blinks.at(time)
        outward, inward = ("Left", "Right") if right > 0 else ("Right", "Left")
        weights[index("eyeLookOut" + outward)] = abs(right)
        weights[index("eyeLookIn" + inward)] = abs(right)
        for side in ("Left", "Right"):
            weights[index(("eyeLookUp" if up > 0 else "eyeLookDown") + side)] = abs(up)
            blink = index("eyeBlink" + side)
            shut = float(weights[blink]) if spoken and spoken.blinks else own
            weights[blink] = shut
            weights[index("eyeSquint" + side)] *= 1.0 - shut
            weights[index("eyeWide" + side)] *= 1.0 - shut
