from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.gateway.pacing import PACKET_SAMPLES
from services.gateway.playout import CAPACITY, FADE_SAMPLES, Frame, Picture, Playout

PICTURE = Picture(2, 2, bytes(6))
PERIOD = 960


def frame(start: int, generation: int = 0, level: int = 1000, samples: int = PERIOD) -> Frame:
    audio = np.full(samples, level, "<i2").tobytes()
    return Frame(start, audio, PICTURE, "turn", generation, speech=True)


def sound(packet: bytes | None) -> NDArray[np.int16]:
    assert packet is not None
    return np.frombuffer(packet, "<i2")


def test_frames_come_out_in_media_order_with_their_audio() -> None:
    playout = Playout()
    assert playout.push(frame(0, level=1))
    assert playout.push(frame(PERIOD, level=2))
    heard = []
    for _ in range(2):
        assert playout.start_slot(PERIOD) is not None
        heard += [sound(playout.take_packet()), sound(playout.take_packet())]
    assert [set(h.tolist()) for h in heard] == [{1}, {1}, {2}, {2}]
    assert playout.position == 2 * PERIOD


def test_no_audio_before_its_slot() -> None:
    playout = Playout()
    playout.push(frame(0))
    assert playout.take_packet() is None


def test_what_is_older_than_the_last_frame_is_refused() -> None:
    playout = Playout()
    playout.push(frame(PERIOD))
    assert not playout.push(frame(PERIOD))
    assert not playout.push(frame(0))
    assert len(playout) == 1


def test_a_flood_is_refused() -> None:
    playout = Playout()
    assert [playout.push(frame(n * PERIOD)) for n in range(CAPACITY + 1)] == [True] * CAPACITY + [False]


def test_a_missing_frame_is_silence_and_media_stands_still() -> None:
    playout = Playout()
    assert playout.start_slot(PERIOD) is None
    assert not sound(playout.take_packet()).any()
    assert not sound(playout.take_packet()).any()
    assert playout.position == 0
    playout.push(frame(0))
    assert playout.start_slot(PERIOD) is not None
    assert sound(playout.take_packet()).all()


def test_packets_that_straddle_frames() -> None:
    playout = Playout()
    for n in range(3):
        playout.push(frame(n * 800, level=n + 1, samples=800))
    playout.start_slot(800)
    assert sound(playout.take_packet()).tolist() == [1] * 480
    assert playout.take_packet() is None
    playout.start_slot(800)
    assert sound(playout.take_packet()).tolist() == [1] * 320 + [2] * 160


def test_cut_silences_the_next_packet_after_a_fade() -> None:
    playout = Playout()
    playout.push(frame(0))
    playout.push(frame(PERIOD))
    playout.start_slot(PERIOD)
    assert sound(playout.take_packet()).all()
    assert playout.cut(1) == PACKET_SAMPLES
    faded = sound(playout.take_packet())
    assert faded[0] == 1000
    assert (np.diff(faded[: FADE_SAMPLES + 1]) < 0).all()
    assert not faded[FADE_SAMPLES:].any()
    playout.start_slot(PERIOD)
    assert not sound(playout.take_packet()).any()


def test_after_a_cut_the_new_generation_is_heard_and_stragglers_are_not() -> None:
    playout = Playout()
    playout.cut(2)
    playout.push(frame(0, generation=1))
    playout.push(frame(PERIOD, generation=2))
    shown = playout.start_slot(PERIOD)
    assert shown is not None
    assert playout.stale(shown)
    playout.take_packet()
    assert not sound(playout.take_packet()).any()
    playout.start_slot(PERIOD)
    assert sound(playout.take_packet()).all()


def test_an_older_cut_changes_nothing() -> None:
    playout = Playout()
    playout.cut(5)
    playout.cut(3)
    playout.push(frame(0, generation=5))
    playout.start_slot(PERIOD)
    assert sound(playout.take_packet()).all()
