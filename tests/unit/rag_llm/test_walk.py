from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from services.rag_llm import walk
from services.rag_llm.walk import Stopped, find


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"Text of {name}.")


def names(found: walk.Found) -> list[str]:
    return [file.source.name for file in found.files]


def test_files_come_in_the_order_of_their_names_and_hidden_ones_not_at_all(tmp_path: Path) -> None:
    write(tmp_path, "b.md", "deep/er/a.txt", ".hidden.md", ".git/c.md", "deep/.cache/d.md")
    found = find([tmp_path])
    assert names(found) == ["a.txt", "b.md"]
    assert found.skipped == found.not_read == found.missing == ()


def test_a_hidden_folder_that_was_asked_for_is_read(tmp_path: Path) -> None:
    write(tmp_path, ".notes/a.md")
    assert names(find([tmp_path / ".notes"])) == ["a.md"]


def test_kinds_that_are_not_read_are_counted_in_one_line_each(tmp_path: Path) -> None:
    write(tmp_path, "a.png", "b.png", "c.PNG", "LICENSE", "d.md")
    found = find([tmp_path])
    assert len(found.not_read) == 2
    assert any("3 .png files" in line for line in found.not_read)
    assert found.skipped == ()


def test_a_loop_of_links_is_named_and_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = find([tmp_path])
    assert names(found) == ["a.md"]
    assert found.skipped == ("loop: a link to a folder is not followed",)


def test_links_to_files_are_followed_once(tmp_path: Path) -> None:
    write(tmp_path, "real/a.md")
    (tmp_path / "real" / "same.md").symlink_to(tmp_path / "real" / "a.md")
    (tmp_path / "real" / "nowhere.md").symlink_to(tmp_path / "gone.md")
    (tmp_path / "real" / "self.md").symlink_to(tmp_path / "real" / "self.md")
    found = find([tmp_path / "real"])
    assert names(found) == ["a.md"]
    assert [line.split(":")[0] for line in found.skipped] == ["nowhere.md", "self.md"]


def test_what_is_no_file_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket.txt"))
        found = find([tmp_path])
    assert found.files == ()
    assert sorted(line.split(":")[0] for line in found.skipped) == ["pipe.md", "socket.txt"]


def test_a_file_below_two_of_the_paths_is_taken_once(tmp_path: Path) -> None:
    write(tmp_path, "sub/a.md")
    assert names(find([tmp_path, tmp_path / "sub", tmp_path / "sub" / "a.md"])) == ["a.md"]


def test_paths_that_are_gone_are_told_apart_from_what_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    found = find([tmp_path / "a.md", tmp_path / "gone", tmp_path / "a.md" / "below"])
    assert names(found) == ["a.md"]
    assert found.missing == (tmp_path / "gone", tmp_path / "a.md" / "below")
    assert found.skipped == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    write(tmp_path, "secret/a.md", "b.md")
    (tmp_path / "secret").chmod(0)
    found = find([tmp_path])
    (tmp_path / "secret").chmod(0o700)
    assert names(found) == ["b.md"]
    assert found.skipped == ("secret: Permission denied",)


def test_files_of_one_name_get_as_many_folders_as_tell_them_apart(tmp_path: Path) -> None:
    write(tmp_path, "one/x/readme.md", "two/x/readme.md", "two/y/readme.md", "other.md")
    assert names(find([tmp_path])) == ["one/x/readme.md", "other.md", "two/x/readme.md", "two/y/readme.md"]


def test_names_that_no_terminal_can_show_are_made_showable(tmp_path: Path) -> None:
    bad = os.fsencode(tmp_path) + b"/gr\xfc\xdfe\x1b[31m.md"
    with open(bad, "w") as stream:
        stream.write("Text.")
    found = find([tmp_path])
    (name,) = names(found)
    assert name.isprintable()
    name.encode("utf-8")
    assert found.files[0].source.path.read_text() == "Text."
    assert found.stamp


def test_the_stamp_changes_with_every_change_and_only_then(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "b.md")
    stamps = [find([tmp_path]).stamp, find([tmp_path]).stamp]
    os.utime(tmp_path / "a.md", (1, 1))
    stamps.append(find([tmp_path]).stamp)
    (tmp_path / "b.md").unlink()
    stamps.append(find([tmp_path]).stamp)
    write(tmp_path, "c.md")
    stamps.append(find([tmp_path]).stamp)
    stamps.append(find([tmp_path, tmp_path / "gone"]).stamp)
    assert stamps[0] == stamps[1]
    assert len(set(stamps)) == 5


def test_a_replaced_file_of_the_same_size_and_time_is_another(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    os.utime(tmp_path / "a.md", (1, 1))
    before = find([tmp_path]).files[0]
    (tmp_path / "new").write_text("Other of a.m")
    os.utime(tmp_path / "new", (1, 1))
    (tmp_path / "new").replace(tmp_path / "a.md")
    assert not walk.unchanged(before.source, before.stat)
    assert find([tmp_path]).files[0].stat != before.stat


def test_a_walk_can_be_stopped(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        find([tmp_path], stop)
