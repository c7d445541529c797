"""A chat server that speaks the OpenAI protocol (vLLM first): messages in, pieces of text out, or a typed fault.

The stream ends with a finish reason, with `[DONE]`, or with neither when the server just closes it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import httpx2

from services.rag_llm import endpoint
from services.rag_llm.endpoint import Fault, FaultKind
from services.rag_llm.settings import RagSettings

T = TypeVar("T")

CONNECT_S = 2.0
MOST_CHARACTERS = 256_000
"""How much is read of a body that is no stream."""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer; `text` is empty for reasoning. `finish` is why it ended, "" as long as it goes on."""

    text: str
    finish: str = ""


class ChatServer:
    """One server. Shared by all turns; each has a request of its own. clock: seconds, as asyncio's loop counts them."""

    def __init__(self, settings: RagSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._base = endpoint.base_url(settings.chat_url)
        self._listed = ""
        self._client = httpx2.AsyncClient(
            headers=endpoint.headers(settings.chat_api_key), timeout=httpx2.Timeout(None, connect=CONNECT_S)
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def model(self) -> str:
        """The model to ask for: the one set, else the first listed; "" when none is. Raises Fault."""
        if self._settings.chat_model or self._listed:
            return self._settings.chat_model or self._listed
        response = await self._sent(self._client.build_request("GET", f"{self._base}/models"))
        try:
            self._listed = endpoint.first_model(json.loads(await _body(response)))
        except ValueError as error:
            raise Fault("malformed") from error
        finally:
            await response.aclose()
        return self._listed

    async def stream(self, messages: Sequence[Mapping[str, str]], deadline: float) -> AsyncGenerator[Delta]:
        """The answer's pieces, the last with its finish unless the server just stopped. deadline: by the clock. Raises
        Fault; closing it closes the connection at once."""
        first = self._clock() + self._settings.chat_first_token_s
        body = await self._by(first, deadline, "late", self._request(messages))
        request = self._client.build_request(
            "POST", f"{self._base}/chat/completions", json=body, headers={"Accept": "text/event-stream"}
        )
        response = await self._by(first, deadline, "late", self._sent(request))
        try:
            async with aclosing(_events(response)) as events:
                until: float = first
                kind: FaultKind = "late"
                while (delta := await self._by(until, deadline, kind, anext(events, None))) is not None:
                    yield delta
                    if delta.finish:
                        return
                    until, kind = self._clock() + self._settings.chat_between_tokens_s, "stalled"
        finally:
            await response.aclose()

    async def _request(self, messages: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        settings = self._settings
        body: dict[str, Any] = {
            "model": await self.model() or None,
            "messages": list(messages),
            "stream": True,
            "temperature": settings.chat_temperature,
            "max_tokens": settings.chat_max_tokens,
            **settings.chat_extra_body,
        }
        return {name: value for name, value in body.items() if value is not None}

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        """The response, its body unread. A connection that broke before it said anything is tried once more: the server
        may have closed it while it was idle."""
        for last in (False, True):
            try:
                response = await self._client.send(request, stream=True)
                break
            except (httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
                if last or isinstance(error, httpx2.ConnectError):
                    raise Fault("unreachable") from error
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise Fault("unreachable") from error
        if response.is_success:
            return response
        try:
            fault = endpoint.fault_of(response.status_code, response.headers, await _body(response))
        finally:
            await response.aclose()
        if fault.kind == "no_model":
            self._listed = ""
        raise fault

    async def _by(self, until: float, deadline: float, kind: FaultKind, work: Awaitable[T]) -> T:
        """The result of `work`. Raises Fault of `kind` when it is not there in time, "deadline" when time is up."""
        try:
            async with asyncio.timeout(max(0.0, min(until, deadline) - self._clock())):
                return await work
        except TimeoutError as error:
            raise Fault("deadline" if deadline < until else kind) from error


async def _events(response: httpx2.Response) -> AsyncGenerator[Delta]:
    """What the events say, those left out that say nothing (the role, a count of tokens, a sign of life)."""
    events = cast(AsyncGenerator[httpx2.ServerSentEvent], aiter(httpx2.EventSource(response)))
    async with aclosing(events):
        try:
            async for event in events:
                delta = Delta("", "stop") if event.data.strip() == "[DONE]" else _delta(event.data)
                if delta is not None:
                    yield delta
        except httpx2.SSEError as error:
            raise Fault("malformed") from error
        except httpx2.HTTPError as error:
            raise Fault("died") from error


def _delta(data: str) -> Delta | None:
    """One event's data; None when it brings nothing. Raises Fault for an error object, or what is no chunk."""
    try:
        chunk = json.loads(data)
        if chunk.get("error"):
            raise endpoint.fault_in_stream(chunk["error"])
        if not chunk["choices"]:
            return None
        choice = chunk["choices"][0]
        said = choice.get("delta") or {}
        text, finish = said.get("content") or "", choice.get("finish_reason") or ""
        thought = said.get("reasoning_content") or said.get("reasoning")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Fault("malformed") from error
    if not isinstance(text, str) or not isinstance(finish, str):
        raise Fault("malformed")
    return Delta(text, finish) if text or finish or thought else None


async def _body(response: httpx2.Response) -> str:
    """The body as text, no more than one wants of an error. Raises Fault."""
    text = ""
    try:
        async for piece in response.aiter_text():
            text += piece
            if len(text) > MOST_CHARACTERS:
                break
    except httpx2.HTTPError as error:
        raise Fault("died") from error
    return text
