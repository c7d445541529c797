"""python -m tools.viseme_model: writes services/emotalk/engines/viseme/model.npz and prints the marks of an exam.

Needs the extra `tts-espeak`. About a quarter of an hour on one core.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from services.emotalk.engine import RATE, frame_count
from services.emotalk.engines.viseme.network import MODEL, VISEMES, Network, inputs
from services.emotalk.engines.viseme.shapes import PLACES, TARGETS
from services.emotalk.engines.viseme.spectra import analyse
from tools.viseme_model.distort import distorted
from tools.viseme_model.speech import Floats, Speaker, Spoken

HIDDEN = (96, 48)
EPOCHS = 14
BATCH = 1024
NOBODY = 0.15
"""Silent rooms to a sentence."""
FASTEST = 3e-3
DECAY = 1e-5


def seen(spoken: Spoken) -> tuple[Floats, Floats]:
    """float32[t, INPUTS] and the true shares, float32[t, 15]."""
    samples = spoken.samples.astype(np.float32)
    return inputs(analyse(samples)), spoken.shares(frame_count(len(samples))).astype(np.float32)


def lessons(speaker: Speaker, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Each sentence twice, nearly always distorted, each time otherwise; and rooms in which nobody speaks."""
    rows, shares = [], []
    for spoken in speaker.lessons(count, rng):
        heard = [distorted(spoken, rng) if rng.random() < 0.85 else spoken for _ in range(2)]
        if rng.random() < NOBODY:
            heard.append(distorted(Spoken(np.zeros(2 * RATE), [], "nobody"), rng))
        for sound in heard:
            x, y = seen(sound)
            rows.append(x)
            shares.append(y)
    return np.concatenate(rows), np.concatenate(shares)


def fit(x: Floats, y: Floats, rng: np.random.Generator) -> Network:
    """Cross-entropy, Adam (Kingma & Ba 2014), learning rate along half a cosine."""
    mean, scale = x.mean(0), x.std(0) + 1e-3
    x = (x - mean) / scale
    sizes = (x.shape[1], *HIDDEN, y.shape[1])
    weights = [rng.normal(0, a**-0.5, (a, b)).astype(np.float32) for a, b in zip(sizes, sizes[1:], strict=False)]
    biases = [np.zeros(b, np.float32) for b in sizes[1:]]
    values = weights + biases
    first = [np.zeros_like(v) for v in values]
    second = [np.zeros_like(v) for v in values]
    steps = EPOCHS * (len(x) // BATCH)
    for step in range(steps):
        if step % (len(x) // BATCH) == 0:
            order = rng.permutation(len(x))
        at = step % (len(x) // BATCH) * BATCH
        batch = order[at : at + BATCH]
        slopes = gradients(x[batch], y[batch], weights, biases)
        rate = FASTEST * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-5
        for value, slope, m, v in zip(values, slopes, first, second, strict=True):
            m += 0.1 * (slope - m)
            v += 0.001 * (slope * slope - v)
            value -= rate * (m / (1 - 0.9 ** (step + 1))) / (np.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-8)
    return Network(mean, scale, tuple(zip(weights, biases, strict=True)))


def gradients(x: Floats, y: Floats, weights: list[Floats], biases: list[Floats]) -> list[Floats]:
    """Of the mean cross-entropy, for all weights and then all biases."""
    active = [x]
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        active.append(np.tanh(active[-1] @ w + b))
    logits = active[-1] @ weights[-1] + biases[-1]
    likely = np.exp(logits - logits.max(1, keepdims=True))
    error = (likely / likely.sum(1, keepdims=True) - y) / len(x)
    by_weight: list[Floats] = []
    by_bias: list[Floats] = []
    for w, rows in zip(reversed(weights), reversed(active), strict=True):
        by_weight.insert(0, rows.T @ error + DECAY * w)
        by_bias.insert(0, error.sum(0))
        error = (error @ w.T) * (1 - rows * rows)
    return by_weight + by_bias


def marks(network: Network, exam: Iterable[Spoken]) -> dict[str, dict[str, float]]:
    """By voice: share of frames whose likeliest viseme is right, and correlation with the true visemes' channels."""
    answers: dict[str, list[tuple[Floats, Floats]]] = {}
    for spoken in exam:
        x, y = seen(spoken)
        answers.setdefault(spoken.voice, []).append((network.probabilities(x), y))
    found = {}
    for voice, pairs in answers.items():
        guess, truth = (np.concatenate(side) for side in zip(*pairs, strict=True))
        found[voice] = {"right": round(float((guess.argmax(1) == truth.argmax(1)).mean()), 3)}
        for channel in ("jawOpen", "mouthPucker", "mouthStretchLeft", "mouthPressLeft"):
            row = TARGETS[:, PLACES[channel]]
            found[voice][channel] = round(float(np.corrcoef(guess @ row, truth @ row)[0, 1]), 3)
    return found


def save(network: Network, file: Path) -> None:
    arrays = {"mean": network.mean, "scale": network.scale}
    for number, (weights, biases) in enumerate(network.layers):
        arrays |= {f"weights{number}": weights, f"biases{number}": biases}
    np.savez_compressed(file, **{name: values.astype(np.float16) for name, values in arrays.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=MODEL)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    speaker = Speaker()
    save(fit(*lessons(speaker, given.sentences, rng), rng), given.out)
    network = Network.load(given.out)
    print(json.dumps({"visemes": len(VISEMES), **marks(network, speaker.exam())}, indent=1))


if __name__ == "__main__":
    main()
