"""Client events of the Realtime API -> commands of a session."""

from __future__ import annotations

import json
import uuid
from typing import Any

from flashback.errors import InvalidInput
from services.orchestrator.events import AddQuestion, CancelAnswer, ClearOutput, Command, StartAnswer, UpdateSession

MAX_EVENT_BYTES = 256 * 1024

UNSUPPORTED = {
    "input_audio_buffer.append": "Audio comes in over the WebRTC track, not over the data channel.",
    "input_audio_buffer.commit": "The server detects the end of speech by itself.",
    "input_audio_buffer.clear": "The server keeps no input audio that could be cleared.",
    "conversation.item.retrieve": "Items cannot be retrieved; the page keeps what it was sent.",
    "conversation.item.truncate": "The server truncates at what was heard by itself.",
    "conversation.item.delete": "Items cannot be deleted.",
}


def decode(message: str, max_question_chars: int) -> tuple[Command, ...]:
    """Parses one data-channel message.

    Raises InvalidInput with a sentence for whoever sent it: not JSON, not an object, unknown or unsupported type, text
    missing, empty, or longer than `max_question_chars`.
    """
    if len(message) > MAX_EVENT_BYTES:
        raise InvalidInput(f"The event is larger than {MAX_EVENT_BYTES // 1024} kB.")
    try:
        event = json.loads(message)
    except ValueError as error:
        raise InvalidInput("The event is not JSON.") from error
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise InvalidInput("An event is a JSON object with a `type`.")
    kind: str = event["type"]
    if kind == "conversation.item.create":
        return (_question(event.get("item"), max_question_chars),)
    if kind == "response.create":
        return _response(event.get("response"), max_question_chars)
    if kind == "response.cancel":
        return (CancelAnswer(),)
    if kind == "output_audio_buffer.clear":
        return (ClearOutput(),)
    if kind == "session.update":
        return (_update(event.get("session")),)
    if kind in UNSUPPORTED:
        raise InvalidInput(f"{kind} is not supported here. {UNSUPPORTED[kind]}")
    raise InvalidInput(f"Unknown event type {kind[:80]!r}.")


def _question(item: Any, max_chars: int) -> AddQuestion:
    if not isinstance(item, dict) or item.get("type") != "message" or item.get("role", "user") != "user":
        raise InvalidInput("conversation.item.create takes an item of type `message` with role `user`.")
    content = item.get("content")
    parts = content if isinstance(content, list) else []
    texts = [p["text"] for p in parts if isinstance(p, dict) and isinstance(p.get("text"), str)]
    return AddQuestion(str(item.get("id") or new_item_id()), check_question(" ".join(texts), max_chars))


def check_question(text: str, max_chars: int) -> str:
    """Returns the question without surrounding space. Raises InvalidInput when it is empty or too long."""
    text = text.strip()
    if not text:
        raise InvalidInput("The question is empty. Type or say what you would like to know.")
    if len(text) > max_chars:
        raise InvalidInput(f"The question has {len(text)} characters; at most {max_chars} are answered.")
    return text


def _response(response: Any, max_chars: int) -> tuple[Command, ...]:
    items = response.get("input") if isinstance(response, dict) else None
    if isinstance(items, list) and items:
        return (_question(items[-1], max_chars), StartAnswer())
    return (StartAnswer(),)


def _update(session: Any) -> UpdateSession:
    if not isinstance(session, dict):
        raise InvalidInput("session.update takes a `session` object.")
    ours = session.get("flashback")
    ears = ours.get("ears") if isinstance(ours, dict) else None
    if ears not in (None, "on", "off"):
        raise InvalidInput("session.flashback.ears is `on` or `off`.")
    return UpdateSession(
        ears_on=None if ears is None else ears == "on", blendshapes=wants_blendshapes(session), raw=session
    )


def wants_blendshapes(session: dict[str, Any]) -> bool | None:
    """`flashback.blendshapes` of a session object, None when it is not there. Raises InvalidInput for no bool."""
    ours = session.get("flashback")
    wish = ours.get("blendshapes") if isinstance(ours, dict) else None
    if not isinstance(wish, bool | None):
        raise InvalidInput("session.flashback.blendshapes is true or false.")
    return wish


def new_item_id() -> str:
    return f"item_{uuid.uuid4().hex[:20]}"
