from __future__ import annotations

import pytest

from benchmarks.receiver import PacketCounter

VIDEO, AUDIO = 97, 96


def packet(payload_type: int, timestamp: int, marker: bool = False, size: int = 100) -> bytes:
    head = bytes([0x80, payload_type | (0x80 if marker else 0), 0, 1]) + timestamp.to_bytes(4, "big") + b"ssrc"
    return head.ljust(size, b"\0")


def counter() -> PacketCounter:
    return PacketCounter(video_type=VIDEO, audio_type=AUDIO)


def test_frames_are_distinct_timestamps_and_complete_with_their_marker() -> None:
    count = counter()
    for n in range(10):
        assert count.take(packet(VIDEO, 3600 * n), now=0.04 * n)
        assert count.take(packet(VIDEO, 3600 * n, marker=n != 4), now=0.04 * n + 0.001)
    counts = count.counts
    assert (counts.video_frames, counts.complete_frames, counts.video_packets) == (10, 9, 20)
    assert counts.longest_gap_s == pytest.approx(0.04)
    assert counts.bytes == 2000


def test_audio_is_counted_apart() -> None:
    count = counter()
    for n in range(7):
        count.take(packet(AUDIO, 960 * n), now=0.0)
    assert (count.counts.audio_packets, count.counts.video_frames) == (7, 0)


def test_the_longest_gap_is_kept() -> None:
    count = counter()
    for n, now in enumerate((10.0, 10.04, 10.5, 10.54)):
        count.take(packet(VIDEO, n), now)
    assert count.counts.longest_gap_s == pytest.approx(0.46)
    assert (count.counts.first_video_at, count.counts.last_video_at) == (10.0, 10.54)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        bytes([22, 254, 253]) + bytes(40),
        bytes([0, 1, 0, 0]) + bytes(20),
        bytes([0x80, 200]) + bytes(26),
        bytes([0x81, 206]) + bytes(10),
    ],
    ids=["nothing", "DTLS", "STUN", "sender report", "feedback"],
)
def test_everything_else_is_left_to_the_connection(datagram: bytes) -> None:
    count = counter()
    assert not count.take(datagram, now=0.0)
    assert count.counts.bytes == 0
