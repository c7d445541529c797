"""Live speech of one stream: pieces of sentences in, frames out as they are settled, cancelled by generation."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashback.errors import FlashbackError, Full, InvalidInput
from flashback.media.clock import SPEECH_RATE
from services.emotalk.animation import Predict, checked, heard
from services.emotalk.audio import Resampler
from services.emotalk.blinks import Blinks
from services.emotalk.engine import FPS, RATE, EngineInfo, Samples, Utterance, Weights
from services.emotalk.settings import EmoTalkSettings
from services.emotalk.smoothing import Smoother
from services.emotalk.windows import Joined, Policy, Window

LONG_PIECE = 2 * SPEECH_RATE
"""Pieces of more samples are resampled in a thread."""

RESAMPLING = 65
"""Samples at 16 kHz by which what is heard stays behind what was pushed, while a sentence goes on."""

SHORT_SENTENCE_S = 0.1
"""A waiting sentence counts as at least this much speech, so that there cannot be too many empty ones."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Speech, s16le mono 24 kHz, of one sentence. level: 0 or 1, read with the sentence's first piece."""

    turn_id: str
    generation: int
    sentence: int
    audio: bytes
    level: int
    last: bool


@dataclass(frozen=True, slots=True)
class Frames:
    """Consecutive frames of a sentence; weights: float32[n, 52]. last: of the sentence, may come with n = 0."""

    turn_id: str
    generation: int
    sentence: int
    first_frame: int
    weights: Weights
    last: bool


def level_of(valence: float, arousal: float, threshold: float) -> int:
    """The emotion level of a sentence: 1 where its emotion is at least `threshold` strong, sqrt(v^2 + a^2); else 0.

    Neutral is 0 unless the threshold is. Raises InvalidInput for numbers outside -1..1.
    """
    if not (-1 <= valence <= 1 and -1 <= arousal <= 1):
        raise InvalidInput("An emotion's valence and arousal are within -1..1.")
    return int(math.hypot(valence, arousal) >= threshold)


def policy_of(settings: EmoTalkSettings, info: EngineInfo) -> Policy:
    """The settings' and the engine's wishes as one policy."""
    context = info.context_s if settings.live_context_s is None else settings.live_context_s
    return Policy(
        first=settings.live_first_ms * RATE // 1000 - RESAMPLING,
        hop=settings.live_hop_ms * RATE // 1000 - RESAMPLING,
        context=round(min(context, info.max_seconds / 2) * RATE),
        lookahead=round(info.lookahead_s * RATE),
        longest=int(info.max_seconds * RATE),
    )


class _Sentence:
    """What was heard of one sentence and what was made of it. Speech before a window's start is let go."""

    def __init__(self, piece: Piece, policy: Policy, smoother: Smoother | None) -> None:
        self.first_piece = piece
        self.ended = False
        self._policy = policy
        self._smoother = smoother
        self._resampler = Resampler(SPEECH_RATE)
        self._spoken = 0
        self._samples: list[Samples] = []
        self._from = self._heard = self._seen = self._number = 0
        self._joined = Joined()
        self._sent = 0

    async def push(self, audio: bytes) -> None:
        """s16le mono 24 kHz."""
        spoken = np.frombuffer(audio, "<i2")
        if len(spoken) > LONG_PIECE:
            samples = await asyncio.to_thread(self._resampled, spoken)
        else:
            samples = self._resampled(spoken)
        self._spoken += len(spoken)
        self._hear(samples)

    def end(self) -> None:
        if not self.ended:
            self.ended = True
            self._hear(self._resampler.finish())

    @property
    def waiting_s(self) -> float:
        return max(SHORT_SENTENCE_S, (self._heard - self._seen) / RATE)

    @property
    def frames(self) -> int:
        """Those that start within the speech heard; frame k starts at sample k * 24000 / 30."""
        return -(-self._spoken * FPS // SPEECH_RATE)

    def window(self) -> Window | None:
        """What to predict next, if anything."""
        at = self._joined.given, self._seen, self._heard, self._number
        if not self.ended:
            return self._policy.window(*at)
        return None if self._joined.known >= self.frames else self._policy.closing(*at, self.frames)

    def utterance(self, window: Window, person: int) -> Utterance:
        held = np.concatenate(self._samples)[window.start - self._from :]
        self._samples, self._from = [held], window.start
        return Utterance(heard(held[: window.stop - window.start]), self.first_piece.level, person)

    def settle(self, window: Window, rows: Weights) -> Frames | None:
        """Frames that can be sent after a window's prediction."""
        self._seen, self._number = window.stop, self._number + 1
        return self._frames(self._joined.add(window, rows))

    def rest(self) -> Frames | None:
        """Frames that can be sent without a prediction; the last ones once the sentence has ended."""
        return self._frames(self._joined.release(self.frames if self.ended else 0))

    def _frames(self, rows: Weights) -> Frames | None:
        last = self.ended and self._joined.given >= self.frames
        if self._smoother is not None:
            rows = self._smoother.push(rows)
            rows = np.concatenate([rows, self._smoother.finish()]) if last else rows
        if not len(rows) and not last:
            return None
        at, self._sent = self._sent, self._sent + len(rows)
        piece = self.first_piece
        return Frames(piece.turn_id, piece.generation, piece.sentence, at, rows, last)

    def _resampled(self, spoken: NDArray[np.int16]) -> Samples:
        return self._resampler.push(spoken.astype(np.float32) / np.float32(32768))

    def _hear(self, samples: Samples) -> None:
        self._heard += len(samples)
        self._samples.append(samples)


class LiveStream:
    """One caller's speech. `push`, `cancel`, `finish` and `fail` come from whoever reads its requests; `frames` is the
    outcome, and nothing is predicted ahead of whoever reads that.

    Sentences are animated one after the other, each by itself; blinks go on over all of them.
    """

    def __init__(
        self, predict: Predict, policy: Policy, person: int, *, post_processing: bool, seed: int, most_waiting_s: float
    ) -> None:
        self._predict = predict
        self._policy = policy
        self._person = person
        self._post_processing = post_processing
        self._blinks = Blinks(seed)
        self._blinked = 0
        self._most_waiting_s = most_waiting_s
        self._generation = 0
        self._sentences: deque[_Sentence] = deque()
        self._hearing: _Sentence | None = None
        self._predicting: asyncio.Task[Weights] | None = None
        self._finished = False
        self._error: FlashbackError | None = None
        self._news = asyncio.Event()

    async def push(self, piece: Piece) -> None:
        """Speech that follows what was pushed before.

        Of an older generation it is ignored; a newer one cancels what waits. Another turn or sentence ends the one
        before. Raises InvalidInput for half a sample and for speech after a sentence's last piece, Full when more than
        `most_waiting_s` would wait with it.
        """
        if len(piece.audio) % 2:
            raise InvalidInput("Speech is 16-bit: a piece holds an even number of bytes.")
        if piece.generation < self._generation:
            return
        self.cancel(piece.generation)
        sentence = self._sentence_of(piece)
        coming_s = len(piece.audio) / (2 * SPEECH_RATE)
        if coming_s + sum(waiting.waiting_s for waiting in self._sentences) > self._most_waiting_s:
            raise Full(f"More than {self._most_waiting_s:g} s of speech wait to be animated; send it as it is spoken.")
        await sentence.push(piece.audio)
        if piece.last:
            sentence.end()
        self._news.set()

    def cancel(self, generation: int) -> None:
        """Drops everything older than `generation`, waiting or half computed."""
        if generation <= self._generation:
            return
        self._generation = generation
        self._hearing = None
        if self._predicting is not None:
            self._predicting.cancel()
        self._sentences.clear()
        self._news.set()

    def finish(self) -> None:
        """Nothing more comes: a sentence still open ends here."""
        if self._hearing is not None:
            self._hearing.end()
        self._finished = True
        self._news.set()

    def fail(self, error: FlashbackError) -> None:
        """Ends `frames` with an error."""
        self._error = error
        if self._predicting is not None:
            self._predicting.cancel()
        self._news.set()

    async def frames(self) -> AsyncGenerator[Frames]:
        """Frames in order, until finish(). Raises what fail() was given, and what a prediction raises."""
        while True:
            self._news.clear()
            if self._error is not None:
                raise self._error
            if not self._sentences:
                if self._finished:
                    return
                await self._news.wait()
                continue
            sentence = self._sentences[0]
            window = sentence.window()
            if window is None:
                found = sentence.rest()
            else:
                rows = await self._predicted(sentence.utterance(window, self._person))
                found = None if rows is None else sentence.settle(window, rows)
            if found is not None:
                if found.last:
                    self._sentences.popleft()
                yield self._with_blinks(found)
            elif window is None:
                await self._news.wait()

    async def _predicted(self, utterance: Utterance) -> Weights | None:
        """The prediction, None when it was cancelled; one that ends all the same is thrown away."""
        generation = self._generation
        task = self._predicting = asyncio.ensure_future(self._predict(utterance))
        try:
            await asyncio.wait({task})
        finally:
            self._predicting = None
            task.cancel()
        if generation != self._generation or self._error is not None:
            return None
        return checked(utterance, task.result())

    def _sentence_of(self, piece: Piece) -> _Sentence:
        current = self._hearing
        if current is not None:
            key = (current.first_piece.turn_id, current.first_piece.sentence)
            if key == (piece.turn_id, piece.sentence):
                if current.ended:
                    raise InvalidInput("This sentence has had its last piece already.")
                return current
            current.end()
        self._hearing = _Sentence(piece, self._policy, Smoother() if self._post_processing else None)
        self._sentences.append(self._hearing)
        return self._hearing

    def _with_blinks(self, frames: Frames) -> Frames:
        if not self._post_processing:
            return frames
        first, self._blinked = self._blinked, self._blinked + len(frames.weights)
        weights = self._blinks.apply(first, frames.weights)
        return Frames(frames.turn_id, frames.generation, frames.sentence, frames.first_frame, weights, frames.last)
