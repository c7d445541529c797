"""A light WebRTC client for load: it makes the whole handshake, counts RTP packets and decodes none.

Media packets are counted where the datagram comes in, from their unencrypted headers (RFC 3550, 5.1): they are neither
decrypted nor buffered, so that what is measured is the server and not this client.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import aioice.ice
import httpx
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, sdp
from aiortc.rtcconfiguration import RTCBundlePolicy

EVENTS_CHANNEL = "oai-events"
CONNECT_TIMEOUT_S = 20.0
MARKER = 0x80
RTCP_TYPES = range(192, 224)
SRTP_FIRST_BYTES = range(128, 192)


def use_addresses(addresses: list[str]) -> None:
    """Limits this process's ICE to these local addresses (aioice itself leaves loopback out)."""

    def look_up(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return [a for a in addresses if (use_ipv6 if ":" in a else use_ipv4)]

    setattr(aioice.ice, "get_host_addresses", look_up)  # noqa: B010


@dataclass
class Counts:
    """What has come so far. Times are seconds of a monotonic clock.

    video_frames: distinct RTP timestamps of the video stream; complete_frames: those whose last packet (marker) came.
    longest_gap_s: longest time between the first packets of two frames that followed each other.
    """

    video_frames: int = 0
    complete_frames: int = 0
    video_packets: int = 0
    audio_packets: int = 0
    bytes: int = 0
    first_video_at: float = 0.0
    last_video_at: float = 0.0
    longest_gap_s: float = 0.0


@dataclass
class PacketCounter:
    """Counts by payload type; give it the datagrams of one connection."""

    video_type: int
    audio_type: int
    counts: Counts = field(default_factory=Counts)
    _timestamp: bytes = b""

    def take(self, datagram: bytes, now: float) -> bool:
        """Whether the datagram was SRTP media (then it is counted), and not DTLS, STUN or RTCP."""
        if len(datagram) < 12 or datagram[0] not in SRTP_FIRST_BYTES or datagram[1] in RTCP_TYPES:
            return False
        counts = self.counts
        counts.bytes += len(datagram)
        payload_type = datagram[1] & ~MARKER
        if payload_type == self.audio_type:
            counts.audio_packets += 1
        elif payload_type == self.video_type:
            counts.video_packets += 1
            counts.complete_frames += datagram[1] >= MARKER
            if datagram[4:8] != self._timestamp:
                self._timestamp = datagram[4:8]
                self._frame(now)
        return True

    def _frame(self, now: float) -> None:
        counts = self.counts
        if counts.video_frames == 0:
            counts.first_video_at = now
        else:
            counts.longest_gap_s = max(counts.longest_gap_s, now - counts.last_video_at)
        counts.video_frames += 1
        counts.last_video_at = now


class Receiver:
    """One viewer with a data channel. `events` receives the server's JSON events as dicts."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.location = ""
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._counter = PacketCounter(video_type=-1, audio_type=-1)
        self._opened = asyncio.Event()
        self._failed = asyncio.Event()
        for kind in ("video", "audio"):
            self._pc.addTransceiver(kind, direction="recvonly")
        self._channel = self._pc.createDataChannel(EVENTS_CHANNEL)
        self._channel.on("open", self._opened.set)
        self._channel.on("message", self._on_message)
        self._pc.on("connectionstatechange", self._on_state)

    async def connect(self, base_url: str, persona: str | None = None) -> None:
        """Returns once the data channel is open.

        Raises httpx.HTTPStatusError when the server refuses (503: full), ConnectionError when WebRTC does not connect.
        """
        await self._pc.setLocalDescription(await self._pc.createOffer())
        answer = await self._call(base_url, self._pc.localDescription.sdp, persona)
        for media in sdp.SessionDescription.parse(answer).media:
            if media.kind == "video":
                self._counter.video_type = media.rtp.codecs[0].payloadType or -1
            elif media.kind == "audio":
                self._counter.audio_type = media.rtp.codecs[0].payloadType or -1
        self._divert()
        await self._pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        waits = [asyncio.create_task(e.wait()) for e in (self._opened, self._failed)]
        await asyncio.wait(waits, timeout=CONNECT_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not self._opened.is_set():
            raise ConnectionError(f"WebRTC did not connect (state: {self._pc.connectionState}).")

    async def _call(self, base_url: str, offer: str, persona: str | None) -> str:
        url = f"{base_url.rstrip('/')}/v1/realtime/calls"
        async with httpx.AsyncClient(timeout=CONNECT_TIMEOUT_S) as http:
            if persona is None:
                answer = await http.post(url, content=offer, headers={"content-type": "application/sdp"})
            else:
                session = json.dumps({"type": "realtime", "persona": persona})
                answer = await http.post(url, files={"sdp": (None, offer), "session": (None, session)})
        answer.raise_for_status()
        self.location = answer.headers.get("location", "")
        return answer.text

    def _divert(self) -> None:
        """Takes media packets out where aioice hands datagrams on."""
        connection = self._pc.getTransceivers()[0].receiver.transport.transport._connection
        pass_on: Callable[[bytes, int], None] = connection.data_received

        def data_received(data: bytes, component: int) -> None:
            if not self._counter.take(data, time.monotonic()):
                pass_on(data, component)

        setattr(connection, "data_received", data_received)  # noqa: B010

    def _on_message(self, message: str | bytes) -> None:
        self.events.put_nowait(json.loads(message))

    def _on_state(self) -> None:
        if self._pc.connectionState in ("failed", "closed"):
            self._failed.set()

    async def send(self, event: dict[str, Any]) -> None:
        """Sends one JSON event on the data channel."""
        self._channel.send(json.dumps(event))

    def counts(self) -> Counts:
        """A copy of the counts; the difference of two tells about the time between them."""
        return replace(self._counter.counts)

    @property
    def connected(self) -> bool:
        return self._opened.is_set() and not self._failed.is_set()

    async def close(self) -> None:
        await self._pc.close()
