"""A source of frames, ears and a browser, all in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import numpy as np
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtpPacket

from flashback.errors import NotFound, Unavailable
from flashback.rpc.errors import ErrorInterceptor
from flashback.v1 import ears_pb2, ears_pb2_grpc, gateway_pb2, media_pb2, media_pb2_grpc

PERIOD = 960
SIZE = 64


class FakeSource(media_pb2_grpc.FrameSourceServicer):
    """A renderer: draws on demand. `speak`: frames from now on are speech; `flowing` cleared: none come."""

    def __init__(self) -> None:
        self.turn = ""
        self.generation = 0
        self._positions: dict[str, int] = {}
        self.demands: list[media_pb2.FrameDemand] = []
        self._stuck = False
        self._dropped = asyncio.Event()
        self.flowing = asyncio.Event()
        self.flowing.set()

    def speak(self, turn: str, generation: int = 0) -> None:
        self.turn, self.generation = turn, generation

    async def Frames(
        self, request_iterator: AsyncIterator[media_pb2.FrameDemand], context: Any
    ) -> AsyncIterator[media_pb2.AvatarFrame]:
        self._dropped.clear()
        position, session = 0, ""
        async for demand in request_iterator:
            self.demands.append(demand)
            if self._dropped.is_set():
                raise Unavailable("Gone.")
            session = session or demand.session_id
            position = max(position, self._positions.get(session, 0), demand.from_sample)
            while self._stuck:
                yield self._frame(0)
                await asyncio.sleep(0.05)
            while position < demand.until_sample:
                await self.flowing.wait()
                yield self._frame(position)
                position += PERIOD
                self._positions[session] = position

    def forget(self) -> None:
        """From now on every frame is the first one again."""
        self._stuck = True

    def drop(self) -> None:
        """Ends the stream at the next demand."""
        self._dropped.set()

    def _frame(self, start: int) -> media_pb2.AvatarFrame:
        tone = 12000 * np.sin(2 * np.pi * 440 * np.arange(PERIOD) / 24000) if self.turn else np.zeros(PERIOD)
        shade = start // PERIOD * 7 % 200 + 20
        return media_pb2.AvatarFrame(
            frame_number=start // PERIOD,
            start_sample=start,
            audio=tone.astype("<i2").tobytes(),
            width=SIZE,
            height=SIZE,
            i420=bytes([shade]) * (SIZE * SIZE) + bytes([128]) * (SIZE * SIZE // 2),
            turn_id=self.turn,
            generation=self.generation,
            speech=bool(self.turn),
        )


class FakeEars(ears_pb2_grpc.EarsServicer):
    """NOT_FOUND until `listening`; then keeps what it hears."""

    def __init__(self) -> None:
        self.listening = False
        self.refused = 0
        self.heard: dict[str, bytes] = {}
        self.enough = asyncio.Event()

    async def Push(self, request_iterator: AsyncIterator[ears_pb2.MicAudio], context: Any) -> ears_pb2.PushSummary:
        first = await anext(aiter(request_iterator))
        if not self.listening:
            self.refused += 1
            raise NotFound("Nobody listens.")
        self.heard[first.session_id] = b""
        async for message in request_iterator:
            self.heard[first.session_id] += message.audio
            if len(self.heard[first.session_id]) >= 32000:
                self.enough.set()
        return ears_pb2.PushSummary()


async def host(*add: Any) -> tuple[grpc.aio.Server, str]:
    """A server on loopback with what the given functions add to it; and its address."""
    server = grpc.aio.server(interceptors=[ErrorInterceptor()])
    for each in add:
        each(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, f"127.0.0.1:{port}"


class Browser:
    """An aiortc client that keeps the RTP packets it is sent, by kind, without decoding them."""

    def __init__(self, video: str = "recvonly", audio: str | Any = "recvonly", channel: bool = True) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.packets: dict[str, list[RtpPacket]] = {"audio": [], "video": []}
        self.texts: asyncio.Queue[str] = asyncio.Queue()
        self.opened = asyncio.Event()
        self.channel: RTCDataChannel | None = None
        for kind, direction in (("video", video), ("audio", audio)):
            if isinstance(direction, str):
                if direction:
                    self.pc.addTransceiver(kind, direction=direction)
            else:
                self.pc.addTrack(direction)
        if channel:
            self.channel = self.pc.createDataChannel("oai-events")
            self.channel.on("open", self.opened.set)
            self.channel.on("message", self.texts.put_nowait)

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return str(self.pc.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        for transceiver in self.pc.getTransceivers():
            receiver, kind = transceiver.receiver, transceiver.kind

            async def keep(packet: RtpPacket, arrival_time_ms: int, kind: str = kind) -> None:
                if packet.payload and not self._is_rtx(packet):
                    self.packets[kind].append(packet)

            receiver._handle_rtp_packet = keep

    @staticmethod
    def _is_rtx(packet: RtpPacket) -> bool:
        return packet.payload_type not in (96, 97, 98) or packet.payload_type == 98

    @property
    def transport(self) -> Any:
        return self.pc.getTransceivers()[0].receiver.transport

    def vanish(self) -> None:
        """Falls silent without a goodbye, as a browser does whose machine lost its network."""
        connection = self.transport.transport._connection
        for protocol in connection._protocols:
            protocol.transport.close()

    async def close(self) -> None:
        await self.pc.close()


class Control:
    """The orchestrator's end of a Control stream; keeps events by kind."""

    def __init__(self, stub: Any, session_id: str) -> None:
        self._call = stub.Control(timeout=60)
        self._session_id = session_id
        self.seen: list[gateway_pb2.PeerEvent] = []
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._read())
        self.ended = False

    async def _read(self) -> None:
        attach = gateway_pb2.AttachPeer(session_id=self._session_id)
        await self._call.write(gateway_pb2.PeerCommand(attach=attach))
        try:
            async for event in self._call:
                self.seen.append(event)
                self._changed.set()
        finally:
            self.ended = True
            self._changed.set()

    def of(self, kind: str) -> list[Any]:
        return [getattr(e, kind) for e in self.seen if e.WhichOneof("event") == kind]

    async def until(self, condition: Any) -> None:
        """Waits until `condition()` holds after some event."""
        async with asyncio.timeout(60):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def first(self, kind: str) -> Any:
        await self.until(lambda: self.of(kind))
        return self.of(kind)[0]

    async def send(self, **command: Any) -> None:
        await self._call.write(gateway_pb2.PeerCommand(**command))

    async def close(self) -> None:
        self._call.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
