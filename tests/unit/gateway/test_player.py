"""The player against a simulated source, in simulated time."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np
import pytest

from flashback.media.clock import FrameClock
from services.gateway.player import Action, Ask, Hold, Moved, Player, Show, Sound, Started, Stopped
from services.gateway.playout import Frame, Picture

PICTURE = Picture(2, 2, bytes(6))


class Simulation:
    """A player, a source that takes `turnaround(frame number)` seconds a frame, and every action with its time."""

    def __init__(self, turnaround: Callable[[int], float] = lambda n: 0.005, fps: int = 25) -> None:
        self.clock = FrameClock(fps)
        self.player = Player(self.clock)
        self.turnaround = turnaround
        self.turns: dict[int, tuple[str, int]] = {}
        self.pauses: set[int] = set()
        self.now = 0.0
        self.log: list[tuple[float, Action]] = []
        self._rendered = 0
        self._free_at = 0.0
        self._coming: list[tuple[float, int]] = []

    def _advance(self) -> None:
        for action in self.player.advance(self.now):
            self.log.append((self.now, action))
            if isinstance(action, Ask):
                while self.clock.start(self._rendered) < action.until:
                    self._free_at = max(self.now, self._free_at) + self.turnaround(self._rendered)
                    heapq.heappush(self._coming, (self._free_at, self._rendered))
                    self._rendered += 1

    def _deliver(self, number: int) -> None:
        turn, generation = self.turns.get(number, ("", 0))
        audio = np.full(self.clock.length(number), 1000 if turn else 0, "<i2").tobytes()
        speech = bool(turn) and number not in self.pauses
        frame = Frame(self.clock.start(number), audio, PICTURE, turn, generation, speech)
        assert self.player.arrived(frame, self.now)

    def run(self, seconds: float, stall: tuple[float, float] | None = None) -> None:
        """stall: (from, to) in which the player does not get to run."""
        until = self.now + seconds
        while True:
            self._advance()
            wake = self.player.next_wake()
            due = [t for t in (wake, self._coming[0][0] if self._coming else None) if t is not None]
            if not due or min(due) > until:
                self.now = until
                return
            self.now = max(self.now, min(due))
            if stall is not None and stall[0] <= self.now < stall[1]:
                self.now = stall[1]
            while self._coming and self._coming[0][0] <= self.now:
                self._deliver(heapq.heappop(self._coming)[1])

    def of(self, kind: type[Action]) -> list[tuple[float, Action]]:
        return [(t, a) for t, a in self.log if isinstance(a, kind)]

    def positions(self, kind: type[Show] | type[Sound]) -> list[int]:
        return [a.position for _, a in self.log if isinstance(a, kind)]


def started(**kwargs: object) -> Simulation:
    simulation = Simulation(**kwargs)  # type: ignore[arg-type]
    simulation.run(0.2)
    simulation.player.start(simulation.now)
    return simulation


def test_two_frames_are_asked_for_and_nothing_sent_before_the_connection() -> None:
    simulation = Simulation()
    simulation.run(5.0)
    assert [a for _, a in simulation.log] == [Ask(1920)]


def test_every_picture_and_packet_goes_out_on_time() -> None:
    simulation = started()
    begin = simulation.now
    simulation.run(10.0)
    assert simulation.positions(Show) == [960 * k for k in range(251)]
    assert simulation.positions(Sound) == [480 * k for k in range(501)]
    assert all(t == pytest.approx(begin + a.position / 24000, abs=1e-6) for t, a in simulation.of(Show))  # type: ignore[union-attr]
    assert all(t == pytest.approx(begin + a.position / 24000, abs=1e-6) for t, a in simulation.of(Sound))  # type: ignore[union-attr]
    assert simulation.player.frames_held == 0


@pytest.mark.parametrize("fps", [24, 30])
def test_other_frame_rates_lose_no_audio(fps: int) -> None:
    simulation = started(fps=fps)
    simulation.run(10.0)
    sounds = simulation.positions(Sound)
    assert sounds == [480 * k for k in range(len(sounds))]
    assert len(sounds) == pytest.approx(500, abs=3)
    assert simulation.player.frames_held == 0


def test_a_quick_source_is_asked_late_and_a_slow_one_early() -> None:
    quick, slow = started(), started(turnaround=lambda n: 0.035)
    for simulation in (quick, slow):
        simulation.run(120.0)
    assert quick.player.lead_s < 0.025
    assert 0.04 < slow.player.lead_s < 0.06
    assert slow.player.frames_held == 0


def test_a_late_frame_moves_picture_and_sound_together_and_media_time_stays_the_frames() -> None:
    simulation = started(turnaround=lambda n: 0.2 if n == 50 else 0.005)
    simulation.run(10.0)
    holds = len(simulation.of(Hold))
    assert holds >= 1
    assert simulation.player.frames_held == holds
    shown, heard = simulation.positions(Show), simulation.positions(Sound)
    assert shown[:50] == [960 * k for k in range(50)]
    assert shown[50] == 960 * (50 + holds)
    assert heard == [480 * k for k in range(len(heard))]
    assert [a for _, a in simulation.of(Moved)] == [Moved(0), Moved(960 * holds)]


def test_a_missing_frame_makes_the_lead_grow() -> None:
    simulation = started(turnaround=lambda n: 1e9 if n >= 500 else 0.005)
    simulation.run(19.0)
    steady = simulation.player.lead_s
    simulation.run(2.0)
    assert simulation.player.frames_held > 0
    assert simulation.player.lead_s > steady + 0.02


def test_timestamps_only_grow_whatever_the_source_does() -> None:
    rng = np.random.default_rng(1)
    delays = rng.exponential(0.03, 5000)
    simulation = started(turnaround=lambda n: float(delays[n]))
    simulation.run(30.0)
    for kind in (Show, Sound):
        assert (np.diff(simulation.positions(kind)) > 0).all()


def test_a_stalled_loop_catches_up_with_two_frames_at_most() -> None:
    simulation = started()
    simulation.run(5.0, stall=(1.0, 1.5))
    times = [t for t, _ in simulation.of(Show)]
    assert max(times.count(t) for t in times) <= 2
    assert (np.diff(simulation.positions(Show)) > 0).all()
    offsets = {a.position - t * 24000 for t, a in simulation.of(Show) if t > 2.0}  # type: ignore[union-attr]
    assert max(offsets) - min(offsets) < 1


def test_never_more_than_a_few_frames_are_asked_for() -> None:
    simulation = started(turnaround=lambda n: 3.0 if n == 20 else 0.005)
    simulation.run(6.0)
    asked = [a.until for _, a in simulation.of(Ask)]  # type: ignore[union-attr]
    assert asked == sorted(asked)
    assert max(asked) - simulation.player.media_position <= 8 * 960


def test_a_dead_source_is_held_for_ever_and_asked_again_from_where_it_stopped() -> None:
    simulation = started(turnaround=lambda n: 1e9 if n >= 10 else 0.005)
    simulation.run(3.0)
    assert simulation.player.next_start == 9600
    simulation.player.forget_asked()
    simulation.log.clear()
    simulation.run(0.1)
    (_, ask), *_ = simulation.of(Ask)
    assert isinstance(ask, Ask)
    assert 9600 < ask.until <= 9600 + 6 * 960


def test_turns_start_and_stop_with_their_speech() -> None:
    simulation = started()
    simulation.turns = dict.fromkeys(range(10, 20), ("a", 0)) | dict.fromkeys(range(20, 25), ("b", 0))
    simulation.run(3.0)
    assert [a for _, a in simulation.log if isinstance(a, Started | Stopped)] == [
        Started("a", 9600),
        Stopped("a", 19200),
        Started("b", 19200),
        Stopped("b", 24000),
    ]


def test_a_pause_within_a_turn_does_not_stop_it() -> None:
    simulation = started()
    simulation.turns = dict.fromkeys(range(10, 20), ("a", 0))
    simulation.pauses = {14, 15}
    simulation.run(3.0)
    assert [a for _, a in simulation.log if isinstance(a, Started | Stopped)] == [
        Started("a", 9600),
        Stopped("a", 19200),
    ]


def test_cut_is_heard_in_the_next_packet_and_the_turn_does_not_stop_by_itself() -> None:
    simulation = started()
    simulation.turns = dict.fromkeys(range(5, 100), ("a", 0))
    simulation.run(1.0)
    cut_at = simulation.now
    at = simulation.player.cut(1)
    simulation.run(1.0)
    assert at == simulation.positions(Sound)[len([1 for t, _ in simulation.of(Sound) if t <= cut_at])]
    later = [np.frombuffer(a.pcm, "<i2") for t, a in simulation.log if isinstance(a, Sound) and t > cut_at]
    assert not later[0][120:].any()
    assert not any(packet.any() for packet in later[1:])
    assert not simulation.of(Stopped)
    assert len(simulation.of(Show)) >= 49


def test_speech_of_the_new_generation_starts_a_turn_after_the_cut() -> None:
    simulation = started()
    simulation.turns = dict.fromkeys(range(5, 30), ("a", 0)) | dict.fromkeys(range(40, 50), ("b", 1))
    simulation.run(0.8)
    simulation.player.cut(1)
    simulation.run(2.0)
    assert [a.turn_id for _, a in simulation.of(Started)] == ["a", "b"]  # type: ignore[union-attr]
    assert simulation.of(Stopped)[-1][1] == Stopped("b", 48000)
