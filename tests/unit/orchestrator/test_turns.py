from __future__ import annotations

from services.orchestrator.turns import CancelReason, Interruption, State, TurnMachine


def speaking(turn_id: str = "a") -> TurnMachine:
    machine = TurnMachine()
    assert machine.begin(turn_id) is None
    assert machine.playback_started(turn_id)
    return machine


def test_a_turn_thinks_speaks_and_rests() -> None:
    machine = TurnMachine()
    assert machine.state is State.IDLE
    machine.begin("a")
    assert machine.state is State.THINKING
    machine.playback_started("a")
    assert machine.state is State.SPEAKING
    assert machine.finished("a")
    assert machine.state is State.IDLE
    assert machine.generation == 0


def test_voice_interrupts_speech_once() -> None:
    machine = speaking()
    assert machine.user_started() == Interruption("a", 1, CancelReason.TURN_DETECTED)
    assert machine.state is State.LISTENING
    assert machine.user_started() is None
    assert machine.generation == 1


def test_voice_interrupts_thinking_too() -> None:
    machine = TurnMachine()
    machine.begin("a")
    assert machine.user_started() is not None
    assert not machine.playback_started("a")
    assert machine.state is State.LISTENING


def test_a_new_question_interrupts_and_takes_over() -> None:
    machine = speaking()
    cut = machine.begin("b")
    assert cut is not None
    assert cut.turn_id == "a"
    assert machine.turn_id == "b"
    assert machine.state is State.THINKING


def test_stale_playback_reports_change_nothing() -> None:
    machine = speaking()
    machine.begin("b")
    assert not machine.playback_started("a")
    assert not machine.finished("a")
    assert machine.state is State.THINKING


def test_a_voice_without_words_returns_to_rest() -> None:
    machine = TurnMachine()
    machine.user_started()
    machine.user_stopped()
    assert machine.state is State.THINKING
    machine.nothing_heard()
    assert machine.state is State.IDLE


def test_cancel_without_a_turn_is_nothing() -> None:
    machine = TurnMachine()
    assert machine.cancel(CancelReason.CLIENT_CANCELLED) is None
    assert machine.generation == 0
