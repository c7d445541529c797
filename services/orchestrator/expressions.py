"""Faces for what is said: from EmoTalk to the renderer, which may be driven by them, and to a browser that asked.

The listener never waits for a face: when EmoTalk is slow, full or gone, speech and visemes go on without it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from flashback.errors import FlashbackError
from flashback.media.blendshapes import ARKIT_52_ALPHABETICAL
from flashback.media.clock import SPEECH_RATE
from flashback.v1 import emotalk_pb2, renderer_pb2
from services.orchestrator.events import Blendshapes, Event, Notice
from services.orchestrator.face_link import FaceLink

log = logging.getLogger(__name__)

PIECE_S = 0.5
"""Longest stretch of frames in one event."""
CHANNELS = len(ARKIT_52_ALPHABETICAL)


@dataclass
class _Sentence:
    """start_sample: media time, once it plays. frames: not yet told, (first frame, rows end to end)."""

    start_sample: int | None = None
    frames: list[tuple[int, tuple[float, ...]]] = field(default_factory=list)


@dataclass
class _Turn:
    """spoken_at: when its first sound went to EmoTalk, until its first face comes; None where it did not go there."""

    generation: int
    spoken_at: float | None
    sentences: dict[int, _Sentence] = field(default_factory=dict)


class Expressions:
    """The faces of one session. Speech passes through `say` on its way to the stage.

    drives: the renderer follows the faces. hold_s: how long the first sound of a turn may wait for its face then.
    """

    def __init__(
        self,
        link: FaceLink,
        to_stage: Callable[[renderer_pb2.SpeechPart], None],
        emit: Callable[[Event], None],
        *,
        drives: bool,
        hold_s: float,
    ) -> None:
        self._link = link
        self._to_stage = to_stage
        self._emit = emit
        self._drives = drives
        self._hold_s = hold_s
        self._shows = False
        self._fps = 0
        self._generation = 0
        self._turns: dict[str, _Turn] = {}
        self._held: list[renderer_pb2.SpeechPart] = []
        self._release: asyncio.TimerHandle | None = None
        self._slow = False
        self._told = False

    @property
    def wanted(self) -> bool:
        """Whether anybody looks at the faces."""
        return self._drives or self._shows

    def show(self, on: bool) -> None:
        """Whether the browser is told the faces, from the next frames on."""
        self._shows = on

    async def run(self) -> None:
        """Keeps the stream to EmoTalk open; call once, when faces are first wanted."""
        await self._link.run(self._on_frames, self._lost)

    # --- speech -------------------------------------------------------------------------------------------------------

    def say(self, part: renderer_pb2.SpeechPart) -> None:
        """Hands speech to the stage, at once or, in the beginning of a turn, when its face has come."""
        if self.wanted and self._animate(part):
            self._hold()
        if self._release is not None:
            self._held.append(part)
        else:
            self._to_stage(part)

    def _animate(self, part: renderer_pb2.SpeechPart) -> bool:
        """Sends a part's speech to EmoTalk; True when that is the first sound of a turn."""
        if not part.audio and not part.last_of_sentence:
            return False
        turn = self._turns.get(part.turn_id)
        opens = turn is None
        if turn is None:
            now = asyncio.get_running_loop().time() if self._link.open else None
            turn = self._turns[part.turn_id] = _Turn(part.generation, now)
        first = part.sentence not in turn.sentences
        turn.sentences.setdefault(part.sentence, _Sentence())
        audio = emotalk_pb2.SpokenAudio(
            turn_id=part.turn_id,
            generation=part.generation,
            sentence=part.sentence,
            audio=part.audio,
            emotion=part.emotion,
            last=part.last_of_sentence,
        )
        self._link.say(audio, first)
        return opens

    def _hold(self) -> None:
        if self._drives and self._link.open and not self._slow and self._hold_s > 0:
            self._release = asyncio.get_running_loop().call_later(self._hold_s, self._held_long_enough)

    def _held_long_enough(self) -> None:
        self._judge(slow=True)
        self._let_go()

    def _let_go(self) -> None:
        """What was held goes on its way."""
        if self._release is not None:
            self._release.cancel()
            self._release = None
        held, self._held = self._held, []
        for part in held:
            self._to_stage(part)

    # --- turns --------------------------------------------------------------------------------------------------------

    def sentence_started(self, turn_id: str, sentence: int, start_sample: int) -> None:
        """A sentence began to play: its frames have a time now."""
        turn = self._turns.get(turn_id)
        if turn is not None and sentence in turn.sentences:
            turn.sentences[sentence].start_sample = start_sample
            self._tell(turn_id, turn, turn.sentences[sentence])

    def finished(self, turn_id: str) -> None:
        """A turn is over: faces that still come for it are not needed."""
        self._turns.pop(turn_id, None)
        self._drop(lambda part: part.turn_id == turn_id)

    def cancel(self, generation: int) -> None:
        """Everything older than `generation` is dropped, here and at EmoTalk."""
        self._generation = generation
        self._turns = {k: turn for k, turn in self._turns.items() if turn.generation >= generation}
        self._drop(lambda part: part.generation < generation)
        self._link.cancel(generation)

    def _drop(self, unwanted: Callable[[renderer_pb2.SpeechPart], bool]) -> None:
        kept = [part for part in self._held if not unwanted(part)]
        if len(kept) < len(self._held):
            self._held = kept
            self._let_go()

    # --- faces --------------------------------------------------------------------------------------------------------

    def _on_frames(self, frames: emotalk_pb2.FaceFrames) -> None:
        self._told = False
        turn = self._turns.get(frames.turn_id)
        if turn is None or frames.generation < self._generation or not frames.weights:
            return
        self._fps = self._link.fps
        if turn.spoken_at is not None:
            self._judge(slow=asyncio.get_running_loop().time() - turn.spoken_at > self._hold_s)
            turn.spoken_at = None
        if self._drives:
            face = renderer_pb2.FaceTrack(
                fps=self._fps, first_frame=frames.first_frame, blendshapes=frames.weights, blinks=True
            )
            self._to_stage(
                renderer_pb2.SpeechPart(
                    turn_id=frames.turn_id, generation=frames.generation, sentence=frames.sentence, face=face
                )
            )
            self._let_go()
        if self._shows and frames.sentence in turn.sentences:
            sentence = turn.sentences[frames.sentence]
            sentence.frames.append((frames.first_frame, tuple(frames.weights)))
            self._tell(frames.turn_id, turn, sentence)

    def _judge(self, slow: bool) -> None:
        """After a face that came later than it may be waited for, no turn waits until one comes quickly again."""
        if slow != self._slow:
            self._slow = slow
            log.info("emotalk is slow" if slow else "emotalk is quick again")

    def _tell(self, turn_id: str, turn: _Turn, sentence: _Sentence) -> None:
        """Frames whose time is known, in pieces of at most PIECE_S."""
        if sentence.start_sample is None:
            return
        most = max(1, int(PIECE_S * self._fps)) * CHANNELS
        for first, rows in sentence.frames:
            for at in range(0, len(rows), most):
                frame = first + at // CHANNELS
                start = sentence.start_sample + round(frame * SPEECH_RATE / self._fps)
                self._emit(Blendshapes(turn_id, turn.generation, start, self._fps, rows[at : at + most]))
        sentence.frames.clear()

    def _lost(self, error: FlashbackError) -> None:
        """Said once an outage: what is said goes on without faces."""
        self._let_go()
        if not self._told:
            self._told = True
            log.warning("emotalk lost", extra={"why": error.message})
            self._emit(Notice("faces_restarting", "The face follows the words alone until EmoTalk answers again."))
