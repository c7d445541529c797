"""When a server that failed is asked again, on a clock of the test's own."""

from __future__ import annotations

from services.rag_llm.availability import LONGEST_S, PAUSES_S, Availability


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_one_failure_may_be_chance() -> None:
    record = Availability(Clock())
    assert record.open
    record.failed()
    assert record.open


def test_pauses_grow_and_end() -> None:
    clock = Clock()
    record = Availability(clock)
    record.failed()
    for pause in (*PAUSES_S[1:], PAUSES_S[-1]):
        record.failed()
        assert not record.open
        clock.now += pause - 0.01
        assert not record.open
        clock.now += 0.02
        assert record.open


def test_an_answer_wipes_the_record() -> None:
    record = Availability(Clock())
    assert not record.succeeded()
    record.failed()
    record.failed()
    assert record.succeeded()
    assert record.open
    record.failed()
    assert record.open


def test_a_server_is_left_alone_for_as_long_as_it_asks_but_not_for_ever() -> None:
    clock = Clock()
    record = Availability(clock)
    record.failed(retry_after_s=20)
    clock.now += 19
    assert not record.open
    clock.now += 2
    assert record.open
    record.failed(retry_after_s=1e6)
    clock.now += LONGEST_S + 1
    assert record.open
