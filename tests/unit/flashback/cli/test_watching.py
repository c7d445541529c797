from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from flashback.cli import watching
from flashback.cli.watching import Watch
from flashback.errors import Unavailable


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "QUIET_MS", 50)


async def changed(watch: Watch) -> bool:
    async with asyncio.timeout(20):
        return await watch.changed()


async def test_changes_below_a_folder_are_told(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    async with Watch([tmp_path]) as watch:
        (tmp_path / "a.md").write_text("A")
        assert await changed(watch)
        (tmp_path / "deep" / "b.md").write_text("B")
        assert await changed(watch)
        (tmp_path / "new").mkdir()
        assert await changed(watch)
        (tmp_path / "new" / "c.md").write_text("C")
        assert await changed(watch)
        (tmp_path / "a.md").unlink()
        assert await changed(watch)


async def test_what_changes_while_nobody_waits_is_told_afterwards_and_once(tmp_path: Path) -> None:
    async with Watch([tmp_path]) as watch:
        for number in range(20):
            (tmp_path / f"{number}.md").write_text("A")
        await asyncio.sleep(0.5)
        assert await changed(watch)
        assert not await watch.changed(0.5)


async def test_what_is_hidden_does_not_count(tmp_path: Path) -> None:
    folder = tmp_path / ".hidden"
    folder.mkdir()
    async with Watch([folder]) as watch:
        (folder / ".a.md.swp").write_text("A")
        (folder / ".git").mkdir()
        (folder / ".git" / "index").write_text("A")
        assert not await watch.changed(0.5)
        (folder / "a.md").write_text("A")
        assert await changed(watch)


async def test_a_hidden_folder_that_is_asked_for_counts_below_one_that_is_too(tmp_path: Path) -> None:
    folder = tmp_path / ".hidden" / "notes"
    folder.mkdir(parents=True)
    async with Watch([tmp_path, folder]) as watch:
        (tmp_path / ".hidden" / "other.md").write_text("not asked for")
        assert not await watch.changed(0.5)
        (folder / "a.md").write_text("A")
        assert await changed(watch)


async def test_a_file_that_is_replaced_again_and_again_is_watched(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("A")
    async with Watch([file]) as watch:
        for number in range(3):
            (tmp_path / "a.md.new").write_text(f"A {number}")
            (tmp_path / "a.md.new").replace(file)
            assert await changed(watch)
        (tmp_path / "other.md").write_text("not asked for")
        assert not await watch.changed(0.5)


async def test_a_folder_that_goes_and_comes_back_is_watched(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    async with Watch([folder]) as watch:
        shutil.rmtree(folder)
        assert await changed(watch)
        while await watch.changed(0.3):
            continue
        folder.mkdir()
        assert await changed(watch)
        while await watch.changed(0.3):
            continue
        (folder / "a.md").write_text("A")
        assert await changed(watch)


async def test_a_loop_of_links_is_no_trap(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    async with Watch([tmp_path]) as watch:
        (tmp_path / "a.md").write_text("A")
        assert await changed(watch)


async def test_a_system_without_watches_left_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*arguments: object, **options: object) -> None:
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr(watching, "awatch", none_left)
    async with Watch([tmp_path]) as watch:
        with pytest.raises(Unavailable, match="watch limit reached.*max_user_watches"):
            await watch.changed(5)
