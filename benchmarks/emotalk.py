"""python -m benchmarks emotalk [--json] [--device cpu|cuda] [--threads N] [--rounds N]

EmoTalk's network with random weights of the published size (speed does not depend on their values), and the viseme
engine.
CPU figures are processor seconds of all threads, interleaved with a fixed float32 product of 2048 x 2048 matrices:
gemm_efficiency is the network's operations per processor second over that product's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import emotalk_live as live
from benchmarks import hardware
from benchmarks.alone import alone
from services.emotalk.engine import RATE, Engine, Utterance

if TYPE_CHECKING:
    from services.emotalk.engines.emotalk.architecture import EmoTalkCheckpoint

GFLOP_PER_10_S = 493.0
"""2 * multiply-accumulates of the reference's forward pass over 10 s, at the published size."""

PRODUCT = 2048
SECONDS = 10.0
"""Length of the recording."""

LAYERS, FEED_FORWARD, CONVOLUTION = 24, 4096, 512


def recording(seconds: float, seed: int = 0) -> Utterance:
    """Noise in syllables."""
    numbers = np.random.default_rng(seed)
    n = round(seconds * RATE)
    syllables = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * np.arange(n) / RATE)
    return Utterance((0.1 * syllables * numbers.standard_normal(n)).astype(np.float32))


def random_model(seed: int = 0) -> EmoTalkCheckpoint:
    """The published size: matrices of unit gain, norms near one, small biases."""
    import torch

    from services.emotalk.engines.emotalk.architecture import EmoTalkCheckpoint, Sizes

    sizes = Sizes(LAYERS, FEED_FORWARD, CONVOLUTION)
    with torch.device("meta"):
        model = EmoTalkCheckpoint(sizes, sizes)
    numbers = torch.Generator().manual_seed(seed)
    state = {}
    for key, value in model.state_dict().items():
        made = torch.empty(value.shape).uniform_(-(3**0.5), 3**0.5, generator=numbers)
        if value.ndim > 1:
            made *= 8**0.5 if key.endswith("weight_g") else float(np.prod(value.shape[1:])) ** -0.5
        elif key.endswith("weight"):
            made = 1 + 0.1 * made
        else:
            made *= 0.05
        state[key] = made
    model.load_state_dict(state, strict=True, assign=True)
    return model.requires_grad_(False).eval()


def product_gflops(rounds: int = 1) -> float:
    """GFLOP per processor second of the fixed product."""
    import torch

    one, other = torch.randn(PRODUCT, PRODUCT), torch.randn(PRODUCT, PRODUCT)
    spent = []
    for _ in range(rounds + 1):
        began = time.process_time()
        one @ other
        spent.append(time.process_time() - began)
    return 2 * PRODUCT**3 / statistics.median(spent[1:]) / 1e9


def processor_seconds(engine: Engine, utterance: Utterance) -> tuple[float, float]:
    """(processor seconds, wall seconds) of one prediction."""
    began, wall = time.process_time(), time.perf_counter()
    engine.predict([utterance])
    return time.process_time() - began, time.perf_counter() - wall


def on_cpu(rounds: int) -> dict[str, Any]:
    """Float32, int8 and bfloat16 over the same recording, turn by turn with the product."""
    import torch

    from services.emotalk.engines.emotalk.engine import EmoTalkEngine

    model, cpu, utterance = random_model(), torch.device("cpu"), recording(SECONDS)
    engines = {p: EmoTalkEngine(model, cpu, p) for p in ("float32", "int8", "bfloat16")}  # type: ignore[arg-type]
    del model
    exact = engines["float32"].predict([utterance])[0]
    errors = {p: np.abs(e.predict([utterance])[0] - exact) for p, e in engines.items()}
    spent: dict[str, list[float]] = {p: [] for p in engines}
    walls: dict[str, list[float]] = {p: [] for p in engines}
    products = []
    for _ in range(rounds):
        for precision, engine in engines.items():
            products.append(product_gflops())
            seconds, wall = processor_seconds(engine, utterance)
            spent[precision].append(seconds)
            walls[precision].append(wall)
    cost = {p: statistics.median(seconds) for p, seconds in spent.items()}
    product = statistics.median(products)
    first = {p: hardware.percentile(asyncio.run(live.first_frames_ms(e, 1)), 50) for p, e in engines.items()}
    return {
        "emotalk_cpu_s_per_10s": round(cost["float32"], 2),
        "emotalk_wall_s_per_10s": round(statistics.median(walls["float32"]), 2),
        "emotalk_realtime_factor": round(SECONDS / statistics.median(walls["float32"]), 2),
        "gemm_gflops": round(product, 1),
        "gemm_efficiency": round(GFLOP_PER_10_S / cost["float32"] / product, 3),
        "int8_speedup": round(cost["float32"] / cost["int8"], 2),
        "int8_max_abs_diff": round(float(errors["int8"].max()), 4),
        "int8_mean_abs_diff": round(float(errors["int8"].mean()), 4),
        "bfloat16_speedup": round(cost["float32"] / cost["bfloat16"], 2),
        "bfloat16_max_abs_diff": round(float(errors["bfloat16"].max()), 4),
        "output_standard_deviation": round(float(exact.std()), 3),
        "live_first_frames_ms": round(first["float32"]),
        **{f"live_first_frames_ms_{p}": round(ms) for p, ms in first.items()},
        "emotalk_threads": torch.get_num_threads(),
        "emotalk_rounds": rounds,
    }


def on_accelerator(device: str, streams: int) -> dict[str, Any]:
    """Recordings one at a time and together, and live streams, on a device such as cuda:0."""
    import torch

    from services.emotalk.engines.emotalk.engine import EmoTalkEngine, device_of

    found: dict[str, Any] = {}
    for precision in ("float32", "bfloat16"):
        engine = EmoTalkEngine(random_model(), device_of(device), precision)  # type: ignore[arg-type]
        batch = [recording(SECONDS, seed) for seed in range(streams)]
        engine.predict(batch)
        alone = statistics.median(processor_seconds(engine, batch[0])[1] for _ in range(10))
        began = time.perf_counter()
        engine.predict(batch)
        together = time.perf_counter() - began
        first = asyncio.run(live.first_frames_ms(engine, 1))
        crowd = asyncio.run(live.behind_ms(engine, streams))
        found |= {
            f"gpu_realtime_factor_{precision}": round(SECONDS / alone, 1),
            f"gpu_batch_realtime_factor_{precision}": round(SECONDS * streams / together, 1),
            f"gpu_live_first_frames_ms_{precision}": round(hardware.percentile(first, 50), 1),
            f"gpu_live_behind_ms_p95_{precision}": round(hardware.percentile(crowd, 95), 1),
        }
        engine.close()
        del engine
    return {**found, "gpu": torch.cuda.get_device_name(device_of(device)), "gpu_streams": streams}


def viseme(rounds: int) -> dict[str, Any]:
    """The signal-driven engine, on one core (the process is to be started with one thread of the matrix library)."""
    from services.emotalk.engines.viseme import create
    from services.emotalk.settings import EmoTalkSettings

    engine, utterance = create(EmoTalkSettings()), recording(SECONDS)
    engine.predict([utterance])
    spent = [processor_seconds(engine, utterance)[0] for _ in range(rounds)]
    first = asyncio.run(live.first_frames_ms(engine, 1))
    return {
        "viseme_realtime_factor": round(SECONDS / statistics.median(spent), 1),
        "viseme_first_frames_ms": round(hardware.percentile(first, 50), 1),
        "viseme_first_frames_ms_p95": round(hardware.percentile(first, 95), 1),
    }


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks emotalk")
    parser.add_argument("--json", action="store_true", help="one JSON object (the only output there is)")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda[:N] for figures of an accelerator as well")
    parser.add_argument("--threads", type=int, default=0, help="of torch on the CPU; 0: as many as there are cores")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--streams", type=int, default=32, help="live streams on the accelerator")
    options = parser.parse_args(arguments)
    figures = alone(viseme, max(options.rounds, 10))
    import torch

    torch.set_num_threads(options.threads or len(os.sched_getaffinity(0)))
    figures |= on_cpu(options.rounds)
    if options.device != "cpu":
        figures |= on_accelerator(options.device, options.streams)
    print(json.dumps({**figures, "hardware": hardware.describe()}))
