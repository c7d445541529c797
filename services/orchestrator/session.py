"""One conversation. Everything here belongs to one session and goes with it.

Handlers are synchronous and run on the event loop, so they never interleave; whatever waits is a task of its own.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from flashback.errors import FlashbackError, Unavailable
from flashback.media.clock import ANALYSIS_RATE, milliseconds
from flashback.personas import Persona
from flashback.v1 import ears_pb2, gateway_pb2, renderer_pb2
from services.orchestrator import events as e
from services.orchestrator.answering import Answering, Exchange, Question
from services.orchestrator.expressions import Expressions
from services.orchestrator.face_link import FaceLink
from services.orchestrator.links import EarsLink, PeerLink, StageLink
from services.orchestrator.realtime.decode import decode, new_item_id
from services.orchestrator.realtime.encode import RealtimeEncoder
from services.orchestrator.services import Services
from services.orchestrator.settings import OrchestratorSettings
from services.orchestrator.transcript import SpokenTurn
from services.orchestrator.turns import CancelReason, Interruption, State, TurnMachine

log = logging.getLogger(__name__)

SPEECH_GRACE_S = 15.0
"""A turn whose speech has not ended this long after it should have is given up."""


@dataclass
class Turn:
    """A turn while it lasts: its question (None for the greeting), its speech, its task."""

    id: str
    question: Question | None
    spoken: SpokenTurn = field(default_factory=SpokenTurn)
    answering: Answering | None = None
    task: asyncio.Task[None] | None = None
    playing: bool = False


class Session:
    """A browser, its face and its ears, joined by a turn machine."""

    def __init__(
        self,
        session_id: str,
        persona: Persona,
        services: Services,
        settings: OrchestratorSettings,
        greet: bool = False,
        *,
        blendshapes: bool = False,
        driven: bool = False,
    ) -> None:
        """greet: the persona begins; blendshapes: the browser is sent them; driven: the renderer follows them."""
        self.id = session_id
        self.persona = persona
        self._services = services
        self._settings = settings
        self._greet = greet
        self._machine = TurnMachine()
        self._shown_state: State | None = None
        self._stage = StageLink(services, session_id, persona.id, settings.restage_timeout_s)
        self._peer = PeerLink(services, session_id, persona.id)
        self._ears = EarsLink(services, session_id, persona.id, settings.silence_ms)
        self._encoder = RealtimeEncoder(session_id, persona.id)
        self._expressions = Expressions(
            FaceLink(services, session_id),
            self._stage.say,
            self._emit,
            drives=driven,
            hold_s=settings.face_hold_ms / 1000,
        )
        self._animated = False
        self._show_blendshapes(blendshapes)
        self._turns: dict[str, Turn] = {}
        self._cuts: dict[int, tuple[Turn, CancelReason]] = {}
        self._history: list[Exchange] = []
        self._pending_question: e.AddQuestion | None = None
        self._voice_item = ""
        self._ears_on = True
        self._recogniser = ""
        self._endpointing_ms = settings.silence_ms
        self._connected = False
        self._ended = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- life ---------------------------------------------------------------------------------------------------------

    async def open(self, offer_sdp: str) -> str:
        """Opens stage and peer; returns the SDP answer. Leaves nothing behind when it raises FlashbackError."""
        stage = await self._stage.open()
        try:
            answer = await self._peer.connect(offer_sdp, stage)
        except BaseException:
            await self._stage.close()
            raise
        self._spawn(self._peer.run(self._on_peer), essential=True)
        self._spawn(self._stage.run(self._on_stage, self._stage_lost, self._stage_restored), essential=True)
        self._spawn(self._ears.run(self._on_ears, self._ears_lost))
        self._spawn(self._connect_watchdog())
        self._animate_if_wanted()
        self._show_state()
        return answer

    async def wait_ended(self) -> None:
        await self._ended.wait()

    def end(self, why: str) -> None:
        """Asks for the end of the session; `close` does the work."""
        if not self._ended.is_set():
            log.info("session ends", extra={"session": self.id, "why": why})
            self._ended.set()

    async def close(self) -> None:
        """Ends every task and releases stage and peer."""
        self._ended.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(self._peer.close(), self._stage.close())

    def _spawn(self, work: Coroutine[Any, Any, None], essential: bool = False) -> asyncio.Task[None]:
        async def guarded() -> None:
            try:
                await work
                if essential:
                    self.end("a stream ended")
            except FlashbackError as error:
                self._emit(e.Notice(error.code, error.message))
                if essential:
                    self.end(error.message)
            except Exception:
                log.exception("session task failed", extra={"session": self.id})
                self.end("unexpected error")

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _connect_watchdog(self) -> None:
        await asyncio.sleep(self._settings.connect_timeout_s)
        if not self._connected:
            self.end("the browser never connected")

    def _emit(self, event: e.Event) -> None:
        for message in self._encoder.encode(event):
            self._peer.send_text(message)

    def _show_state(self) -> None:
        if self._machine.state is not self._shown_state:
            self._shown_state = self._machine.state
            self._stage.set_state(self._machine.state)
            self._emit(e.StateChanged(self._machine.state))

    def _show_blendshapes(self, on: bool) -> None:
        self._expressions.show(on)
        self._encoder.set_blendshapes(on)

    def _animate_if_wanted(self) -> None:
        if self._expressions.wanted and not self._animated:
            self._animated = True
            self._spawn(self._expressions.run())

    # --- the browser --------------------------------------------------------------------------------------------------

    def _on_peer(self, event: gateway_pb2.PeerEvent) -> None:
        match event.WhichOneof("event"):
            case "state":
                self._connected |= event.state.state == "connected"
                if event.state.state in ("failed", "closed"):
                    self.end(f"peer {event.state.state}")
            case "channel":
                self._emit(e.SessionStarted(self.id, self.persona.id, self.persona.name))
                self._emit(e.StateChanged(self._machine.state))
                if self._greet:
                    self._greet = False
                    self._begin(None)
            case "text":
                self._on_text(event.text.text)
            case "started":
                self._on_playback_started(event.started.turn_id)
            case "stopped":
                self._on_playback_stopped(event.stopped.turn_id)
            case "cut":
                self._on_playback_cut(event.cut.generation, event.cut.at_sample)
            case "metrics":
                self._on_metrics(event.metrics)

    def _on_text(self, message: str) -> None:
        try:
            for command in decode(message, self._settings.max_question_chars):
                self._obey(command)
        except FlashbackError as error:
            self._peer.send_text(self._encoder.error(error.code, error.message))

    def _obey(self, command: e.Command) -> None:
        match command:
            case e.AddQuestion():
                self._pending_question = command
                self._emit(e.QuestionAdded(command.item_id, command.text, spoken=False))
            case e.StartAnswer():
                if self._pending_question is None:
                    self._emit(e.Notice("no_question", "There is no new question to answer."))
                    return
                question, self._pending_question = self._pending_question, None
                self._begin(Question(question.text))
            case e.CancelAnswer() | e.ClearOutput():
                self._interrupt(self._machine.cancel(CancelReason.CLIENT_CANCELLED))
            case e.UpdateSession():
                self._ears_on = self._ears_on if command.ears_on is None else command.ears_on
                if command.blendshapes is not None:
                    self._show_blendshapes(command.blendshapes)
                    self._animate_if_wanted()
                self._emit(e.SessionUpdated())

    def _on_metrics(self, metrics: gateway_pb2.PeerMetrics) -> None:
        values = {
            "media_ms": milliseconds(metrics.media_sample),
            "video_rtp_origin": metrics.video_rtp_origin,
            "audio_rtp_origin": metrics.audio_rtp_origin,
            "frames_sent": metrics.frames_sent,
            "frames_held": metrics.frames_held,
            "buffer_ms": metrics.buffer_ms,
            "recogniser": self._recogniser,
            "endpointing_ms": self._endpointing_ms,
        }
        self._emit(e.Metrics(values))

    # --- turns --------------------------------------------------------------------------------------------------------

    def _begin(self, question: Question | None) -> None:
        """Starts a turn: the answer to a question, or the greeting."""
        turn = Turn(uuid.uuid4().hex[:16], question)
        self._interrupt(self._machine.begin(turn.id))
        self._turns[turn.id] = turn
        turn.answering = Answering(
            self._services,
            self.persona.id,
            turn.id,
            self._machine.generation,
            turn.spoken,
            self._emit,
            self._expressions.say,
            self._settings.answer_timeout_s,
        )
        self._emit(e.AnswerStarted(turn.id))
        self._show_state()
        turn.task = self._spawn(self._run_turn(turn, turn.answering))

    async def _run_turn(self, turn: Turn, answering: Answering) -> None:
        try:
            if turn.question is None:
                await answering.recite(self.persona.greeting)
            else:
                await answering.answer(turn.question, self._history)
            await asyncio.sleep(turn.spoken.seconds() + SPEECH_GRACE_S)
            raise Unavailable("The face did not speak the answer in time.")
        except FlashbackError as error:
            self._emit(e.Notice(error.code, error.message))
            self._fail(turn, error.message)

    def _fail(self, turn: Turn, message: str) -> None:
        if self._machine.finished(turn.id):
            self._finish(turn, heard="", failed=message)
            self._show_state()

    def _on_playback_started(self, turn_id: str) -> None:
        turn = self._turns.get(turn_id)
        if turn and self._machine.playback_started(turn_id):
            turn.playing = True
            self._emit(e.PlaybackBegan(turn_id))
            self._show_state()

    def _on_playback_stopped(self, turn_id: str) -> None:
        turn = self._turns.get(turn_id)
        if turn and self._machine.finished(turn_id):
            self._emit(e.PlaybackEnded(turn_id))
            self._finish(turn, heard=turn.spoken.text())
            self._show_state()

    def _interrupt(self, cut: Interruption | None) -> None:
        """Silences a cut turn everywhere; its record closes when the gateway says what was heard."""
        if cut is None:
            return
        turn = self._turns[cut.turn_id]
        if turn.task:
            turn.task.cancel()
        self._peer.cut(cut.generation)
        self._stage.cancel(cut.generation)
        self._expressions.cancel(cut.generation)
        self._cuts[cut.generation] = (turn, cut.reason)
        self._show_state()

    def _on_playback_cut(self, generation: int, at_sample: int) -> None:
        found = self._cuts.pop(generation, None)
        if found is None:
            return
        turn, reason = found
        first = turn.spoken.first_sample()
        if turn.playing:
            audio_end = milliseconds(max(0, at_sample - first)) if first is not None else 0
            self._emit(e.PlaybackCleared(turn.id, audio_end))
        self._finish(turn, heard=turn.spoken.heard(at_sample) if turn.playing else "", cancelled=reason)

    def _finish(self, turn: Turn, heard: str, cancelled: CancelReason | None = None, failed: str | None = None) -> None:
        del self._turns[turn.id]
        self._expressions.finished(turn.id)
        if turn.task and turn.task is not asyncio.current_task():
            turn.task.cancel()
        if turn.question is not None:
            self._history.append(Exchange(turn.question.text, heard))
            del self._history[: -self._settings.history_exchanges or len(self._history)]
        refused = turn.answering.refused if turn.answering else False
        self._emit(e.AnswerEnded(turn.id, turn.spoken.text(), heard, refused, cancelled, failed))

    # --- the face -----------------------------------------------------------------------------------------------------

    def _on_stage(self, event: renderer_pb2.StageEvent) -> None:
        match event.WhichOneof("event"):
            case "sentence_started":
                started = event.sentence_started
                turn = self._turns.get(started.turn_id)
                if turn and turn.answering:
                    turn.answering.sentence_started(started.sentence, started.start_sample)
                    self._expressions.sentence_started(turn.id, started.sentence, started.start_sample)
            case "turn_finished":
                turn = self._turns.get(event.turn_finished.turn_id)
                if turn and not turn.spoken.sentences:
                    self._fail(turn, "The answer was empty.")

    def _stage_lost(self) -> None:
        self._emit(e.Notice("face_restarting", "The face is being restarted; please ask again in a moment."))
        turn = self._turns.get(self._machine.turn_id or "")
        if turn:
            if turn.task:
                turn.task.cancel()
            self._fail(turn, "The renderer stopped while it spoke.")

    def _stage_restored(self) -> None:
        self._shown_state = None
        self._show_state()
        self._emit(e.Notice("face_restored", "The face is back."))

    # --- the ears -----------------------------------------------------------------------------------------------------

    def _on_ears(self, event: ears_pb2.EarEvent) -> None:
        match event.WhichOneof("event"):
            case "ready":
                self._recogniser = event.ready.recogniser
                self._endpointing_ms = event.ready.silence_ms
                self._encoder.set_silence(event.ready.silence_ms)
            case "onset":
                self._voice_item = new_item_id()
                cut = self._machine.user_started()
                self._interrupt(cut)
                self._emit(e.UserSpeechStarted(self._voice_item, milliseconds(event.onset.at_sample, ANALYSIS_RATE)))
            case "end":
                self._machine.user_stopped()
                at_ms = milliseconds(event.end.speech_end_sample, ANALYSIS_RATE)
                self._emit(e.UserSpeechStopped(self._voice_item, at_ms))
            case "transcript":
                if event.transcript.final:
                    self._on_words(event.transcript)
        self._show_state()

    def _on_words(self, heard: ears_pb2.Transcript) -> None:
        item = self._voice_item or new_item_id()
        text = heard.text.strip()
        if not self._ears_on:
            self._machine.nothing_heard()
            return
        self._emit(e.Heard(item, text, self._recogniser, heard.confidence))
        if not text:
            self._machine.nothing_heard()
            self._emit(e.Notice("not_understood", "I heard a voice but no words. Say it again, or type it."))
            return
        self._emit(e.QuestionAdded(item, text, spoken=True))
        most = self._settings.max_question_chars
        others = tuple(other[:most] for other in heard.alternatives)
        self._begin(Question(text[:most], True, others))

    def _ears_lost(self, why: str) -> None:
        if self._recogniser:
            self._recogniser = ""
            self._emit(e.Notice("ears_restarting", "I cannot hear you right now; typing works."))
        log.info("ears lost", extra={"session": self.id, "why": why})
