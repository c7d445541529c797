from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from flashback.errors import InvalidInput
from services.orchestrator import events as e
from services.orchestrator.realtime.decode import UNSUPPORTED, decode
from services.orchestrator.realtime.encode import RealtimeEncoder
from services.orchestrator.transcript import TimedWord
from services.orchestrator.turns import CancelReason, State

GA_SERVER_EVENTS = {
    "error", "session.created", "session.updated", "conversation.item.added", "conversation.item.done",
    "conversation.item.truncated", "conversation.item.input_audio_transcription.completed",
    "input_audio_buffer.committed", "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
    "output_audio_buffer.started", "output_audio_buffer.stopped", "output_audio_buffer.cleared",
    "response.created", "response.done", "response.output_item.added", "response.output_item.done",
    "response.content_part.added", "response.content_part.done", "response.output_audio.done",
    "response.output_audio_transcript.delta", "response.output_audio_transcript.done",
}  # fmt: skip

SAMPLES: list[e.Event] = [
    e.SessionStarted("s", "iris", "Iris"),
    e.SessionUpdated(),
    e.StateChanged(State.THINKING),
    e.UserSpeechStarted("i", 5),
    e.UserSpeechStopped("i", 6),
    e.Heard("i", "what", "pocketsphinx", 0.5),
    e.QuestionAdded("i", "what", spoken=True),
    e.AnswerStarted("t"),
    e.SentenceReady("t", "Yes."),
    e.Cited("t", 1, "a.md", "A, line 3", "text"),
    e.Captioned("t", (TimedWord("Yes.", 24_000, 36_000),)),
    e.PlaybackBegan("t"),
    e.PlaybackEnded("t"),
    e.PlaybackCleared("t", 120),
    e.AnswerEnded("t", "Yes.", "Yes."),
    e.Notice("c", "m"),
    e.Metrics({"media_ms": 1}),
    e.Blendshapes("t", 2, 24_800, 30, (0.12345, *[0.0] * 50, 1.2, -0.1, *[0.0] * 51)),
]


def encoded(event: e.Event) -> list[dict[str, Any]]:
    return [json.loads(m) for m in RealtimeEncoder("s", "iris").encode(event)]


def test_every_session_event_has_a_translation() -> None:
    assert {type(s) for s in SAMPLES} == set(get_args(e.Event))
    for sample in SAMPLES:
        for message in encoded(sample):
            assert message["type"] in GA_SERVER_EVENTS or message["type"].startswith("flashback.")
            assert message["event_id"]


def test_captions_are_in_milliseconds() -> None:
    assert encoded(SAMPLES[10])[0]["words"] == [{"text": "Yes.", "start_ms": 1000, "end_ms": 1500}]


def test_blendshapes_are_rows_of_52_within_0_and_1_with_the_time_of_the_first() -> None:
    (told,) = encoded(SAMPLES[-1])
    frames = told.pop("frames")
    told.pop("event_id")
    assert told == {
        "type": "flashback.blendshapes",
        "turn_id": "t",
        "generation": 2,
        "start_ms": 1033,
        "fps": 30,
        "layout": "arkit-52-alphabetical",
    }
    assert [len(row) for row in frames] == [52, 52]
    assert (frames[0][0], frames[0][51], frames[1][0]) == (0.123, 1.0, 0.0)


@pytest.mark.parametrize(
    ("ended", "status", "details"),
    [
        (e.AnswerEnded("t", "a", "a"), "completed", None),
        (
            e.AnswerEnded("t", "a", "", cancelled=CancelReason.TURN_DETECTED),
            "cancelled",
            {"type": "cancelled", "reason": "turn_detected"},
        ),
        (
            e.AnswerEnded("t", "a", "", failed="no voice"),
            "failed",
            {"type": "failed", "error": {"type": "server_error", "code": "answer_failed", "message": "no voice"}},
        ),
    ],
)
def test_response_done_says_how_it_ended(ended: e.AnswerEnded, status: str, details: Any) -> None:
    done = encoded(ended)[-1]
    assert done["type"] == "response.done"
    assert (done["response"]["status"], done["response"]["status_details"]) == (status, details)


def ask(text: Any) -> str:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return json.dumps({"type": "conversation.item.create", "item": item})


def test_a_question_is_trimmed() -> None:
    (command,) = decode(ask("  What is a viseme? "), 4000)
    assert isinstance(command, e.AddQuestion)
    assert command.text == "What is a viseme?"


def test_the_small_commands() -> None:
    assert decode('{"type": "response.create"}', 10) == (e.StartAnswer(),)
    assert decode('{"type": "response.cancel"}', 10) == (e.CancelAnswer(),)
    assert decode('{"type": "output_audio_buffer.clear"}', 10) == (e.ClearOutput(),)
    (update,) = decode('{"type": "session.update", "session": {"flashback": {"ears": "off"}}}', 10)
    assert isinstance(update, e.UpdateSession)
    assert update.ears_on is False


def test_a_response_may_bring_its_question() -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Why?"}]}
    commands = decode(json.dumps({"type": "response.create", "response": {"input": [item]}}), 10)
    assert [type(c) for c in commands] == [e.AddQuestion, e.StartAnswer]


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"type": 3}',
        '{"type": "nonsense"}',
        ask(""),
        ask("   "),
        ask("x" * 5000),
        ask(None),
        '{"type": "conversation.item.create"}',
        '{"type": "conversation.item.create", "item": {"type": "function_call"}}',
        '{"type": "conversation.item.create", "item": {"type": "message", "role": "assistant"}}',
        '{"type": "session.update"}',
        '{"type": "session.update", "session": {"flashback": {"ears": 3}}}',
        "x" * 300_000,
        *(json.dumps({"type": kind}) for kind in UNSUPPORTED),
    ],
)
def test_bad_events_are_refused_with_a_sentence(message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode(message, 4000)
    assert caught.value.message.endswith(".")
