"""Events of a session -> server events of the Realtime API, and ours in the `flashback.` namespace."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from functools import singledispatchmethod
from typing import Any

from flashback.media.blendshapes import LAYOUTS
from flashback.media.clock import milliseconds
from services.orchestrator import events as e

Json = dict[str, Any]

LAYOUT = "arkit-52-alphabetical"
CHANNELS = len(LAYOUTS[LAYOUT])


class RealtimeEncoder:
    """One per session; keeps what the Realtime API's events refer back to (item and response ids)."""

    def __init__(self, session_id: str, persona_id: str) -> None:
        self._turn_detection: Json = {"type": "server_vad", "create_response": True, "interrupt_response": True}
        self._session: Json = {
            "type": "realtime",
            "object": "realtime.session",
            "id": session_id,
            "model": "flashback",
            "output_modalities": ["audio"],
            "persona": persona_id,
            "flashback": {"blendshapes": False},
            "audio": {"input": {"turn_detection": self._turn_detection}, "output": {"voice": persona_id}},
        }

    def encode(self, event: e.Event) -> list[str]:
        """JSON messages, in order, for one session event."""
        return [json.dumps({"event_id": f"event_{uuid.uuid4().hex[:16]}", **m}) for m in self._translate(event)]

    @staticmethod
    def error(code: str, message: str) -> str:
        """An `error` event for a client event that could not be taken."""
        body = {"type": "invalid_request_error", "code": code, "message": message, "param": None, "event_id": None}
        return json.dumps({"event_id": f"event_{uuid.uuid4().hex[:16]}", "type": "error", "error": body})

    @singledispatchmethod
    def _translate(self, event: Any) -> Iterator[Json]:
        raise NotImplementedError(type(event).__name__)

    @_translate.register
    def _(self, event: e.SessionStarted) -> Iterator[Json]:
        yield {"type": "session.created", "session": self._session}

    def set_silence(self, silence_ms: int) -> None:
        """The endpointing silence in force, as the ears tell it; in the session object from then on."""
        self._turn_detection["silence_duration_ms"] = silence_ms

    def set_blendshapes(self, on: bool) -> None:
        """Whether the client is sent blendshapes; in the session object from then on."""
        self._session["flashback"]["blendshapes"] = on

    @_translate.register
    def _(self, event: e.SessionUpdated) -> Iterator[Json]:
        yield {"type": "session.updated", "session": self._session}

    @_translate.register
    def _(self, event: e.StateChanged) -> Iterator[Json]:
        yield {"type": "flashback.state", "state": event.state.value}

    @_translate.register
    def _(self, event: e.UserSpeechStarted) -> Iterator[Json]:
        yield {
            "type": "input_audio_buffer.speech_started",
            "audio_start_ms": event.at_ms,
            "item_id": event.item_id,
        }

    @_translate.register
    def _(self, event: e.UserSpeechStopped) -> Iterator[Json]:
        yield {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": event.at_ms, "item_id": event.item_id}
        yield {"type": "input_audio_buffer.committed", "item_id": event.item_id, "previous_item_id": None}

    @_translate.register
    def _(self, event: e.Heard) -> Iterator[Json]:
        yield {
            "type": "conversation.item.input_audio_transcription.completed",
            "item_id": event.item_id,
            "content_index": 0,
            "transcript": event.text,
        }
        yield {
            "type": "flashback.heard",
            "item_id": event.item_id,
            "transcript": event.text,
            "recogniser": event.recogniser,
            "confidence": round(event.confidence, 3),
        }

    @_translate.register
    def _(self, event: e.QuestionAdded) -> Iterator[Json]:
        content = (
            {"type": "input_audio", "transcript": event.text}
            if event.spoken
            else {"type": "input_text", "text": event.text}
        )
        item = {
            "id": event.item_id,
            "object": "realtime.item",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [content],
        }
        yield {"type": "conversation.item.added", "previous_item_id": None, "item": item}
        yield {"type": "conversation.item.done", "previous_item_id": None, "item": item}

    @_translate.register
    def _(self, event: e.AnswerStarted) -> Iterator[Json]:
        response = self._response(event.turn_id, "in_progress")
        item = self._item(event.turn_id, "in_progress", None)
        yield {"type": "response.created", "response": response}
        yield {
            "type": "response.output_item.added",
            "response_id": response["id"],
            "output_index": 0,
            "item": item,
        }
        yield {"type": "conversation.item.added", "previous_item_id": None, "item": item}
        yield {**self._place(event.turn_id), "type": "response.content_part.added", "part": {"type": "audio"}}

    @_translate.register
    def _(self, event: e.SentenceReady) -> Iterator[Json]:
        delta = {**self._place(event.turn_id), "delta": event.text + " "}
        yield {"type": "response.output_audio_transcript.delta", **delta}

    @_translate.register
    def _(self, event: e.Cited) -> Iterator[Json]:
        yield {
            "type": "flashback.citation",
            "turn_id": event.turn_id,
            "index": event.index,
            "document": event.document,
            "place": event.place,
            "text": event.text,
        }

    @_translate.register
    def _(self, event: e.Captioned) -> Iterator[Json]:
        words = [
            {"text": w.text, "start_ms": milliseconds(w.start_sample), "end_ms": milliseconds(w.end_sample)}
            for w in event.words
        ]
        yield {"type": "flashback.caption", "turn_id": event.turn_id, "words": words}

    @_translate.register
    def _(self, event: e.PlaybackBegan) -> Iterator[Json]:
        yield {"type": "output_audio_buffer.started", "response_id": response_id(event.turn_id)}

    @_translate.register
    def _(self, event: e.PlaybackEnded) -> Iterator[Json]:
        yield {"type": "output_audio_buffer.stopped", "response_id": response_id(event.turn_id)}

    @_translate.register
    def _(self, event: e.PlaybackCleared) -> Iterator[Json]:
        yield {"type": "output_audio_buffer.cleared", "response_id": response_id(event.turn_id)}
        yield {
            "type": "conversation.item.truncated",
            "item_id": answer_item_id(event.turn_id),
            "content_index": 0,
            "audio_end_ms": event.audio_end_ms,
        }

    @_translate.register
    def _(self, event: e.AnswerEnded) -> Iterator[Json]:
        status = "cancelled" if event.cancelled else "failed" if event.failed else "completed"
        place = self._place(event.turn_id)
        item = self._item(event.turn_id, "completed" if status == "completed" else "incomplete", event.heard)
        yield {"type": "response.output_audio_transcript.done", **place, "transcript": event.text}
        yield {"type": "response.output_audio.done", **place}
        yield {
            "type": "response.content_part.done",
            **place,
            "part": {"type": "audio", "transcript": event.text},
        }
        yield {
            "type": "response.output_item.done",
            "response_id": place["response_id"],
            "output_index": 0,
            "item": item,
        }
        yield {"type": "conversation.item.done", "previous_item_id": None, "item": item}
        response = self._response(event.turn_id, status)
        response["output"] = [item]
        response["flashback"] = {"refused": event.refused, "heard": event.heard}
        if event.cancelled:
            response["status_details"] = {"type": "cancelled", "reason": event.cancelled.value}
        elif event.failed:
            error = {"type": "server_error", "code": "answer_failed", "message": event.failed}
            response["status_details"] = {"type": "failed", "error": error}
        yield {"type": "response.done", "response": response}

    @_translate.register
    def _(self, event: e.Notice) -> Iterator[Json]:
        yield {"type": "flashback.notice", "code": event.code, "message": event.message}

    @_translate.register
    def _(self, event: e.Blendshapes) -> Iterator[Json]:
        clipped = [round(min(max(value, 0.0), 1.0), 3) for value in event.weights]
        yield {
            "type": "flashback.blendshapes",
            "turn_id": event.turn_id,
            "generation": event.generation,
            "start_ms": milliseconds(event.start_sample),
            "fps": event.fps,
            "layout": LAYOUT,
            "frames": [clipped[at : at + CHANNELS] for at in range(0, len(clipped), CHANNELS)],
        }

    @_translate.register
    def _(self, event: e.Metrics) -> Iterator[Json]:
        yield {"type": "flashback.metrics", **event.values}

    @staticmethod
    def _place(turn_id: str) -> Json:
        return {
            "response_id": response_id(turn_id),
            "item_id": answer_item_id(turn_id),
            "output_index": 0,
            "content_index": 0,
        }

    @staticmethod
    def _response(turn_id: str, status: str) -> Json:
        return {
            "id": response_id(turn_id),
            "object": "realtime.response",
            "status": status,
            "status_details": None,
            "output": [],
            "output_modalities": ["audio"],
            "usage": None,
            "metadata": {"turn_id": turn_id},
        }

    @staticmethod
    def _item(turn_id: str, status: str, transcript: str | None) -> Json:
        content = [] if transcript is None else [{"type": "output_audio", "transcript": transcript}]
        return {
            "id": answer_item_id(turn_id),
            "object": "realtime.item",
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": content,
        }


def response_id(turn_id: str) -> str:
    return f"resp_{turn_id}"


def answer_item_id(turn_id: str) -> str:
    return f"item_{turn_id}"
