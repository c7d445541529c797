"""All use of aiortc's private names. aiortc is pinned; a test fails when they change."""

from __future__ import annotations

from collections.abc import Callable

from aiortc import RTCRtpReceiver, RTCRtpSender
from aiortc.jitterbuffer import JitterBuffer

MIC_CAPACITY = 16
"""Packets a missing one is waited for (aiortc's own figure)."""


def last_rtp_timestamp(sender: RTCRtpSender) -> int:
    """RTP timestamp of the packet sent last. aiortc adds a random origin to the track's timestamps."""
    return int(getattr(sender, "_RTCRtpSender__rtp_timestamp"))  # noqa: B009


def on_keyframe_request(sender: RTCRtpSender, call: Callable[[], None]) -> None:
    """Calls `call` on each PLI and FIR; aiortc itself only tells its own encoder."""
    setattr(sender, "_send_keyframe", call)  # noqa: B010


def shorten_microphone_delay(receiver: RTCRtpReceiver) -> None:
    """Hands audio on after one packet (20 ms) rather than aiortc's four. To be called before media arrives."""
    setattr(receiver, "_RTCRtpReceiver__jitter_buffer", JitterBuffer(capacity=MIC_CAPACITY, prefetch=1))  # noqa: B010
