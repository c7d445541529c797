"""`flashback ask`, against a small running stack."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from flashback.cli import answering, ask
from flashback.errors import InvalidInput, NotFound, Unavailable
from flashback.settings import HouseSettings
from tests.unit.flashback.cli.conftest import Serve
from tests.unit.flashback.cli.scripted import Scripted

KEYS = ["question", "answer", "refused", "citations", "ms"]
READING = Unavailable("I am still reading my documents (1 of 3); ask me again in a few seconds.")
FURTHER = Unavailable("I am still reading my documents (2 of 3); ask me again in a few seconds.")


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "RETRY_S", 0.0)


def file_of(folder: Path, *lines: str | dict[str, Any]) -> Path:
    file = folder / "QA.jsonl"
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    file.write_text(text, encoding="utf-8")
    return file


async def ask_one(question: str, persona: str | None = None) -> None:
    await ask.run(question, None, persona, (), True)


async def ask_all(file: Path, as_json: bool = True) -> None:
    await ask.run(None, file, None, (), as_json)


def tables(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


async def test_each_line_is_answered_in_its_order(
    answering_stack: HouseSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = ["How many bees live in a hive?", "What is the capital of Mongolia?", "Hello!"]
    await ask_all(file_of(tmp_path, *({"q": q, "gold": None} for q in questions)))
    bees, mongolia, hello = tables(capsys.readouterr().out)
    assert [list(table) for table in (bees, mongolia, hello)] == [KEYS] * 3
    assert [table["question"] for table in (bees, mongolia, hello)] == questions
    assert "50,000 bees" in bees["answer"]
    assert [list(c) for c in bees["citations"]] == [["document", "place", "text"]] * len(bees["citations"])
    assert (bees["citations"][0]["document"], bees["citations"][0]["place"]) == ("bees.md", "Bees, The hive, line 5")
    assert "50,000" in bees["citations"][0]["text"]
    assert [table["refused"] for table in (bees, mongolia, hello)] == [False, True, False]
    assert mongolia["citations"] == []
    assert all(table["ms"] > 0 for table in (bees, mongolia, hello))


async def test_one_question_gives_the_same_object(
    answering_stack: HouseSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    await ask_one("How many bees live in a hive?", "bea")
    (table,) = tables(capsys.readouterr().out)
    assert list(table) == KEYS
    assert "50,000 bees" in table["answer"]


async def test_every_line_is_a_conversation_of_its_own_unless_it_brings_a_history(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Scripted()
    await serve(service)
    history = [{"question": "Who was Karl?", "answer": "A biologist."}]
    await ask_all(file_of(tmp_path, {"q": "One?"}, {"q": "And then?", "history": history}, {"q": "Three?"}))
    assert [[(e.question, e.answer) for e in r.history] for r in service.asked] == [
        [],
        [("Who was Karl?", "A biologist.")],
        [],
    ]
    assert len(tables(capsys.readouterr().out)) == 3


async def test_lines_that_cannot_be_answered_are_named_and_the_rest_is(
    answering_stack: HouseSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = file_of(tmp_path, "no JSON", {"q": ""}, "", {"q": "a" * 4001}, {"q": "What is honey?"}, {"question": "x"})
    with pytest.raises(InvalidInput, match="lines 1, 2, 4, 6"):
        await ask_all(file)
    out, err = capsys.readouterr()
    empty, long, honey = tables(out)
    assert "line 1: " in err
    assert "line 6: " in err
    assert list(empty) == list(long) == [*KEYS, "error"]
    assert "empty" in empty["error"]
    assert "4000" in long["error"]
    assert "Honey" in honey["answer"]
    assert list(honey) == KEYS


async def test_a_line_without_an_end_is_named_and_the_rest_is_answered(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await serve(Scripted())
    with pytest.raises(InvalidInput, match="line 2\\."):
        await ask_all(file_of(tmp_path, {"q": "One?"}, {"q": "a" * (1 << 20)}, {"q": "Three?"}))
    out, err = capsys.readouterr()
    assert [table["answer"] for table in tables(out)] == ["One?", "Three?"]
    assert err == "flashback: line 2: it is longer than 1048576 bytes\n"


async def test_readable_answers(
    answering_stack: HouseSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidInput):
        await ask_all(file_of(tmp_path, {"q": "How many bees live in a hive?"}, {"q": "?!"}), as_json=False)
    out = capsys.readouterr().out
    assert out.startswith("How many bees live in a hive?\n")
    assert "50,000 bees" in out
    assert "[1] bees.md, Bees, The hive, line 5" in out
    assert "holds no words" in out


async def test_a_first_ingest_is_waited_for(serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    service = Scripted(retrieve=[READING, READING, FURTHER])
    await serve(service)
    await ask_all(file_of(tmp_path, {"q": "One?"}))
    out, err = capsys.readouterr()
    assert [table["answer"] for table in tables(out)] == ["One?"]
    assert [line.split("(")[1][:6] for line in err.splitlines()] == ["1 of 3", "2 of 3"]
    assert len(service.asked) == 1


async def test_a_first_ingest_that_comes_no_further_is_given_up(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "STALLED_S", 0.0)
    await serve(Scripted(retrieve=[READING] * 50))
    with pytest.raises(Unavailable, match="1 of 3"):
        await ask_all(file_of(tmp_path, {"q": "One?"}))


async def test_a_service_that_has_to_read_again_is_asked_again(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Scripted(answer=[READING])
    await serve(service)
    await ask_all(file_of(tmp_path, {"q": "One?"}, {"q": "Two?"}))
    assert [table["answer"] for table in tables(capsys.readouterr().out)] == ["One?", "Two?"]
    assert [r.question for r in service.asked] == ["One?", "One?", "Two?"]


@pytest.mark.parametrize(
    ("question", "questions", "says"),
    [("What?", Path("x"), "not both"), (None, None, "Give a question"), ("\udcff", None, "UTF-8")],
)
async def test_what_is_asked_has_to_be_clear(
    house: HouseSettings, question: str | None, questions: Path | None, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        await ask.run(question, questions, None, (), True)


async def test_files_that_hold_no_question(answering_stack: HouseSettings, tmp_path: Path) -> None:
    for file, says in ((tmp_path / "none", "cannot be read"), (tmp_path, "is a folder")):
        with pytest.raises(InvalidInput, match=says):
            await ask_all(file)
    with pytest.raises(InvalidInput, match="no question"):
        await ask_all(file_of(tmp_path, "", ""))


async def test_an_unknown_persona_is_named_before_anything_is_asked(house: HouseSettings) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await ask_one("What?", "nobody")


async def flashback(*arguments: str, cwd: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "flashback", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ,
        cwd=cwd,
    )


ROOT = Path(__file__).parents[4]


async def test_standard_input_is_answered_while_it_is_written(serve: Serve) -> None:
    await serve(Scripted())
    command = await flashback("ask", "--json", "--questions", "-", cwd=ROOT)
    assert command.stdin is not None
    assert command.stdout is not None
    for question in ("One?", "Two?"):
        command.stdin.write(json.dumps({"q": question}).encode() + b"\n")
        await command.stdin.drain()
        assert json.loads(await command.stdout.readline())["answer"] == question
    rest, err = await command.communicate(b"three")
    assert (command.returncode, rest) == (1, b"")
    assert b"line 3" in err


def persona_of(folder: Path, files: dict[str, str]) -> Sequence[Path]:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder]


async def test_a_folder_alone_is_answered_from(answering_stack: HouseSettings, tmp_path: Path) -> None:
    folder = tmp_path / "häfen"
    persona_of(folder, {"ports.md": "# Ports\n\nThe lighthouse of Akko was lit in 1864.\n"})
    command = await flashback("ask", "--json", "--questions", "-", "--corpus", str(folder), cwd=ROOT)
    asked = [{"q": "When was the lighthouse of Akko lit?"}, {"q": "How many bees live in a hive?"}]
    out, err = await command.communicate("\n".join(map(json.dumps, asked)).encode())
    assert command.returncode == 0, err.decode()
    akko, bees = tables(out.decode())
    assert "1864" in akko["answer"]
    assert akko["citations"][0]["document"] == "ports.md"
    assert bees["refused"]
    assert "1 documents" in err.decode()
    assert "häfen" in bees["answer"]


async def test_a_folder_and_a_persona_exclude_each_other(house: HouseSettings, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not both"):
        await ask.run("What?", None, "bea", [tmp_path], True)
