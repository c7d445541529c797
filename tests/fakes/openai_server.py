"""An OpenAI-compatible server on a loopback port that answers what the test tells it, in vLLM's exact words.

It runs in a thread of its own, so that blocking clients, async clients and other processes can all ask it.

    with FakeOpenAI() as server:
        server.answer(says("Bees dance [1]."), refuses(503))    # for the next requests, in this order
        ...
        assert "waggle" in server.chats[0].prompt
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.fakes import openai_replies as replies
from tests.fakes import openai_wire as wire
from tests.fakes.openai_replies import (
    Answer,
    Delta,
    Dropped,
    Endless,
    HangUp,
    Hold,
    Pause,
    Refused,
    Reply,
    Reset,
    Stall,
    says,
)

CHAT, EMBEDDINGS, RERANK = "/v1/chat/completions", "/v1/embeddings", "/v1/rerank"
POLL_S = 0.005
START_S = 10.0
ENDLESS_S = 0.001
STREAM = b"text/event-stream; charset=utf-8"

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

Script = Answer | Callable[["Asked"], Answer]
"""What to answer, or how to find it out from the request."""


@dataclass
class Asked:
    """A request as it came. `ended` is set when the answer was sent whole, `left` when the client hung up before,
    `broken` is True when the server itself broke the connection."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    ended: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    broken: bool = False

    @property
    def prompt(self) -> str:
        """All messages' text, one below the other."""
        return "\n".join(str(message.get("content", "")) for message in self.body.get("messages", ()))

    async def was_left(self, within_s: float = 10.0) -> bool:
        """Whether the client hangs up before the end of the answer, within so many seconds."""
        return await asyncio.to_thread(self.left.wait, within_s)


class FakeOpenAI:
    """The server. `model` is the one it serves, `width` that of its vectors; with a `key` it wants it as bearer token.

    `context` is the most words a prompt may have. What `answer` did not foresee is answered by `otherwise`. The length
    that a request allows (max_tokens) is not looked at: an answer is as long as the test says.
    """

    def __init__(self, model: str = "tiny", width: int = 384, key: str = "", context: int = 4096) -> None:
        self.model, self.width, self.key, self.context = model, width, key, context
        self.otherwise: Script = says("I have nothing to say.")
        self.asked: list[Asked] = []
        self._scripts: dict[str, deque[Script]] = {CHAT: deque(), EMBEDDINGS: deque(), RERANK: deque()}
        self._connections: dict[tuple[str, int], asyncio.Transport] = {}
        self._port = 0
        self._running: tuple[uvicorn.Server, threading.Thread, asyncio.AbstractEventLoop] | None = None

    @property
    def url(self) -> str:
        """Base address of the API, with /v1."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def chats(self) -> list[Asked]:
        """The requests for an answer so far."""
        return [asked for asked in self.asked if asked.path == CHAT]

    def answer(self, *scripts: Script, path: str = CHAT) -> None:
        """What the next requests for `path` get, one after the other. Where `path` is not CHAT, a Reply stands for the
        usual answer."""
        self._scripts[path].extend(scripts)

    def start(self) -> None:
        """Listens; after a stop, on the same port as before."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        protocol = _keeping(self._connections)
        config = uvicorn.Config(self._app, http=protocol, ws="none", lifespan="off", interface="asgi3", log_config=None)
        server = uvicorn.Server(config)
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_serve, args=(loop, server, listener), name="fake OpenAI", daemon=True)
        thread.start()
        deadline = time.monotonic() + START_S
        while not server.started:
            if time.monotonic() > deadline or not thread.is_alive():
                raise RuntimeError("the fake server does not start")
            time.sleep(POLL_S)
        self._running = server, thread, loop

    def stop(self) -> None:
        """Dies: all connections are reset, and new ones refused until the next `start`."""
        if self._running is None:
            return
        server, thread, loop = self._running
        for transport in list(self._connections.values()):
            loop.call_soon_threadsafe(_reset, transport)
        server.should_exit = True
        thread.join()
        self._running = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    async def _app(self, scope: Any, receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        asked = Asked(scope["path"], headers, json.loads(body or b"{}"))
        self.asked.append(asked)
        work = asyncio.create_task(self._respond(asked, self._connections[scope["client"]], send))
        gone = asyncio.create_task(_hung_up(receive))
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            asked.ended.set()
        elif not asked.broken:
            asked.left.set()
        work.cancel()
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await work

    async def _respond(self, asked: Asked, connection: asyncio.Transport, send: Send) -> None:
        answer = self._checked(asked)
        if isinstance(answer, Dropped):
            await _break(asked, connection, reset=True)
        elif isinstance(answer, Refused):
            await _send_whole(send, answer.status, answer.body, answer.headers)
        elif asked.path == CHAT:
            await self._chat(asked, answer, connection, send)
        else:
            await _send_whole(send, 200, self._known(asked))

    def _checked(self, asked: Asked) -> Answer:
        """What the request gets: what a server refuses, else what the test said."""
        if asked.path == "/health":
            return Reply(())
        if self.key and asked.headers.get("authorization") != f"Bearer {self.key}":
            return replies.unauthorised()
        if asked.path == "/v1/models":
            return Reply(())
        if asked.path not in self._scripts:
            return Refused(404, {"detail": "Not Found"})
        model, length = asked.body.get("model", self.model), len(asked.prompt.split())
        if model != self.model:
            return replies.unknown_model(model, self.model)
        if length > self.context:
            return replies.context_too_long(self.context, length)
        scripts = self._scripts[asked.path]
        script = scripts.popleft() if scripts else self.otherwise if asked.path == CHAT else Reply(())
        return script(asked) if callable(script) else script

    def _known(self, asked: Asked) -> dict[str, Any] | str:
        """The body of every answer that is worked out from the request alone."""
        created, body = int(time.time()), asked.body
        if asked.path == EMBEDDINGS:
            texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
            coded = body.get("encoding_format") == "base64"
            return wire.embeddings(texts, body.get("dimensions") or self.width, coded, self.model, created)
        if asked.path == RERANK:
            return wire.reranked(body["query"], body["documents"], body.get("top_n", 0), self.model)
        return wire.models(self.model, self.context, created) if asked.path == "/v1/models" else ""

    async def _chat(self, asked: Asked, reply: Reply, connection: asyncio.Transport, send: Send) -> None:
        prompt = len(asked.prompt.split())
        wanted = asked.body.get("stream_options") or {}
        writer = wire.ChunkWriter(len(self.asked), int(time.time()), self.model, bool(wanted.get("include_usage")))
        if not asked.body.get("stream"):
            await _send_whole(send, 200, wire.whole(reply, writer, prompt))
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", STREAM)]})
        for event in reply.events:
            if isinstance(event, Reset | HangUp):
                await _break(asked, connection, reset=isinstance(event, Reset))
            elif isinstance(event, Pause):
                await asyncio.sleep(event.seconds)
            elif isinstance(event, Stall):
                await asyncio.Future()
            while isinstance(event, Hold) and not event.gate.is_set():
                await asyncio.sleep(POLL_S)
            while isinstance(event, Endless):
                await _send_part(send, writer.event(Delta(event.text)))
                await asyncio.sleep(ENDLESS_S)
            await _send_part(send, writer.event(event))
        if reply.done:
            await _send_part(send, writer.end(prompt, wire.tokens(reply)) + wire.DONE)
        await send({"type": "http.response.body", "body": b""})


def _serve(loop: asyncio.AbstractEventLoop, server: uvicorn.Server, listener: socket.socket) -> None:
    try:
        loop.run_until_complete(server.serve(sockets=[listener]))
    finally:
        listener.close()
        loop.close()


def _keeping(connections: dict[tuple[str, int], asyncio.Transport]) -> type[H11Protocol]:
    """uvicorn's protocol, which also keeps each open connection's transport under the client's address."""

    class Keeping(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            connections[transport.get_extra_info("peername")] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(self.transport.get_extra_info("peername"), None)
            super().connection_lost(exc)

    return Keeping


def _reset(transport: asyncio.Transport) -> None:
    linger_not = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
    transport.abort()


async def _break(asked: Asked, connection: asyncio.Transport, reset: bool) -> None:
    """Ends the connection in the middle; what asked for it is cancelled once the connection is gone."""
    asked.broken = True
    if reset:
        _reset(connection)
    else:
        connection.close()
    await asyncio.Future()


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_part(send: Send, data: bytes) -> None:
    if data:
        await send({"type": "http.response.body", "body": data, "more_body": True})


async def _send_whole(
    send: Send, status: int, body: dict[str, Any] | str, headers: tuple[tuple[str, str], ...] = ()
) -> None:
    data = body.encode() if isinstance(body, str) else json.dumps(body, separators=(",", ":")).encode()
    kind = b"text/plain" if isinstance(body, str) else b"application/json"
    fields = [(b"content-type", kind), (b"content-length", str(len(data)).encode())]
    fields += [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": data})
