"""How far the mouth in the pictures is behind the speech it belongs to, with the rig engine and eSpeak NG.

A minute of speech is performed and drawn. The opening of the mouth is measured in each picture, from its pixels: how
many in the region of the mouth have neither the colour of skin nor of lips. That series is correlated with the envelope
of the audio at lags of -200 to 200 ms; the best lag is the figure (positive: the mouth comes late). The mouth follows
the voice's visemes or, with --driven, the blendshapes of EmoTalk's engine `viseme`.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
from numpy.typing import NDArray

from flashback import personas
from flashback.media.blendshapes import ARKIT_52, ARKIT_52_ALPHABETICAL
from flashback.media.clock import SPEECH_RATE, FrameClock
from services.emotalk.audio import Resampler
from services.emotalk.engine import FPS, Utterance
from services.emotalk.engines.viseme import create as create_viseme_engine
from services.emotalk.settings import EmoTalkSettings
from services.renderer.engines.rig.model import load_rig
from services.renderer.engines.rig.picture import RigCanvas
from services.renderer.motion.spoken_face import Track
from services.renderer.speech import Mark, Part
from services.renderer.stage import Stage, TurnFinished
from services.tts.engine import Mood, SpeechPart
from services.tts.engines.espeak import create

SIZE = 512
STEP = SPEECH_RATE // 200
"""Samples of audio behind one value of the envelope: 5 ms."""
REACH_MS = 200
SENTENCES = (
    "Bob maps my pump before five very fine vans arrive at the farm.",
    "Who would choose two blue shoes for a walk along the river at noon?",
    "A talking avatar listens to a question, looks for an answer, and says where it found it.",
    "The lips close for every p, b and m, and the lower lip meets the teeth for f and v.",
    "People notice late lips much sooner than they notice a late picture of anything else.",
    "Speech is cut into sentences, so that the first one can be spoken while the second is being made.",
    "Each picture travels together with exactly the sound that plays while it is shown.",
    "When somebody interrupts, the voice stops at once and the mouth goes back to rest.",
    "Thirty three thirsty thieves thought that they thrilled the throne throughout Thursday.",
    "Breathing, blinking and small movements of the head keep a quiet face alive.",
    "How much wood would a good machine move, if nobody told it to be careful?",
    "Each of these answers comes with the name of the document that it was taken from.",
)

Floats = NDArray[np.float64]


def speak(minimum_s: float, persona: personas.Persona) -> list[Part]:
    """At least `minimum_s` seconds of one turn's speech."""
    engine, parts, total = create(), [], 0
    sentence = 0
    while total < minimum_s * SPEECH_RATE:
        made: list[SpeechPart] = []

        def emit(part: SpeechPart, made: list[SpeechPart] = made) -> bool:
            made.append(part)
            return True

        engine.synthesize(SENTENCES[sentence % len(SENTENCES)], persona.voice["espeak"], Mood(), emit)
        for piece in made:
            marks = tuple(Mark(v.shape, v.start, v.duration, v.weight) for v in piece.visemes)
            parts.append(Part("lag", 0, sentence, piece.audio, marks, last_of_sentence=piece.last))
            total += len(piece.audio)
        sentence += 1
    parts.append(Part("lag", 0, sentence - 1, np.zeros(0, np.int16), last_of_turn=True))
    return parts


def faces(parts: list[Part]) -> list[Track]:
    """The face of each sentence by EmoTalk's engine `viseme`, emotion level 0."""
    engine, tracks = create_viseme_engine(EmoTalkSettings()), []
    order = [ARKIT_52_ALPHABETICAL.index(name) for name in ARKIT_52]
    for key in dict.fromkeys(part.key for part in parts):
        spoken = np.concatenate([p.audio for p in parts if p.key == key]).astype(np.float32) / np.float32(32768)
        resampler = Resampler(SPEECH_RATE)
        samples = np.concatenate([resampler.push(spoken), resampler.finish()])
        (weights,) = engine.predict([Utterance(samples, level=0)])
        tracks.append(Track(key, 0, FPS, 0, weights[:, order]))
    return tracks


class Opening:
    """Counts the pixels of the mouth's inside. The colours of lips and skin are learnt from a face at rest."""

    def __init__(self, picture: NDArray[np.uint8], lips: Floats) -> None:
        """picture: I420 at rest; lips: the 20 mouth points of the 68-point convention, x and y in pixels."""
        (x0, y0), (x1, y1) = lips.min(0), lips.max(0)
        width = x1 - x0
        rows = slice(round((y0 - 0.1 * width) / 2), round((y1 + 0.4 * width) / 2))
        self._cut = (rows, slice(round((x0 - 0.05 * width) / 2), round((x1 + 0.05 * width) / 2)))
        redness = self._redness(picture)
        self._least = float(np.percentile(redness, 1)) - 1.5

    def _redness(self, picture: NDArray[np.uint8]) -> Floats:
        """Cr - Cb of the region, from the chroma planes of an I420 picture: high for skin, low for teeth and dark."""
        n, half = SIZE * SIZE, SIZE // 2
        cb = picture[n : n + half * half].reshape(half, half)[self._cut].astype(np.float64)
        cr = picture[n + half * half :].reshape(half, half)[self._cut].astype(np.float64)
        return cr - cb

    def of(self, picture: NDArray[np.uint8]) -> float:
        return float((self._redness(picture) < self._least).sum())


def best_lag(opening: Floats, times: Floats, envelope: Floats) -> tuple[float, float]:
    """Lag in milliseconds at which opening (at `times`, seconds) fits the envelope (every STEP samples) best; the fit.

    The fit is Pearson's correlation; the peak is refined with a parabola.
    """
    grid = (np.arange(len(envelope)) + 0.5) * STEP / SPEECH_RATE
    lags = np.arange(-REACH_MS, REACH_MS + 1, 5)
    fits = np.array(
        [np.corrcoef(opening, np.interp(times - lag / 1000, grid, envelope))[0, 1] for lag in lags.tolist()]
    )
    top = int(np.clip(np.argmax(fits), 1, len(lags) - 2))
    a, b, c = fits[top - 1 : top + 2]
    return float(lags[top] + 5 * 0.5 * (a - c) / (a - 2 * b + c)), float(b)


def envelope_of(audio: NDArray[np.int16]) -> Floats:
    """Root mean square of each 5 ms, smoothed over 25 ms."""
    whole = audio[: len(audio) // STEP * STEP].reshape(-1, STEP).astype(np.float64)
    power = np.convolve((whole**2).mean(1), np.ones(5) / 5, mode="same")
    return np.sqrt(power)


def measure(minimum_s: float = 60.0, persona_id: str = "iris", driven: bool = False) -> dict[str, float]:
    """`lip_lag_ms`, its `correlation`, and `samples`: how many pictures stand behind it."""
    persona = personas.load(persona_id)
    model = load_rig(persona.folder, SIZE)
    canvas, stage = RigCanvas(model), Stage(FrameClock(), seed=1)
    with np.load(persona.folder / "rig.npz") as rig:
        lips = rig["landmarks68_xy"][48:] * (SIZE / float(rig["size"]))

    def draw() -> tuple[NDArray[np.uint8], NDArray[np.int16], bool]:
        take = stage.next_frame()
        canvas.draw(take.pose.weights, take.pose.sway, take.pose.breath)
        return canvas.buffer, take.pose.audio, any(isinstance(e, TurnFinished) for e in take.events)

    opening = Opening(draw()[0], lips)
    first = stage.next_start
    parts = speak(minimum_s, persona)
    for track in faces(parts) if driven else ():
        stage.follow(track)
    for part in parts:
        stage.say(part)
    openings, audio, done = [], [], False
    while not done:
        picture, sound, done = draw()
        openings.append(opening.of(picture))
        audio.append(sound)
    times = (np.arange(len(openings)) + 0.5) * (stage.next_start - first) / len(openings) / SPEECH_RATE
    lag, fit = best_lag(np.array(openings), times, envelope_of(np.concatenate(audio)))
    return {"lip_lag_ms": round(lag, 1), "correlation": round(fit, 3), "samples": len(openings)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--persona", default="iris")
    parser.add_argument("--driven", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.seconds, arguments.persona, arguments.driven)))
