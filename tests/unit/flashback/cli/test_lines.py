from __future__ import annotations

import asyncio
import os
import threading
from contextlib import aclosing
from pathlib import Path

import pytest

from flashback.cli import lines
from flashback.evaluation.questions import LONGEST_LINE


def file_of(folder: Path, content: bytes) -> int:
    file = folder / "lines"
    file.write_bytes(content)
    return lines.opened(file)


def offset(descriptor: int) -> int:
    return os.lseek(descriptor, 0, os.SEEK_CUR)


def reading() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "lines"]


@pytest.mark.parametrize("piece", [1, 3, 65536])
async def test_lines_are_the_same_however_they_are_read(
    piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "PIECE", piece)
    content = b"one\n\nthree\r\n" + b"four" * 9
    found = [line async for line in lines.numbered(file_of(tmp_path, content))]
    assert found == list(enumerate(content.split(b"\n"), 1))


async def test_of_a_line_without_an_end_the_beginning_comes(tmp_path: Path) -> None:
    content = b"one\n" + b"a" * (3 * LONGEST_LINE) + b"\n" + b"b" * LONGEST_LINE + b"\nfour"
    found = [len(line) async for _, line in lines.numbered(file_of(tmp_path, content))]
    assert found == [3, LONGEST_LINE + 1, LONGEST_LINE, 4]


async def test_no_more_is_read_ahead_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "PIECE", 10)
    descriptor = file_of(tmp_path, b"123456789\n" * 5000)
    async with aclosing(lines.numbered(descriptor)) as numbered:
        async for number, _ in numbered:
            if number == 3:
                await asyncio.sleep(0.3)
            if number < 4900:
                assert offset(descriptor) <= 10 * (number + lines.MOST_WAITING + 1)
    assert number == 5000


async def test_a_reader_that_nobody_listens_to_ends(tmp_path: Path) -> None:
    before = reading()
    async with aclosing(lines.numbered(file_of(tmp_path, b"a line\n" * 5000))) as numbered:
        assert await anext(numbered) == (1, b"a line")
        (thread,) = [thread for thread in reading() if thread not in before]
    thread.join(20)
    assert not thread.is_alive()
