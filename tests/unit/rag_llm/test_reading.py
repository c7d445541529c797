from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.rag_llm import reading
from services.rag_llm.documents import Source
from services.rag_llm.readers.limits import DEFAULT_LIMITS, Limits, Unreadable
from services.rag_llm.reading import Reader

PAGE = "<title>Bees</title><p>Bees make honey.</p>"


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader(DEFAULT_LIMITS, seconds=30.0, memory_mb=1_000)
    yield reader
    reader.close()


def source(folder: Path, name: str, contents: str | bytes) -> tuple[Source, str]:
    data = contents.encode() if isinstance(contents, str) else contents
    (folder / name).write_bytes(data)
    return Source(folder / name, name), hashlib.sha256(data).hexdigest()


def child_of(reader: Reader) -> int:
    assert reader._child is not None
    return reader._child.process.pid


def hang(monkeypatch: pytest.MonkeyPatch, folder: Path, module: str) -> None:
    """Puts a module before the child's that it imports when it reads its first page."""
    (folder / "lxml").mkdir()
    (folder / "lxml" / "__init__.py").write_text(module)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_a_document_comes_back_whole(reader: Reader, tmp_path: Path) -> None:
    page, digest = source(tmp_path, "bees.html", PAGE)
    document = reader.read(page, digest)
    assert (document.name, document.digest) == ("bees.html", digest)
    (block,) = document.blocks
    assert (block.headings, block.unit, block.first, block.last, block.part) == (("Bees",), "line", 1, 1, "text")
    assert block.sentences == ("Bees make honey.",)


def test_one_child_reads_file_after_file_and_ends_with_close(reader: Reader, tmp_path: Path) -> None:
    pages = [source(tmp_path, f"{n}.html", f"<p>Page {n}.</p>") for n in range(3)]
    assert [reader.read(*page).blocks[0].text for page in pages] == ["Page 0.", "Page 1.", "Page 2."]
    child = child_of(reader)
    reader.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    with pytest.raises(Unreadable, match="stopped"):
        reader.read(*pages[0])
    reader.close()


def test_a_large_document_comes_back_whole(reader: Reader, tmp_path: Path) -> None:
    text = "".join(f"Line {n} of a long text with \u2028 odd signs.\n\n" for n in range(20_000))
    document = reader.read(*source(tmp_path, "long.txt", text))
    assert len(document.blocks) == 20_000
    assert document.blocks[-1].text == "Line 19999 of a long text with odd signs."


def test_small_texts_need_no_child(reader: Reader, tmp_path: Path) -> None:
    assert reader.read(*source(tmp_path, "a.md", "# A\n\nWords.")).blocks[0].headings == ("A",)
    assert reader._child is None


def test_a_file_that_changed_is_left_for_later(reader: Reader, tmp_path: Path) -> None:
    page, digest = source(tmp_path, "a.html", PAGE)
    page.path.write_text("<p>Other.</p>")
    with pytest.raises(Unreadable, match="changed"):
        reader.read(page, digest)


def test_what_a_reader_says_of_a_file_comes_back(reader: Reader, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="no sentences"):
        reader.read(*source(tmp_path, "a.html", "<p></p>"))
    with pytest.raises(Unreadable, match="PNG"):
        reader.read(*source(tmp_path, "a.pdf", b"\x89PNG\r\n\x1a\n"))
    missing, digest = source(tmp_path, "b.html", PAGE)
    missing.path.unlink()
    with pytest.raises(Unreadable, match="gone"):
        reader.read(missing, digest)
    assert reader.read(*source(tmp_path, "c.html", PAGE)).blocks


def test_a_reader_that_hangs_is_ended_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hang(monkeypatch, tmp_path, "import time\ntime.sleep(60)\n")
    reader = Reader(DEFAULT_LIMITS, seconds=2.0)
    began = time.monotonic()
    with pytest.raises(Unreadable, match="within 2 s; split it, or raise FLASHBACK_RAG_LLM_READ_TIMEOUT_S"):
        reader.read(*source(tmp_path, "a.html", PAGE))
    assert time.monotonic() - began < 30
    assert reader._child is None
    shutil.rmtree(tmp_path / "lxml")
    assert reader.read(*source(tmp_path, "a.html", PAGE)).blocks
    reader.close()


def test_a_reader_that_crashes_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hang(monkeypatch, tmp_path, "import os\nos.abort()\n")
    reader = Reader()
    page = source(tmp_path, "a.html", PAGE)
    with pytest.raises(Unreadable, match="crash"):
        reader.read(*page)
    assert reader.read(*source(tmp_path, "long.txt", "Words. " * 40_000)).blocks
    with pytest.raises(Unreadable, match="crash"):
        reader.read(*page)
    reader.close()


def test_a_child_killed_by_the_system_is_named_as_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hang(monkeypatch, tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    reader = Reader(memory_mb=700)
    with pytest.raises(Unreadable, match="more than 700 MB of memory"):
        reader.read(*source(tmp_path, "a.html", PAGE))
    reader.close()


def test_a_file_that_needs_too_much_memory_is_named_and_the_next_one_read(tmp_path: Path) -> None:
    reader = Reader(Limits(characters=10**9), memory_mb=200)
    with pytest.raises(Unreadable, match="more than 200 MB of memory to be read; split it, or raise"):
        reader.read(*source(tmp_path, "a.txt", "many words of it\n" * 3_000_000))
    assert reader.read(*source(tmp_path, "a.html", PAGE)).blocks
    reader.close()


def test_what_earlier_files_left_behind_costs_no_later_file(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = source(tmp_path, "a.html", PAGE)
    reader.read(*page)
    first = child_of(reader)
    os.kill(first, 9)
    assert reader.read(*page).blocks
    assert child_of(reader) != first


def test_close_ends_a_read_that_is_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hang(monkeypatch, tmp_path, "import time\ntime.sleep(60)\n")
    reader = Reader(seconds=60.0)
    page = source(tmp_path, "a.html", PAGE)
    said: list[str] = []

    def read() -> None:
        with pytest.raises(Unreadable) as raised:
            reader.read(*page)
        said.append(str(raised.value))

    thread = threading.Thread(target=read)
    thread.start()
    while reader._child is None:
        time.sleep(0.01)
    reader.close()
    thread.join(10)
    assert said == [reading.STOPPED]


def test_the_child_sees_no_secret_and_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "secret")
    hang(
        monkeypatch,
        tmp_path,
        "import os\n"
        f"open({str(tmp_path / 'seen')!r}, 'w').close()\n"
        f"os.mkdir({str(tmp_path)!r} + '/key-' + os.environ.get('SOME_API_KEY', 'none'))\n"
        f"open({str(tmp_path / 'seen')!r}, 'w').write('x' * 100)\n",
    )
    reader = Reader()
    with pytest.raises(Unreadable):
        reader.read(*source(tmp_path, "a.html", PAGE))
    reader.close()
    assert (tmp_path / "key-none").is_dir()
    assert (tmp_path / "seen").read_bytes() == b""


def test_the_child_ends_with_the_thread_that_reads(tmp_path: Path) -> None:
    """Its parent's death, as the kernel sees it, is that of the thread which started it."""
    reader = Reader()
    page = source(tmp_path, "a.html", PAGE)
    thread = threading.Thread(target=reader.read, args=page)
    thread.start()
    thread.join(30)
    assert reader._child is not None
    assert reader._child.process.wait(10) == -9
    assert reader.read(*page).blocks
    reader.close()
