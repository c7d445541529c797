"""Checkpoints and their licences, as the table and the command tell them."""

import json

import pytest

from flashback import weights
from flashback.cli.weights import run
from flashback.errors import Broken, NotLicensed


def test_weights_for_research_are_refused_by_name_where_only_commercial_licences_will_do():
    weights.require_licence("EmoTalk", commercial_only=False)
    with pytest.raises(NotLicensed, match=r"EmoTalk are under CC-BY-NC-4\.0"):
        weights.require_licence("EmoTalk", commercial_only=True)


def test_weights_that_may_be_sold_are_not_refused():
    weights.require_licence("all-MiniLM-L6-v2", commercial_only=True)


def test_weights_that_nobody_listed_are_never_allowed():
    with pytest.raises(Broken, match="does not name"):
        weights.require_licence("unheard-of", commercial_only=False)


def test_the_command_lists_all(capsys: pytest.CaptureFixture[str]):
    run(commercial_only=False, as_json=True)
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"EmoTalk", "all-MiniLM-L6-v2"} <= {entry["name"] for entry in listed}
    assert next(entry for entry in listed if entry["name"] == "EmoTalk")["default"] is False


def test_the_command_refuses_the_others_by_name(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(NotLicensed, match="EmoTalk"):
        run(commercial_only=True, as_json=True)
    assert "EmoTalk" not in capsys.readouterr().out


def test_a_damaged_table_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path):
    (tmp_path / "weights.toml").write_text("[[weights]]\nname = ")
    monkeypatch.setattr(weights, "TABLE", tmp_path / "weights.toml")
    with pytest.raises(Broken, match=r"weights\.toml"):
        weights.known()
