"""What a recording that is turned away is told."""

from __future__ import annotations

import pytest

from services.emotalk.queue import admission


@pytest.mark.parametrize(
    ("mean_s", "workers", "hint_s"),
    [
        (None, 2, admission.UNMEASURED_S),
        (8.0, 2, 4),
        (9.0, 4, 3),
        (0.01, 2, 1),
        (8.0, 0, 8),
        (1e6, 1, admission.LONGEST_HINT_S),
    ],
)
def test_the_hint_is_when_a_worker_is_likely_to_be_free(mean_s: float | None, workers: int, hint_s: int) -> None:
    assert admission.retry_after_s(mean_s, workers) == hint_s


def test_the_refusal_begins_as_clients_expect_and_names_position_and_hint() -> None:
    refusal = admission.full(102, 8.0, 2)
    assert refusal.message == ("Server is busy, queue is full: 102 recordings are ahead of yours. Try again in 4 s.")
    assert refusal.retry_after_s == 4


def test_the_mean_follows_the_load() -> None:
    mean = admission.mean_with(None, 10.0)
    assert mean == 10.0
    for _ in range(30):
        mean = admission.mean_with(mean, 2.0)
    assert 2.0 < mean < 2.1
