"""One WebRTC connection: aiortc as the answering side."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidStateError

from flashback.errors import InvalidInput
from services.gateway.aiortc_internals import on_keyframe_request, shorten_microphone_delay
from services.gateway.offer import NOT_AN_OFFER, Section, read_offer
from services.gateway.settings import GatewaySettings
from services.gateway.tracks import PacketTrack

log = logging.getLogger(__name__)

EVENTS_CHANNEL = "oai-events"
TEXT_BACKLOG = 256
"""Messages kept until the data channel opens; the oldest are dropped."""

CLOSE_TIMEOUT_S = 5.0
CODECS = {"audio": ("audio/opus",), "video": ("video/VP8", "video/rtx")}


@dataclass(frozen=True)
class PeerCallbacks:
    """What a peer tells its session. Called on the event loop; must not block."""

    state: Callable[[str], None]
    channel: Callable[[str], None]
    text: Callable[[str], None]
    keyframe: Callable[[], None]
    microphone: Callable[[MediaStreamTrack], None]
    origin: Callable[[], None]


class Peer:
    """`video` and `audio` are None where the offer has no place for them."""

    def __init__(self, settings: GatewaySettings, callbacks: PeerCallbacks) -> None:
        servers = [
            RTCIceServer(url, settings.ice_username or None, settings.ice_credential or None)
            for url in settings.ice_servers
        ]
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._callbacks = callbacks
        self._channel: RTCDataChannel | None = None
        self._unsent: deque[str] = deque(maxlen=TEXT_BACKLOG)
        self.video: PacketTrack | None = None
        self.audio: PacketTrack | None = None
        self._pc.on("connectionstatechange", self._on_state)
        self._pc.on("datachannel", self._on_channel)
        self._pc.on("track", self._on_track)

    async def answer(self, offer_sdp: str) -> str:
        """The SDP answer, with all candidates. Raises InvalidInput."""
        offer = read_offer(offer_sdp)
        # aiortc applies codec preferences inside setRemoteDescription: tracks come first
        for section in offer.sections:
            self._prepare(section)
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(offer.text, "offer"))
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except InvalidStateError:
            raise
        except Exception as error:  # aiortc raises whatever the damage leads to, and its own for codecs
            log.info("offer refused", extra={"error": type(error).__name__})
            raise InvalidInput(f"{NOT_AN_OFFER} It must offer Opus, and VP8 for the picture.") from error
        return str(self._pc.localDescription.sdp)

    def _prepare(self, section: Section) -> None:
        free = self.video is None if section.kind == "video" else self.audio is None
        sends = section.may_send and free
        receives = section.may_receive and section.kind == "audio"
        direction = {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}.get(
            (sends, receives), "inactive"
        )
        if not sends:
            transceiver = self._pc.addTransceiver(section.kind, direction=direction)
        else:
            track = PacketTrack(section.kind, self._callbacks.origin)
            transceiver = self._pc.addTransceiver(track, direction=direction)
            self._keep(section.kind, track, transceiver)
        known = RTCRtpSender.getCapabilities(section.kind).codecs
        transceiver.setCodecPreferences([c for c in known if c.mimeType in CODECS[section.kind]])
        if receives:
            shorten_microphone_delay(transceiver.receiver)

    def _keep(self, kind: str, track: PacketTrack, transceiver: RTCRtpTransceiver) -> None:
        track.sender = transceiver.sender
        if kind == "video":
            self.video = track
            on_keyframe_request(transceiver.sender, self._callbacks.keyframe)
        else:
            self.audio = track

    def _on_state(self) -> None:
        state = self._pc.connectionState
        if state != "new":
            self._callbacks.state(state)

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self._callbacks.microphone(track)

    def _on_channel(self, channel: RTCDataChannel) -> None:
        channel.on("message", self._on_message)
        if self._channel is None or channel.label == EVENTS_CHANNEL:
            self._channel = channel
        self._callbacks.channel(channel.label)
        while self._unsent:
            self.send(self._unsent.popleft())

    def _on_message(self, message: str | bytes) -> None:
        self._callbacks.text(message if isinstance(message, str) else message.decode("utf-8", errors="replace"))

    def send(self, text: str) -> None:
        """One data-channel message; kept until the channel opens, dropped once it is closed."""
        if self._channel is None:
            self._unsent.append(text)
        elif self._channel.readyState == "open":
            self._channel.send(text)

    async def close(self) -> None:
        """Ends the connection. What aiortc does not manage to end in time is abandoned with a warning."""
        for track in (self.video, self.audio):
            if track is not None:
                track.stop()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._pc.close()
        except TimeoutError:
            log.warning("peer did not close in time")
        with suppress(ValueError):
            self._pc.remove_all_listeners()
        self._channel = None
