"""`flashback blendshapes` against a running stack that is nothing but an EmoTalk service."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flashback.cli import blendshapes
from flashback.cli.blendshapes import Wanted, run
from flashback.cli.commands import app
from flashback.errors import FlashbackError, Full, InvalidInput, NotFound, Unavailable
from flashback.settings import HouseSettings
from flashback.stack import runfile
from tests.fakes.emotalk import FakeEmoTalk, serving_emotalk, weights


@pytest.fixture
async def emotalk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeEmoTalk]:
    """The running stack's."""
    monkeypatch.setenv("FLASHBACK_DATA_DIR", str(tmp_path / "var"))
    async with serving_emotalk(tmp_path) as fake:
        stack = runfile.RunningStack(os.getpid(), "http://127.0.0.1:1", {"emotalk": fake.address})
        runfile.write(HouseSettings().run_file, stack)
        yield fake


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    audio = tmp_path / "voice.wav"
    audio.write_bytes(b"RIFF")
    return Wanted(audio, tmp_path / "out.json", None, 1, 0, True, "arkit-52-alphabetical", "iris", None)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch, emotalk: FakeEmoTalk) -> list[str]:
    """Instead of processes: the fake, and the engine each would have been started with."""
    begun: list[str] = []

    @asynccontextmanager
    async def started(services: list[str]) -> AsyncIterator[dict[str, str]]:
        assert services == ["emotalk"]
        begun.append(os.environ.get("FLASHBACK_EMOTALK_ENGINE", ""))
        yield {"emotalk": emotalk.address}

    monkeypatch.setattr(blendshapes, "started", started)
    monkeypatch.setenv("FLASHBACK_EMOTALK_ENGINE", "")
    return begun


async def test_json(emotalk: FakeEmoTalk, wanted: Wanted, capsys: pytest.CaptureFixture[str]) -> None:
    emotalk.answer(3, 2)
    await run(replace(wanted, emotion_level=0, person_id=7, post_processing=False))
    assert capsys.readouterr().out == f"{wanted.output}\n"
    read = json.loads(wanted.output.read_text())
    assert [f["frame_number"] for f in read["frames"]] == list(range(5))
    assert read["frames"][4]["blendshapes"] == pytest.approx(weights(4), abs=1e-6)
    (request,) = emotalk.requests
    assert (request.audio_data, request.emotion_level, request.person_id) == (b"RIFF", 0, 7)
    assert request.post_processing is False


async def test_csv_in_the_other_layout(emotalk: FakeEmoTalk, wanted: Wanted, tmp_path: Path) -> None:
    emotalk.answer(2)
    await run(replace(wanted, output=tmp_path / "out.CSV", layout="arkit-52"))
    with (tmp_path / "out.CSV").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][:3] == ["timecode", "eyeBlinkLeft", "eyeLookDownLeft"]
    assert float(rows[2][rows[0].index("browDownLeft")]) == pytest.approx(weights(1)[0], abs=1e-6)


async def test_a_head(emotalk: FakeEmoTalk, wanted: Wanted, tmp_path: Path) -> None:
    emotalk.answer(4)
    await run(replace(wanted, output=tmp_path / "out.glb", persona_id="amon"))
    assert (tmp_path / "out.glb").read_bytes()[:4] == b"glTF"


async def test_a_refusal_leaves_no_file(emotalk: FakeEmoTalk, wanted: Wanted, tmp_path: Path) -> None:
    emotalk.answer(2, InvalidInput("The recording breaks off."))
    with pytest.raises(InvalidInput, match="breaks off"):
        await run(wanted)
    emotalk.answer(Full("Server is busy, queue is full.", 3))
    with pytest.raises(Full):
        await run(wanted)
    assert [name for name in os.listdir(tmp_path) if "out" in name] == []


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"output": Path("out.txt")}, InvalidInput, r"\.json, \.csv or \.glb"),
        ({"output": Path("nowhere/out.json")}, InvalidInput, "does not exist"),
        ({"audio": Path("gone.wav")}, InvalidInput, r"gone\.wav"),
        ({"engine": "nonsense"}, InvalidInput, "Installed: .*viseme"),
        ({"output": Path("out.glb"), "persona_id": "nobody"}, NotFound, "nobody"),
        ({"server": "unix:/nonexistent/emotalk.sock"}, Unavailable, r"answering\. \(unix:/nonexistent"),
    ],
)
async def test_what_cannot_be_done_is_said_first(
    emotalk: FakeEmoTalk,
    wanted: Wanted,
    changes: dict[str, object],
    error: type[FlashbackError],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=says):
        await run(replace(wanted, **changes))  # type: ignore[arg-type]
    assert emotalk.requests == []


async def test_the_running_stacks_engine_is_used_when_it_is_the_one(
    emotalk: FakeEmoTalk, wanted: Wanted, children: list[str]
) -> None:
    await run(wanted)
    await run(replace(wanted, engine="viseme"))
    assert children == []
    await run(replace(wanted, engine="emotalk"))
    assert children == ["emotalk"]


async def test_a_child_is_started_where_nothing_runs(emotalk: FakeEmoTalk, wanted: Wanted, children: list[str]) -> None:
    HouseSettings().run_file.unlink()
    await run(wanted)
    await run(replace(wanted, engine="viseme"))
    assert children == ["", "viseme"]
    runfile.write(HouseSettings().run_file, runfile.RunningStack(os.getpid(), "http://127.0.0.1:1", {"tts": "x"}))
    await run(wanted)
    assert len(children) == 3


async def test_a_named_server_with_another_engine_is_refused(
    emotalk: FakeEmoTalk, wanted: Wanted, children: list[str]
) -> None:
    HouseSettings().run_file.unlink()
    await run(replace(wanted, server=emotalk.address, engine="viseme"))
    with pytest.raises(InvalidInput, match="runs the engine 'viseme'"):
        await run(replace(wanted, server=emotalk.address, engine="emotalk"))
    assert children == []


@pytest.mark.parametrize("options", [["--person", "24"], ["--emotion-level", "7"], ["--layout", "mine"], []])
def test_options_out_of_range(options: list[str], tmp_path: Path) -> None:
    output = ["-o", str(tmp_path / "a.json")] if options else []
    assert CliRunner().invoke(app, ["blendshapes", "voice.wav", *output, *options]).exit_code == 2
