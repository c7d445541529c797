"""One microphone: voice activity decides when, a recogniser says what. Everything here belongs to one session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from flashback.errors import InvalidInput
from services.ears.endpointing import End, Endpointer, Onset, Pause, Policy, Resumed, Turn
from services.ears.engine import Heard, Recogniser, Utterance
from services.ears.voice_activity import CHUNK_BYTES, Chunker, VoiceActivity

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_MESSAGE_BYTES = 320_000
"""Ten seconds of sound in one message: a microphone never sends more."""


@dataclass(frozen=True)
class Words:
    """What was heard; final once for every End, empty when nothing was understood."""

    heard: Heard
    final: bool


EarEvent = Onset | End | Words
Emit = Callable[[EarEvent], None]


class Recognition:
    """The words of one utterance, worked out beside the microphone: jobs are done one after the other in a worker.

    After a pause the words are finished early, so that they are there when the turn ends. When the speaker goes on
    instead, everything is fed to a new utterance.
    """

    def __init__(self, recogniser: Recogniser | None, workers: Executor, partial_chunks: int, emit: Emit) -> None:
        self._recogniser = recogniser
        self._workers = workers
        self._partial_chunks = partial_chunks
        self._emit = emit
        self._audio = bytearray()
        self._fed = 0
        self._shown = 0
        self._last_partial = ""
        self._utterance: Utterance | None = None
        self._early: Heard | None = None
        self._finish_wanted = False
        self._ended = False
        self._wake = asyncio.Event()

    def add(self, audio: bytes) -> None:
        self._audio += audio
        self._wake.set()

    def pause(self) -> None:
        self._finish_wanted = True
        self._wake.set()

    def resume(self) -> None:
        self._finish_wanted = False
        self._wake.set()

    def end(self) -> None:
        self._ended = True
        self._wake.set()

    async def run(self) -> None:
        """Emits partial transcripts and, after end(), exactly one final one, even when the recogniser fails."""
        heard = Heard("")
        try:
            if self._recogniser is not None:
                heard = await self._work(self._recogniser)
        except Exception:
            log.exception("recognition failed")
        while not self._ended:
            self._wake.clear()
            await self._wake.wait()
        self._emit(Words(heard, True))

    async def _in_worker(self, job: Callable[..., T], *arguments: object) -> T:
        """Runs a job and, when cancelled, waits for it first: nothing may close an utterance that is being used."""
        running = asyncio.get_running_loop().run_in_executor(self._workers, job, *arguments)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait({running})
            raise

    async def _work(self, recogniser: Recogniser) -> Heard:
        try:
            while True:
                self._wake.clear()
                finishing = self._finish_wanted or self._ended
                if self._early is not None and not finishing:
                    self._early, self._fed = None, 0
                if self._early is None:
                    if self._utterance is None:
                        self._utterance = await self._in_worker(recogniser.open)
                    fresh = bytes(self._audio[self._fed : self._fed + 4 * CHUNK_BYTES])
                    if fresh:
                        self._fed += len(fresh)
                        await self._in_worker(self._utterance.feed, fresh)
                        self._partial(self._utterance)
                        continue
                    if finishing:
                        self._early = await self._in_worker(self._utterance.finish)
                        self._close()
                        continue
                if self._ended and self._early is not None:
                    return self._early
                await self._wake.wait()
        finally:
            self._close()

    def _partial(self, utterance: Utterance) -> None:
        if self._fed - self._shown < self._partial_chunks * CHUNK_BYTES:
            return
        self._shown = self._fed
        text = utterance.partial()
        if text and text != self._last_partial:
            self._last_partial = text
            self._emit(Words(Heard(text), False))

    def _close(self) -> None:
        if self._utterance is not None:
            self._utterance.close()
            self._utterance = None


class EarSession:
    """Where a session's Hear and Push meet. Memory is bounded by the pre-roll and the longest utterance."""

    def __init__(
        self,
        session_id: str,
        policy: Policy,
        pre_roll_chunks: int,
        partial_chunks: int,
        activity: VoiceActivity,
        recogniser: Callable[[], Recogniser | None],
        workers: Executor,
        emit: Emit,
    ) -> None:
        self.id = session_id
        self.pushing = False
        self._activity = activity
        self._recogniser = recogniser
        self._workers = workers
        self._emit = emit
        self._partial_chunks = partial_chunks
        self._endpointer = Endpointer(policy)
        self._chunker = Chunker()
        self._recent: list[bytes] = []
        self._keep = pre_roll_chunks + policy.onset
        self._recognition: Recognition | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def push(self, audio: bytes) -> None:
        """Microphone sound, s16le mono 16 kHz, in messages of any size. Raises InvalidInput for half samples."""
        if len(audio) % 2:
            raise InvalidInput("Microphone audio is 16-bit: a message holds an even number of bytes.")
        if len(audio) > MAX_MESSAGE_BYTES:
            raise InvalidInput(f"A message holds at most {MAX_MESSAGE_BYTES} bytes of microphone audio (10 s).")
        loop = asyncio.get_running_loop()
        for chunk in self._chunker.push(audio):
            probability = await loop.run_in_executor(self._workers, self._activity.probability, chunk)
            turns = list(self._endpointer.step(probability))
            self._remember(chunk)
            for turn in turns:
                self._turn(turn)

    def microphone_gone(self) -> None:
        """Ends an open turn, so that what was said is still answered."""
        for turn in self._endpointer.finish():
            self._turn(turn)

    async def close(self) -> None:
        """Cancels what is still being worked out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def held_bytes(self) -> int:
        """Sound held for the recogniser."""
        return sum(map(len, self._recent))

    def _remember(self, chunk: bytes) -> None:
        if self._recognition is not None:
            self._recognition.add(chunk)
        self._recent.append(chunk)
        del self._recent[: -self._keep]

    def _turn(self, turn: Turn) -> None:
        match turn:
            case Onset():
                self._emit(turn)
                self._recognition = Recognition(self._recogniser(), self._workers, self._partial_chunks, self._emit)
                for chunk in self._recent:
                    self._recognition.add(chunk)
                task = asyncio.create_task(self._recognition.run())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case Pause() if self._recognition is not None:
                self._recognition.pause()
            case Resumed() if self._recognition is not None:
                self._recognition.resume()
            case End():
                self._emit(turn)
                if self._recognition is not None:
                    self._recognition.end()
                    self._recognition = None
