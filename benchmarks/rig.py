"""The rig renderer on one core: frames per second without encoding, and how near it is to the exact renderer.

Speech-driven, all idle motion on, default look and badge; every frame is drawn from its own weights. Each persona
draws the same plan of visemes. Frame times are processor time of the drawing thread, so that other programs on the
machine do not count; `rig_fps_wall` says what the clock on the wall saw.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from benchmarks.hardware import describe, percentile
from flashback import personas
from flashback.settings import HouseSettings
from services.postfx import badge
from services.postfx.engines.cpu import create
from services.postfx.lookbook import LookBook
from services.postfx.settings import PostFxSettings
from services.renderer.engine import Sway
from services.renderer.engines.rig.model import Badge, load_rig
from services.renderer.engines.rig.picture import RigCanvas
from services.renderer.motion.face import FaceMotion
from services.renderer.motion.manners import Manner
from services.renderer.motion.mouth import Said
from services.renderer.motion.visemes import SHAPES
from tests.reference.rig_exact import ExactRig

FPS = 25
Shot = tuple[NDArray[np.float32], Sway, float]


def performance(frames: int, seed: int = 7) -> list[Shot]:
    """Weights, sway and breath of a face that speaks random words with short pauses."""
    rng = np.random.default_rng(seed)
    shapes = [name for name in SHAPES if name != "sil"]
    said, at = [], 0.3
    while at < frames / FPS:
        for _ in range(int(rng.integers(8, 22))):
            length = float(rng.uniform(0.06, 0.15))
            said.append(Said(str(rng.choice(shapes)), at, at + length, float(rng.uniform(0.3, 1.0))))
            at += length
        at += float(rng.uniform(0.15, 0.5))
    motion = FaceMotion(seed, FPS)
    motion.say(said)
    return [motion.pose((i + 0.5) / FPS, Manner.SPEAKING, float(rng.uniform(0.6, 1.0))) for i in range(frames)]


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal to noise ratio over all I420 samples, dB."""
    error = float(np.mean((a.astype(np.float64) - b) ** 2))
    return 10 * float(np.log10(255**2 / max(error, 1e-9)))


def measure(persona_id: str, shots: list[Shot], size: int, every: int) -> dict[str, Any]:
    """Draws all shots, timed one by one, then compares every n-th with the exact renderer."""
    persona = personas.load(persona_id)
    settings = PostFxSettings()
    look = LookBook(create(), settings, HouseSettings()).look(persona_id)
    mark = badge.draw(size, size)
    canvas = RigCanvas(load_rig(persona.folder, size, look.still, Badge(mark.pixels, mark.x, mark.y)))
    for shot in shots[:5]:
        canvas.draw(*shot)
    taken, wall, different = [], [], set()
    for shot in shots:
        started, clock = time.thread_time_ns(), time.perf_counter_ns()
        canvas.draw(*shot)
        taken.append((time.thread_time_ns() - started) / 1e6)
        wall.append((time.perf_counter_ns() - clock) / 1e6)
        different.add(hash(canvas.buffer.tobytes()))
    exact = ExactRig(persona.folder, size, look.still)
    plain = RigCanvas(load_rig(persona.folder, size, look.still))
    near = [psnr(np.frombuffer(plain.draw(*shot), np.uint8), exact.draw(*shot)) for shot in shots[::every]]
    return {
        "fps": round(1e3 / float(np.mean(taken)), 1),
        "fps_wall": round(1e3 / float(np.mean(wall)), 1),
        "ms_p50": round(percentile(taken, 50), 3),
        "ms_p99": round(percentile(taken, 99), 3),
        "frames": len(shots),
        "frames_distinct": len(different),
        "psnr_db_min": round(min(near), 2),
        "psnr_db_mean": round(float(np.mean(near)), 2),
        "psnr_frames": len(near),
    }


def main(argv: list[str] | None = None) -> None:
    """Prints one JSON object (or a few lines without --json)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks rig", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--every", type=int, default=25, help="compare every n-th frame with the exact renderer")
    parser.add_argument("--persona", action="append", help="default: iris and amon")
    options = parser.parse_args(argv)
    shots = performance(options.frames)
    people = {name: measure(name, shots, options.size, options.every) for name in options.persona or ("iris", "amon")}
    total = sum(p["frames"] / p["fps"] for p in people.values())
    result = {
        "rig_fps": round(sum(p["frames"] for p in people.values()) / total, 1),
        "rig_fps_wall": round(min(p["fps_wall"] for p in people.values()), 1),
        "rig_psnr_db": min(p["psnr_db_min"] for p in people.values()),
        "rig_psnr_db_mean": round(float(np.mean([p["psnr_db_mean"] for p in people.values()])), 2),
        "size": options.size,
        "frames": sum(p["frames"] for p in people.values()),
        "psnr_frames": sum(p["psnr_frames"] for p in people.values()),
        "threads": 1,
        "personas": people,
        "hardware": describe(),
    }
    if options.json:
        print(json.dumps(result))
        return
    for key in ("rig_fps", "rig_psnr_db", "frames"):
        print(f"{key:14} {result[key]}", file=sys.stdout)


if __name__ == "__main__":
    main()
