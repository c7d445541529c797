"""EmoTalk's cases: the network's outputs and what lies between, the service's chunks, smoothing and blinks."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file

from services.emotalk.blinks import Blinks
from services.emotalk.engine import RATE, Utterance
from services.emotalk.engines.emotalk import checkpoint, engine, inference
from services.emotalk.smoothing import smooth
from tests.parity import recipe
from tests.parity.golden import Array, Folder

WEIGHTS = re.compile(r"(?P<edge>edge_)?blendshapes_level(?P<level>\d+)_person(?P<person>\d+)$")
EVERY_FOURTH = re.compile(r"_(c4|every4th_channel)$")
FIRST_FRAMES = re.compile(r"_first(?P<frames>\d+)frames$")
MINUS_INFINITY = -1e30
"""What the recorded mask has in place of it."""


def compute(folder: Folder) -> Iterator[tuple[str, Array]]:
    """What the folder's outputs name; a tensor of a kind not known here is left out, and so counts as not computed."""
    if "savgol" in folder.config:
        yield from _post_processing(folder)
    elif "chunks" in folder.config:
        yield from _chunks(folder)
    else:
        yield from _network(folder)


@lru_cache(maxsize=1)
def load(path: Path) -> engine.EmoTalkEngine:
    """The engine of a case folder, its weights from `weights.safetensors` or by the recipe."""
    folder = Folder(path)
    stored = path / "weights.safetensors"
    arrays = load_file(stored) if stored.exists() else recipe.state(folder.shapes, folder.config["recipe"])
    model = checkpoint.from_state({key: torch.from_numpy(value) for key, value in arrays.items()})
    return engine.EmoTalkEngine(model, torch.device("cpu"))


def _network(folder: Folder) -> Iterator[tuple[str, Array]]:
    loaded = load(folder.path)
    level, person = folder.config["cases"][0]
    between: dict[str, Array] | None = None
    for name in folder.outputs:
        if match := WEIGHTS.fullmatch(name):
            audio = folder.inputs["audio_edge" if match["edge"] else "audio"]
            yield name, loaded.predict([Utterance(audio, int(match["level"]), int(match["person"]))])[0]
        elif match := re.fullmatch(r"tgt_mask_first(\d+)", name):
            bias = inference.look_back_bias(int(match[1]), torch.device("cpu")).numpy()
            yield name, np.where(np.isneginf(bias), np.float32(MINUS_INFINITY), bias)
        else:
            between = between or _between(loaded, Utterance(folder.inputs["audio"], level, person))
            rows = between.get(EVERY_FOURTH.sub("", name))
            if rows is not None:
                yield name, rows[:, ::4] if EVERY_FOURTH.search(name) else rows


def _between(loaded: engine.EmoTalkEngine, utterance: Utterance) -> dict[str, Array]:
    _, trace = loaded.network.trace(utterance)
    tensors = {
        "normalised_audio": trace.normalised[None],
        "inter_cont_conv_features": trace.content_features.t(),
        "inter_cont_last_hidden": trace.content_hidden,
        "inter_emo_encoder_last_hidden_50to30": trace.emotion_encoded,
        "inter_emo_hidden_frames": trace.emotion_hidden,
        "inter_emo_832": trace.emotion_832,
        "inter_decoder_out": trace.decoded,
        "inter_emo_logits": trace.emotion_logits,
    }
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def finished(rows: Array, rng: random.Random, curves: Any) -> NDArray[np.float32]:
    """Smoothing, then blinks by curves of choice, from a generator that other chunks share."""
    return Blinks(rng, len(rows), curves).apply(0, smooth(rows))


def blink_curves(folder: Folder) -> Any:
    """The recorded run's own curves: in this folder's configuration, or in that of a folder beside it."""
    for config in (folder.path / "config.json", *sorted(folder.path.parent.glob("*/config.json"))):
        found = Folder(config.parent).config.get("blink_patterns")
        if found:
            return found
    raise KeyError(f"no blink_patterns in or beside {folder.name}")


def _chunks(folder: Folder) -> Iterator[tuple[str, Array]]:
    config, audio = folder.config, folder.inputs["audio"]
    own = (folder.path / "shapes.json").exists()
    loaded = load(folder.path if own else folder.beside(config["weights"].removeprefix("same as ")).path)
    curves, rng = blink_curves(folder), random.Random(config["python_random_seed"])
    for chunk in config["chunks"]:
        samples = audio[round(chunk["start"] * RATE) : round(chunk["end"] * RATE)]
        raw = loaded.predict([Utterance(samples, config["level"], config["person"])])[0]
        yield f"chunk{chunk['i']}_raw", raw
        yield f"chunk{chunk['i']}_post", finished(raw, rng, curves)


def _post_processing(folder: Folder) -> Iterator[tuple[str, Array]]:
    config, prediction = folder.config, folder.inputs["prediction"]
    curves = blink_curves(folder)
    for name in folder.outputs:
        match = FIRST_FRAMES.search(name)
        rows = prediction[: int(match["frames"])] if match else prediction
        yield name, finished(rows, random.Random(config["python_random_seed"]), curves)
