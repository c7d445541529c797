from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashback.media.clock import FrameClock
from services.gateway.pacing import MAX_BURST, PACKET_SAMPLES, Lead, Metronome


@pytest.mark.parametrize("fps", [24, 25, 30])
def test_schedule_is_absolute(fps: int) -> None:
    metronome = Metronome(FrameClock(fps), now=100.0)
    assert metronome.frame_due(fps * 3600) == pytest.approx(100.0 + 3600)
    assert metronome.packet_due(50 * 3600) == pytest.approx(100.0 + 3600)


def test_both_tracks_lie_on_one_line() -> None:
    metronome = Metronome(FrameClock(25), now=0.0)
    assert [metronome.frame_position(k) for k in range(3)] == [2 * n * PACKET_SAMPLES for n in range(3)]
    assert metronome.packet_position(4) == metronome.frame_position(2)


def test_small_delay_is_caught_up_without_moving() -> None:
    metronome = Metronome(FrameClock(25), now=0.0)
    assert metronome.catch_up(1, now=0.079) == 0
    assert metronome.catch_up(1, now=0.119) == 0


@given(stall=st.floats(0.0, 30.0), slot=st.integers(0, 10_000))
def test_at_most_two_slots_are_overdue_after_a_stall(stall: float, slot: int) -> None:
    metronome = Metronome(FrameClock(25), now=0.0)
    now = metronome.frame_due(slot) + stall
    missed = metronome.catch_up(slot, now)
    overdue = sum(metronome.frame_due(slot + k) <= now - 1e-9 for k in range(MAX_BURST + 2))
    assert overdue <= MAX_BURST
    slots = stall / 0.04
    on_the_edge = abs(slots - round(slots)) < 1e-6
    assert missed == max(0, int(slots) + 1 - MAX_BURST) or on_the_edge


def test_both_tracks_move_together_after_a_stall() -> None:
    metronome = Metronome(FrameClock(25), now=0.0)
    apart = metronome.packet_position(20) - metronome.frame_position(10)
    assert metronome.catch_up(10, now=3.0) > 0
    assert metronome.packet_position(20) - metronome.frame_position(10) == apart


def test_lead_follows_the_slowest_turnaround_at_once_and_falls_slowly() -> None:
    lead = Lead(0.04)
    for second in range(200):
        lead.arrived(0.005, now=float(second))
    quiet = lead.seconds
    assert quiet == lead.FLOOR_S
    lead.arrived(0.09, now=201.0)
    raised = lead.seconds
    assert raised > 0.09
    lead.arrived(0.005, now=202.0)
    assert quiet < lead.seconds < raised


def test_lead_grows_when_a_frame_is_missed_and_never_beyond_four_frames() -> None:
    lead = Lead(0.04)
    before = lead.seconds
    lead.missed()
    assert lead.seconds > before
    for _ in range(100):
        lead.missed()
    assert lead.seconds == pytest.approx(0.16)
