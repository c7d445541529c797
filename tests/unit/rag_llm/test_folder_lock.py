from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services.rag_llm.folder_lock import Busy, locked

HOLD = """
import sys, time
from pathlib import Path
from services.rag_llm.folder_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there" / "yet"
    with locked(folder), pytest.raises(Busy), locked(folder):
        pass
    with locked(folder), locked(tmp_path):
        pass


def test_it_counts_between_threads(tmp_path: Path) -> None:
    seen: list[bool] = []

    def attempt() -> None:
        try:
            with locked(tmp_path):
                seen.append(True)
        except Busy:
            seen.append(False)

    for _ in range(2):
        with locked(tmp_path):
            thread = threading.Thread(target=attempt)
            thread.start()
            thread.join()
    attempt()
    assert seen == [False, False, True]


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Busy), locked(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError), locked(tmp_path / "file" / "index"):
        pass
