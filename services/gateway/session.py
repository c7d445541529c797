"""Everything that belongs to one peer: its connection, its player, its encoders, its microphone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any

import grpc
from aiortc import MediaStreamTrack

from flashback.errors import InvalidInput
from flashback.media.clock import FrameClock, milliseconds
from flashback.rpc import open_channel
from flashback.v1 import gateway_pb2, media_pb2
from services.gateway.encoders import AudioEncoder, VideoEncoder, audio_pts, video_pts
from services.gateway.feed import FrameFeed
from services.gateway.microphone import Microphone
from services.gateway.outbox import Outbox
from services.gateway.peer import Peer, PeerCallbacks
from services.gateway.player import Action, Ask, Hold, Moved, Player, Show, Sound, Started, Stopped
from services.gateway.playout import Frame, Picture
from services.gateway.settings import GatewaySettings
from services.gateway.tracks import RTP_MASK
from services.gateway.video import VideoSender

log = logging.getLogger(__name__)

WATCH_INTERVAL_S = 1.0


class Session:
    """Lives from Connect until the peer is gone. `ended` is called once, when everything of it is closed."""

    def __init__(
        self,
        request: gateway_pb2.ConnectRequest,
        settings: GatewaySettings,
        ears: grpc.aio.Channel,
        pool: Executor,
        ended: Callable[[Session], None],
    ) -> None:
        self.id = request.session_id
        self.events = Outbox()
        self._settings = settings
        self._pool = pool
        self._ended = ended
        self._now = asyncio.get_running_loop().time
        clock = FrameClock(request.fps or 25)
        self._fps = clock.fps
        self._player = Player(clock)
        self._source = open_channel(request.frame_source)
        self._feed = FrameFeed(self._source, self.id, request.persona_id, self._on_frame, self._player.forget_asked)
        self._microphone = Microphone(ears, self.id)
        self._audio = AudioEncoder(settings.audio_bitrate)
        self._video: VideoSender | None = None
        callbacks = PeerCallbacks(
            self._on_state, self._on_channel, self._on_text, self._on_keyframe, self._on_microphone, self._on_origin
        )
        self._peer = Peer(settings, callbacks)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._opened_at = self._frame_at = self._now()
        self._detached_at: float | None = self._now()

    async def connect(self, offer_sdp: str) -> str:
        """Answers the offer and begins to ask for frames. Raises InvalidInput; close() is the caller's then."""
        self._act(self._player.advance(self._now()))
        self._spawn(self._feed.run())
        answer = await self._peer.answer(offer_sdp)
        if self._peer.video is not None:
            encoder = VideoEncoder(self._fps, self._settings.video_bitrate, self._settings.video_speed)
            self._video = VideoSender(encoder, self._peer.video, self._pool)
            self._spawn(self._video.run())
        self._spawn(self._play())
        self._spawn(self._watch())
        return answer

    def attach(self) -> None:
        """A Control stream has come. Raises InvalidInput when there is one already."""
        if self._detached_at is None:
            raise InvalidInput("This session already has a Control stream.")
        self._detached_at = None

    def detach(self) -> None:
        """The Control stream is gone."""
        self._detached_at = self._now()

    def obey(self, command: gateway_pb2.PeerCommand) -> None:
        """Carries out a command of the Control stream."""
        if command.HasField("send"):
            self._peer.send(command.send.text)
        elif command.HasField("cut"):
            at = self._player.cut(command.cut.generation)
            cut = gateway_pb2.PlaybackCut(generation=command.cut.generation, at_sample=at)
            self.events.put(gateway_pb2.PeerEvent(cut=cut))

    def end(self, state: str, why: str) -> asyncio.Task[None]:
        """Closes everything; the first call decides the state reported, "failed" or "closed"."""
        if self._closing is None:
            self.events.state(state)
            log.info("peer ends", extra={"session": self.id, "state": state, "why": why})
            self._closing = asyncio.create_task(self._close())
        return self._closing

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self._peer.close()
            await self._source.close(None)
        finally:
            self._ended(self)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("peer failed", extra={"session": self.id}, exc_info=error)
            self.end("failed", "internal error")

    # frames and playing

    def _on_frame(self, frame: media_pb2.AvatarFrame) -> None:
        picture = Picture(frame.width, frame.height, frame.i420)
        taken = Frame(frame.start_sample, frame.audio, picture, frame.turn_id, frame.generation, frame.speech)
        if self._player.arrived(taken, self._now()):
            self._frame_at = self._now()

    async def _play(self) -> None:
        await self._started.wait()
        self._player.start(self._now())
        while True:
            self._act(self._player.advance(self._now()))
            wake = self._player.next_wake()
            await asyncio.sleep(max(0.0, (wake or 0.0) - self._now()))

    def _act(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Sound(pcm, position):
                    if self._peer.audio is not None:
                        self._peer.audio.push(self._audio.encode(pcm, position))
                case Show(picture, position):
                    if self._video is not None:
                        self._video.show(picture, position)
                case Hold(position):
                    if self._video is not None:
                        self._video.hold(position)
                case Ask(until):
                    self._feed.ask(until)
                case Moved():
                    self._report()
                case Started(turn, at):
                    started = gateway_pb2.PlaybackStarted(turn_id=turn, at_sample=at)
                    self.events.put(gateway_pb2.PeerEvent(started=started))
                case Stopped(turn, at):
                    stopped = gateway_pb2.PlaybackStopped(turn_id=turn, at_sample=at)
                    self.events.put(gateway_pb2.PeerEvent(stopped=stopped))

    def _report(self) -> None:
        """Metrics, as soon as the RTP timestamp of media time 0 is known for every track there is."""
        player, video, audio = self._player, self._peer.video, self._peer.audio
        origin = player.origin
        if origin is None or any(t is not None and t.origin is None for t in (video, audio)):
            return
        metrics = gateway_pb2.PeerMetrics(
            media_sample=player.media_position,
            video_rtp_origin=(video.origin + video_pts(origin)) & RTP_MASK if video and video.origin is not None else 0,
            audio_rtp_origin=(audio.origin + audio_pts(origin)) & RTP_MASK if audio and audio.origin is not None else 0,
            frames_sent=player.frames_sent,
            frames_held=player.frames_held,
            buffer_ms=milliseconds(player.buffered_samples),
        )
        self.events.put(gateway_pb2.PeerEvent(metrics=metrics))

    async def _watch(self) -> None:
        """Reports once a second and gives up what has been lost for too long."""
        settings = self._settings
        while True:
            await asyncio.sleep(WATCH_INTERVAL_S)
            self._report()
            now = self._now()
            if not self._started.is_set() and now - self._opened_at > settings.connect_timeout_s:
                self.end("failed", "no connection came about")
            elif self._detached_at is not None and now - self._detached_at > settings.control_timeout_s:
                self.end("closed", "nobody controls this session")
            elif now - self._frame_at > settings.source_timeout_s and self._started.is_set():
                self.end("failed", "no frames came")
            elif self.events.overrun:
                self.end("failed", "the browser sends more than is taken")

    # the peer's callbacks

    def _on_state(self, state: str) -> None:
        if state == "connected":
            self._frame_at = self._now()
            self._started.set()
        if state in ("failed", "closed"):
            self.end(state, f"connection {state}")
        else:
            self.events.state(state)

    def _on_channel(self, label: str) -> None:
        self.events.put(gateway_pb2.PeerEvent(channel=gateway_pb2.ChannelOpened(label=label)))

    def _on_text(self, text: str) -> None:
        self.events.put(gateway_pb2.PeerEvent(text=gateway_pb2.TextReceived(text=text)))

    def _on_keyframe(self) -> None:
        if self._video is not None:
            self._video.request_keyframe()

    def _on_microphone(self, track: MediaStreamTrack) -> None:
        self._spawn(self._microphone.run(track))

    def _on_origin(self) -> None:
        self._report()
