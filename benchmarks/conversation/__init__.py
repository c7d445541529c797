"""The whole stack in headless Chromium over loopback: latency, barge-in, skew, frames, sessions, start, memory."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.hardware import describe

PHASES = ("talk", "skew", "lips", "sessions", "spoken")


def main(arguments: list[str]) -> None:
    """Prints one JSON object; progress goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks conversation")
    parser.add_argument(
        "--json", action="store_true", help="print the JSON object alone (the default prints it indented)"
    )
    parser.add_argument("--only", choices=PHASES, action="append", help="measure only these phases")
    parser.add_argument("--questions", type=int, default=20, help="different text questions, and spoken ones")
    parser.add_argument("--frames-s", type=float, default=60.0, help="seconds over which shown frames are counted")
    options = parser.parse_args(arguments)
    result = asyncio.run(measure(options.only or list(PHASES), options.questions, options.frames_s))
    print(json.dumps(result, indent=None if options.json else 1))


async def measure(phases: list[str], questions: int, frames_s: float) -> dict[str, Any]:
    """All phases one after the other, each on a stack of its own that nothing else loads."""
    from benchmarks.conversation import sessions, skew, talk

    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="flashback-bench-") as folder:
        data = Path(folder) / "data"
        for phase in phases:
            print(f"measuring {phase} ...", file=sys.stderr, flush=True)
            match phase:
                case "talk":
                    result |= await talk.measure(data, questions, frames_s)
                case "skew":
                    result |= await skew.measure(data)
                case "sessions":
                    result |= await sessions.measure(data)
                case "lips":
                    from benchmarks import lip_lag

                    lips = await asyncio.to_thread(lip_lag.measure)
                    result |= {k if k.startswith("lip_lag") else f"lip_lag_{k}": v for k, v in lips.items()}
                case "spoken":
                    from benchmarks import spoken

                    result |= await asyncio.to_thread(spoken.measure)
    return {**result, "hardware": describe()}
