from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from flashback.errors import FlashbackError
from flashback.stack import process, runfile
from flashback.stack.backoff import DELAYS_S, SETTLED_S, Backoff
from flashback.stack.plan import SERVICES, make_plan, require_free_port


def test_backoff_grows_and_starts_over_after_a_settled_life() -> None:
    backoff = Backoff()
    delays = [backoff.delay_s(0.1) for _ in range(len(DELAYS_S) + 2)]
    assert delays == [*DELAYS_S, DELAYS_S[-1], DELAYS_S[-1]]
    assert backoff.delay_s(SETTLED_S) == DELAYS_S[0]


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(FlashbackError, match=f"Port {port} .* taken"):
            require_free_port("127.0.0.1", port)


def test_every_service_gets_an_address_of_its_own_in_the_environment() -> None:
    plan = make_plan(SERVICES)
    environment = plan.environment()
    found = {environment[f"FLASHBACK_{name.upper()}_ADDRESS"] for name in SERVICES}
    assert len(found) == len(SERVICES)
    assert plan.socket_dir.stat().st_mode & 0o077 == 0
    plan.socket_dir.rmdir()


def test_run_file_of_a_dead_supervisor_counts_as_none(tmp_path: Path) -> None:
    file = tmp_path / "run" / "stack.json"
    assert runfile.read(file) is None
    runfile.write(file, runfile.RunningStack(2**22 + 12345, "http://x", {}))
    assert runfile.read(file) is None
    own = runfile.RunningStack(os.getpid(), "http://x", {"tts": "unix:/x"})
    runfile.write(file, own)
    assert runfile.read(file) == own
    runfile.remove(file)
    assert not file.exists()


def test_a_damaged_run_file_counts_as_none(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    for text in ("", "[]", '{"pid": 1}', '{"pid": "x", "http": "", "addresses": {}}'):
        file.write_text(text, encoding="utf-8")
        assert runfile.read(file) is None


def child(code: str, show: Callable[[str, str], None] = lambda n, t: None) -> process.ManagedProcess:
    return process.ManagedProcess("child", (sys.executable, "-c", code), dict(os.environ), show)


async def test_a_death_at_start_is_final_and_says_why() -> None:
    with pytest.raises(FlashbackError, match="child service did not start: no such voice"):
        await child("import sys; print('no such voice', file=sys.stderr); sys.exit(3)").run()


async def test_a_settled_process_is_started_again() -> None:
    lines: list[str] = []
    managed = child("import os; print('pid', os.getpid(), flush=True)", lambda n, t: lines.append(t))
    managed.settled = True
    running = asyncio.create_task(managed.run())
    while len(lines) < 3:
        await asyncio.sleep(0.02)
    await managed.stop()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(set(lines)) == len(lines)


async def test_stop_ends_a_running_process() -> None:
    up = asyncio.Event()
    managed = child("import time; print('up', flush=True); time.sleep(600)", lambda n, t: up.set())
    running = asyncio.create_task(managed.run())
    await up.wait()
    pid = managed.pid
    assert pid is not None
    await managed.stop()
    await running
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_stop_takes_the_service_s_own_children_along() -> None:
    born: list[str] = []
    up = asyncio.Event()

    def show(name: str, line: str) -> None:
        born.append(line)
        up.set()

    code = (
        "import os, subprocess, sys, time;"
        "c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(c.pid, flush=True); time.sleep(600)"
    )
    managed = child(code, show)
    running = asyncio.create_task(managed.run())
    await up.wait()
    await managed.stop()
    await running
    with contextlib.suppress(psutil.NoSuchProcess):
        grandchild = psutil.Process(int(born[0]))
        async with asyncio.timeout(5):
            while grandchild.is_running() and grandchild.status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.02)


async def test_a_dead_service_s_child_that_holds_its_output_does_not_delay_the_restart() -> None:
    lines: list[str] = []
    code = (
        "import subprocess, sys;"
        "c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(c.pid, flush=True)"
    )
    managed = child(code, lambda n, t: lines.append(t))
    managed.settled = True
    running = asyncio.create_task(managed.run())
    async with asyncio.timeout(60):
        while len(lines) < 2:
            await asyncio.sleep(0.02)
    await managed.stop()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    with contextlib.suppress(psutil.NoSuchProcess):
        assert psutil.Process(int(lines[0])).status() == psutil.STATUS_ZOMBIE
