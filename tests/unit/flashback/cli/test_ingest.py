"""`flashback ingest`, as a user runs it, against a small running stack."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flashback.cli import ingest_report
from flashback.cli.ingest import Wanted, run
from flashback.errors import FlashbackError, InvalidInput, NotFound, Unavailable
from flashback.settings import HouseSettings
from flashback.v1 import rag_llm_pb2, rag_llm_pb2_grpc
from tests.unit.flashback.cli.conftest import Serve

Output = pytest.CaptureFixture[str]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "wasps.md").write_text("# Wasps\n\nA paper wasp builds its nest from chewed wood.\n")
    (folder / "broken.txt").write_bytes(b"abc\0def")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    return folder


async def ingest(*add: Path, **wanted: Any) -> int:
    return await run(Wanted("bea", add, **wanted))


async def ingest_json(out: Output, *add: Path, **wanted: Any) -> dict[str, Any]:
    out.readouterr()
    assert await ingest(*add, as_json=True, **wanted) == 0
    (line,) = out.readouterr().out.splitlines()
    table: dict[str, Any] = json.loads(line)
    return table


async def test_what_is_new_changed_gone_and_skipped_is_told(
    answering_stack: HouseSettings, notes: Path, capsys: Output
) -> None:
    assert await ingest(notes) == 0
    out = capsys.readouterr().out
    assert "new           2  bees.md, wasps.md" in out
    assert "broken.txt: " in out
    assert "1 .png file is not read" in out
    assert "bea answers from 2 documents" in out
    (notes / "wasps.md").write_text("# Wasps\n\nA wasp has a narrow waist.\n")
    (notes / "ants.md").write_text("# Ants\n\nAn ant carries many times its weight.\n")
    assert await ingest() == 0
    out = capsys.readouterr().out
    assert "new           1  ants.md" in out
    assert "changed       1  wasps.md" in out
    assert "unchanged     1" in out
    (notes / "ants.md").unlink()
    assert await ingest() == 0
    assert "removed       1  ants.md" in capsys.readouterr().out


async def test_json_is_one_object_on_standard_output(
    answering_stack: HouseSettings, notes: Path, capsys: Output
) -> None:
    told = await ingest_json(capsys, notes)
    assert (told["persona"], told["documents"], told["new"]) == ("bea", 2, ["bees.md", "wasps.md"])
    assert [entry["document"] for entry in told["skipped"]] == ["broken.txt", ""]
    assert told["skipped_total"] == 2
    assert told["documents_per_s"] > 0
    assert told["chunks_per_s"] > 0
    again = await ingest_json(capsys)
    assert (again["new"], again["unchanged"], again["documents_per_s"]) == ([], 2, 0)
    assert again["version"] == told["version"]


async def test_relative_paths_are_those_of_the_user(
    answering_stack: HouseSettings, notes: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(notes.parent)
    assert (await ingest_json(capsys, Path("notes/wasps.md")))["documents"] == 2


async def test_paths_are_listed_and_forgotten(answering_stack: HouseSettings, notes: Path, capsys: Output) -> None:
    await ingest(notes)
    capsys.readouterr()
    assert await ingest(show=True) == 0
    own, extra = capsys.readouterr().out.splitlines()
    assert own.endswith("bea/corpus (its own corpus)")
    assert extra.split() == ["1", str(notes)]
    assert (await ingest_json(capsys, show=True))["paths"][1] == {
        "path": str(notes),
        "documents": 1,
        "missing": False,
        "own": False,
    }
    told = await ingest_json(capsys, forget=[notes])
    assert (told["removed"], told["documents"]) == (["wasps.md"], 1)
    with pytest.raises(InvalidInput, match="not among"):
        await ingest(forget=[notes])


async def test_a_path_that_has_vanished_is_told_and_comes_back(
    answering_stack: HouseSettings, notes: Path, capsys: Output
) -> None:
    await ingest(notes)
    away = shutil.move(notes, notes.with_name("away"))
    capsys.readouterr()
    await ingest()
    out = capsys.readouterr().out
    assert f"not there now: {notes}" in out
    assert "removed       1  wasps.md" in out
    await ingest(show=True)
    assert f"{notes} (not there now)" in capsys.readouterr().out
    shutil.move(away, notes)
    assert (await ingest_json(capsys))["documents"] == 2


@pytest.mark.parametrize(
    ("persona", "wanted", "error", "says"),
    [
        ("bea", {"add": [Path("no-such-file")]}, InvalidInput, "no-such-file"),
        ("nobody", {}, NotFound, "nobody"),
        ("bea", {"show": True, "watch": True}, InvalidInput, "--list only shows"),
        ("bea", {"forget": [Path("/etc")]}, InvalidInput, "not among"),
    ],
)
async def test_what_makes_no_sense_is_said(
    answering_stack: HouseSettings, persona: str, wanted: dict[str, Any], error: type[FlashbackError], says: str
) -> None:
    with pytest.raises(error, match=says):
        await run(Wanted(persona, **wanted))


class Scripted(rag_llm_pb2_grpc.RagLlmServicer):
    """Ingests by telling of it; fails where a step is an error."""

    def __init__(self, *steps: rag_llm_pb2.IngestProgress | FlashbackError) -> None:
        self._steps = steps

    async def Ingest(
        self, request: rag_llm_pb2.IngestRequest, context: object
    ) -> AsyncIterator[rag_llm_pb2.IngestProgress]:
        for step in self._steps:
            if isinstance(step, FlashbackError):
                raise step
            yield step


async def test_many_that_were_skipped_are_cut_off(serve: Serve, capsys: Output) -> None:
    skipped = [f"{number}.md: it is broken" for number in range(332)]
    await serve(Scripted(rag_llm_pb2.IngestProgress(done=True, skipped=skipped, skipped_total=332)))
    await ingest()
    out = capsys.readouterr().out
    assert "  19.md: it is broken\n  ... and 312 more, see --json\n" in out
    assert "20.md" not in out
    assert len((await ingest_json(capsys))["skipped"]) == 332


async def test_waiting_for_another_ingest_is_said(serve: Serve, capsys: Output) -> None:
    waits = rag_llm_pb2.IngestProgress(stage=rag_llm_pb2.INGEST_STAGE_WAITING)
    await serve(Scripted(waits, waits, rag_llm_pb2.IngestProgress(done=True)))
    await ingest()
    assert capsys.readouterr().err.count("waiting for another ingest of bea") == 1


@pytest.mark.parametrize("width", [60, 200])
def test_a_terminal_shows_counts_rates_and_the_file_whatever_its_width(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    terminal = partial(Console, file=written, force_terminal=True, width=width, color_system=None)
    monkeypatch.setattr(ingest_report, "Console", lambda **options: terminal(highlight=False))
    step = rag_llm_pb2.IngestProgress(
        stage=rag_llm_pb2.INGEST_STAGE_ENCODING, documents=312, documents_total=10_000, chunks=3120, skipped_total=4
    )
    step.current = "a-report-with-a-rather-long-name-that-goes-on-and-on-and-on.pdf"
    with ingest_report.progress("bea") as show:
        show(step)
    text = written.getvalue()
    for wanted in ("encoding", "312/10000", "3120 chunks, 4 skipped", "documents/s", "chunks/s", "a-report-with-a"):
        assert wanted in text


async def test_a_failure_is_the_services_own_sentence(serve: Serve) -> None:
    await serve(Scripted(rag_llm_pb2.IngestProgress(), Unavailable("The encoder is away.")))
    with pytest.raises(Unavailable, match="The encoder is away"):
        await ingest()


async def test_a_service_that_ends_early_is_not_taken_for_success(serve: Serve) -> None:
    await serve(Scripted(rag_llm_pb2.IngestProgress(documents=1)))
    with pytest.raises(FlashbackError, match="ended the ingest early"):
        await ingest()


class Command:
    """`flashback ...` in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, *arguments: str) -> Command:
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-m", "flashback", *arguments]
        return cls(await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=dict(os.environ)))

    async def line(self, wanted: str, error: bool = False) -> str:
        """The next line of standard output (or of standard error) that holds `wanted`."""
        stream = self.process.stderr if error else self.process.stdout
        assert stream is not None
        async with asyncio.timeout(60):
            while line := (await stream.readline()).decode():
                if wanted in line:
                    return line
        raise AssertionError(f"it never said {wanted!r}")

    async def interrupt(self) -> tuple[int, str]:
        """Ctrl-C; returns the exit status and what was still written to standard error."""
        self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            _, error = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, error.decode()


async def test_a_watch_ingests_again_when_something_changes_and_ends_with_ctrl_c(
    answering_stack: HouseSettings, notes: Path
) -> None:
    watching = await Command.start("ingest", str(notes), "--persona", "bea", "--watch")
    await watching.line("bea answers from 2 documents")
    await watching.line("watching 2 paths", error=True)
    (notes / "ants.md").write_text("# Ants\n\nAn ant carries many times its weight.\n")
    assert "1 new (ants.md)" in await watching.line("answers from 3 documents")
    (notes / ".ants.md.swp").write_text("an editor's own file")
    shutil.copy(notes / "ants.md", notes / "beetles.md")
    (notes / "beetles.md").replace(notes / "ants.md")
    (notes / "wasps.md").unlink()
    assert "removed (wasps.md)" in await watching.line("answers from 2 documents")
    assert await watching.interrupt() == (0, "")


async def test_a_watch_names_only_what_is_newly_skipped(answering_stack: HouseSettings, notes: Path) -> None:
    watching = await Command.start("ingest", str(notes), "--persona", "bea", "--watch")
    await watching.line("watching 2 paths", error=True)
    (notes / "ants.md").write_text("# Ants\n\nAn ant carries many times its weight.\n")
    assert ", 2 skipped; " in await watching.line("answers from 3 documents")
    (notes / "torn.txt").write_bytes(b"abc\0def")
    told = await watching.line("3 skipped")
    assert "(newly torn.txt: " in told
    assert "broken.txt" not in told
    (notes / "ants.md").unlink()
    assert ", 3 skipped; " in await watching.line("answers from 2 documents")
    assert await watching.interrupt() == (0, "")


async def test_a_watch_goes_on_when_the_service_is_away_for_a_while(
    answering_stack: HouseSettings, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = await Command.start("ingest", str(notes), "--persona", "bea", "--watch")
    await watching.line("watching 2 paths", error=True)
    sources = answering_stack.data_dir / "personas" / "bea" / "index" / "sources.json"
    good = sources.read_text()
    sources.write_text("{")
    (notes / "ants.md").write_text("# Ants\n\nAn ant carries many times its weight.\n")
    assert "is damaged" in await watching.line("sources.json", error=True)
    sources.write_text(good)
    (notes / "more.md").write_text("# More\n\nA beetle has hard wings.\n")
    await watching.line("answers from 4 documents")
    assert (await watching.interrupt())[0] == 0


@pytest.mark.parametrize("options", [[], ["--watch"]])
async def test_ctrl_c_breaks_an_ingest_off_and_says_what_becomes_of_it(
    options: list[str], serve: Serve, house: HouseSettings
) -> None:
    class Endless(rag_llm_pb2_grpc.RagLlmServicer):
        async def Ingest(
            self, request: rag_llm_pb2.IngestRequest, context: object
        ) -> AsyncIterator[rag_llm_pb2.IngestProgress]:
            yield rag_llm_pb2.IngestProgress(stage=rag_llm_pb2.INGEST_STAGE_WAITING)
            await asyncio.sleep(60)

    await serve(Endless())
    ingesting = await Command.start("ingest", "--persona", "bea", *options)
    await ingesting.line("waiting", error=True)
    status, error = await ingesting.interrupt()
    assert (status, error) == (130, "interrupted; the running stack goes on\n")
