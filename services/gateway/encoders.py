"""Pictures to VP8 and sound to Opus, as packets whose timestamps are on the session's timeline."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from flashback.media.clock import SPEECH_RATE, WEBRTC_RATE
from services.gateway.pacing import PACKET_SAMPLES
from services.gateway.playout import Picture

VIDEO_RATE = 90_000
VIDEO_TIME_BASE = Fraction(1, VIDEO_RATE)
AUDIO_TIME_BASE = Fraction(1, WEBRTC_RATE)

STATIC_THRESHOLD = 100
"""Blocks that differ less than this from the last picture are skipped: a still background costs nothing."""

COARSEST_QUANTISER = 40
"""Of 63: a picture is never worse than this, the rate gives way for a moment instead."""

KEYFRAME_INTERVAL = 3000
"""Frames between unrequested keyframes."""


def video_pts(position: int) -> int:
    """Timeline position (24 kHz) to RTP time at 90 kHz."""
    return position * VIDEO_RATE // SPEECH_RATE


def audio_pts(position: int) -> int:
    """Timeline position (24 kHz) to RTP time at 48 kHz (RFC 7587: always 48 kHz)."""
    return position * (WEBRTC_RATE // SPEECH_RATE)


class VideoEncoder:
    """VP8 (RFC 6386) by libvpx in its realtime mode. One call at a time, from any thread.

    bitrate: bits per second; speed: libvpx cpu-used, 0..16.
    """

    def __init__(self, fps: int, bitrate: int, speed: int) -> None:
        self._fps = fps
        self._bitrate = bitrate
        self._speed = speed
        self._codec: VideoCodecContext | None = None

    def _open(self, width: int, height: int) -> VideoCodecContext:
        codec = VideoCodecContext.create("libvpx", "w")
        codec.width, codec.height = width, height
        codec.pix_fmt = "yuv420p"
        codec.framerate = Fraction(self._fps)
        codec.time_base = VIDEO_TIME_BASE
        codec.bit_rate = self._bitrate
        codec.gop_size = KEYFRAME_INTERVAL
        codec.thread_count = 1
        codec.options = {
            "deadline": "realtime",
            "cpu-used": str(-self._speed),
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
            "error-resilient": "default",
            "static-thresh": str(STATIC_THRESHOLD),
            "qmax": str(COARSEST_QUANTISER),
            "minrate": str(self._bitrate),
            "maxrate": str(self._bitrate),
            "bufsize": str(self._bitrate),
        }
        return codec

    def encode(self, picture: Picture, position: int, keyframe: bool) -> list[av.Packet[Any]]:
        """One picture at a timeline position to its packets (normally one). A change of size starts a new stream."""
        codec = self._codec
        if codec is None or (codec.width, codec.height) != (picture.width, picture.height):
            codec = self._codec = self._open(picture.width, picture.height)
            keyframe = True
        frame = av.VideoFrame(picture.width, picture.height, "yuv420p")
        view = memoryview(picture.i420)
        for plane, width in zip(frame.planes, (picture.width, picture.width // 2, picture.width // 2), strict=True):
            size = width * plane.height
            if plane.line_size == width:
                plane.update(view[:size])  # type: ignore[arg-type]  # any buffer will do
            else:
                memoryview(plane)[:] = _padded(view[:size], width, plane.line_size, plane.buffer_size)
            view = view[size:]
        frame.pts = video_pts(position)
        frame.time_base = VIDEO_TIME_BASE
        if keyframe:
            frame.pict_type = PictureType.I
        return codec.encode(frame)


def _padded(rows: memoryview, width: int, line_size: int, buffer_size: int) -> bytes:
    gap = bytes(line_size - width)
    return b"".join(bytes(rows[i : i + width]) + gap for i in range(0, len(rows), width)).ljust(buffer_size, b"\0")


class AudioEncoder:
    """Opus (RFC 6716), mono, 20 ms packets from 24 kHz, in its low-delay mode (2.5 ms of its own delay)."""

    def __init__(self, bitrate: int) -> None:
        codec = AudioCodecContext.create("libopus", "w")
        codec.sample_rate = SPEECH_RATE
        codec.layout = "mono"
        codec.format = "s16"
        codec.bit_rate = bitrate
        codec.time_base = Fraction(1, SPEECH_RATE)
        codec.options = {"application": "lowdelay", "frame_duration": "20"}
        self._codec = codec
        self._samples = 0

    def encode(self, pcm: bytes, position: int) -> av.Packet[Any]:
        """20 ms of s16le mono 24 kHz, at a timeline position, to one packet."""
        frame = av.AudioFrame(format="s16", layout="mono", samples=PACKET_SAMPLES)
        frame.planes[0].update(pcm)
        frame.sample_rate = SPEECH_RATE
        frame.time_base = Fraction(1, SPEECH_RATE)
        frame.pts = self._samples
        self._samples += PACKET_SAMPLES
        (packet,) = self._codec.encode(frame)
        packet.time_base = AUDIO_TIME_BASE
        packet.pts = audio_pts(position)
        return packet
