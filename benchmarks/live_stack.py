"""A running stack as a child process, for benches and end-to-end tests."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from flashback.stack.plan import free_port

START_S = 120.0
STOP_S = 15.0


class LiveStack:
    """`flashback up` on a free port with its own data folder; WebRTC stays on 127.0.0.1. Use as a context manager.

    `env` adds to the environment. `start_s` is the time from the launch to the `ready` line, in seconds.
    """

    def __init__(self, data_dir: Path, env: dict[str, str] | None = None, port: int | None = None) -> None:
        self.port = port or free_port()
        self.data_dir = data_dir
        self.log: list[str] = []
        self.start_s = float("nan")
        self.launched_at = float("nan")
        self._env = {
            **os.environ,
            "FLASHBACK_DATA_DIR": str(data_dir),
            "FLASHBACK_ICE_ADDRESSES": "127.0.0.1",
            **(env or {}),
        }
        self._process: subprocess.Popen[str] | None = None
        self._ready: queue.Queue[bool] = queue.Queue()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> LiveStack:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when the stack is ready. Raises RuntimeError with the end of its log when it does not start."""
        command = [sys.executable, "-m", "flashback", "up", "--port", str(self.port)]
        self.launched_at = time.monotonic()
        self._process = subprocess.Popen(
            command, env=self._env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
        )
        threading.Thread(target=self._read, daemon=True).start()
        try:
            ready = self._ready.get(timeout=START_S)
        except queue.Empty:
            ready = False
        self.start_s = time.monotonic() - self.launched_at
        if not ready:
            self.stop()
            raise RuntimeError("the stack did not start:\n" + "\n".join(self.log[-20:]))

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.log.append(line.rstrip())
            if line.startswith("ready "):
                self._ready.put(True)
        self._ready.put(False)

    def stop(self) -> None:
        """Ctrl-C, as a user would; the whole tree is gone afterwards."""
        if self._process is None or self._process.poll() is not None:
            return
        children = self.processes()
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            for process in children:
                if process.is_running():
                    process.kill()
            self._process.wait()

    def processes(self) -> list[psutil.Process]:
        """The supervisor and every service process."""
        if self._process is None or self._process.poll() is not None:
            return []
        root = psutil.Process(self._process.pid)
        return [root, *root.children(recursive=True)]

    def service(self, name: str) -> psutil.Process:
        """The process of one service. Raises LookupError when it is not running."""
        for process in self.processes():
            if process.cmdline()[-2:] == ["-m", f"services.{name}"]:
                return process
        raise LookupError(name)

    def pss_mb(self) -> dict[str, float]:
        """Proportional set size by service, in MB (2**20 bytes)."""
        found: dict[str, float] = {}
        for process in self.processes():
            try:
                name = process.cmdline()[-1].removeprefix("services.")
                found[name if name in _NAMES else "up"] = process.memory_full_info().pss / 2**20
            except psutil.Error:
                continue
        return found


_NAMES = {"orchestrator", "gateway", "ears", "rag_llm", "tts", "renderer", "postfx", "emotalk"}
