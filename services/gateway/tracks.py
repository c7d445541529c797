"""Tracks that hand encoded packets to aiortc as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCRtpSender
from aiortc.mediastreams import MediaStreamError

from services.gateway.aiortc_internals import last_rtp_timestamp

BACKLOG = 50
"""Packets kept while aiortc does not take them; the oldest are dropped."""

RTP_MASK = 0xFFFFFFFF


class PacketTrack(MediaStreamTrack):
    """Encoded packets of one kind ("audio" or "video").

    `origin` is the RTP timestamp of timeline position 0, known once a packet has been sent; `on_origin` is called then.
    """

    def __init__(self, kind: str, on_origin: Callable[[], None]) -> None:
        super().__init__()
        self.kind = kind
        self.sender: RTCRtpSender | None = None
        self.origin: int | None = None
        self._on_origin = on_origin
        self._packets: asyncio.Queue[av.Packet[Any]] = asyncio.Queue()
        self._last_pts: int | None = None

    def push(self, packet: av.Packet[Any]) -> None:
        if self._packets.qsize() >= BACKLOG:
            self._packets.get_nowait()
        self._packets.put_nowait(packet)

    async def recv(self) -> av.Packet[Any]:
        """Called by aiortc's sender, again only after the packet before has been sent."""
        if self.readyState != "live":
            raise MediaStreamError
        if self.origin is None and self._last_pts is not None and self.sender is not None:
            self.origin = (last_rtp_timestamp(self.sender) - self._last_pts) & RTP_MASK
            self._on_origin()
        packet = await self._packets.get()
        self._last_pts = packet.pts
        return packet
