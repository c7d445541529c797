"""`transformers serve` as a child process: a real server that differs from vLLM, which the engine must do with too."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Self

import httpx

from flashback.stack.plan import free_port

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv-llm" / "bin"
MODELS = """
import sys
from pathlib import Path
from tools.tiny_llm import write
folder = Path(sys.argv[1])
write(folder / "babbles")
write(folder / "recites", sys.argv[2])
write(folder / "goes-on", sys.argv[2], endless=True)
write(folder / "never-ends-a-sentence", "A lens", endless=True)
"""
RECEIVED = "[Request received]"
START_S = 180.0
WARM_S = 60.0
POLL_S = 0.02


def offline(home: Path) -> dict[str, str]:
    """The environment of everything that runs on the server's side: no network, one thread, a cache of its own."""
    (home / "hub").mkdir(parents=True, exist_ok=True)
    own = {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **own}


def make_models(folder: Path, says: str) -> None:
    """Writes the four models: one babbles, one recites `says`, one goes on after it, one never ends a sentence."""
    command = [str(BIN / "python"), "-c", MODELS, str(folder), says]
    subprocess.run(command, cwd=ROOT, env=offline(folder / "home"), check=True, capture_output=True, timeout=START_S)


class TransformersServer:
    """One server on a port of its own. A model's name is its folder, as `transformers serve` will have it."""

    def __init__(self, models: Path, log: Path) -> None:
        self._models = models
        self._log = log
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Base address of the API, with /v1."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def received(self) -> int:
        """How many requests for an answer have come since it was first started."""
        return self._log.read_text(encoding="utf-8", errors="replace").count(RECEIVED)

    def model(self, name: str) -> str:
        """What to ask for to get the model of this name."""
        return str(self._models / name)

    def start(self) -> None:
        """Returns once it serves, every model loaded. Raises RuntimeError with the end of its log when it does not."""
        command = [
            str(BIN / "transformers"),
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            str(self._port),
            "--device",
            "cpu",
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=offline(self._models / "home"), stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_S
        while not self._healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                end = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"the server does not start:\n{end}")
            time.sleep(POLL_S)
        for folder in sorted(self._models.glob("*/config.json")):
            body = {"model": str(folder.parent), "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
            httpx.post(f"{self.url}/chat/completions", json=body, timeout=WARM_S).raise_for_status()

    def kill(self) -> None:
        """Kills it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self._port}/health", timeout=2).is_success
        except httpx.HTTPError:
            return False
