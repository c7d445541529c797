"""The packed encoder against a plain one: a text at a time, one head at a time, in double precision, with the exact
erf."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer

from flashback.errors import Broken
from services.rag_llm.embedding import MAX_TOKENS, MiniLM, gelu, model_folder, packs, read_tensors

TEXTS = [
    "How quickly do people answer each other?",
    "",
    "Ünïcode, ☃ and 22,050 numbers",
    "A viseme is a group of speech sounds that look alike on the lips.",
    "word " * 400,
]


def _norm(x: NDArray[np.float64], gain: NDArray[np.float64], bias: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = x - x.mean(-1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * gain + bias)


def plainly_encoded(text: str, folder: Path) -> NDArray[np.float64]:
    """BERT as in the paper, slowly."""
    w = {name: np.asarray(value, np.float64) for name, value in read_tensors(folder / "model.safetensors").items()}
    config = json.loads((folder / "config.json").read_text())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    ids = tokenizer.encode(text.strip()).ids
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = x + w["embeddings.token_type_embeddings.weight"][0]
    x = _norm(x, w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"])
    heads, width = config["num_attention_heads"], x.shape[1] // config["num_attention_heads"]
    erf = np.vectorize(math.erf)
    for layer in range(config["num_hidden_layers"]):
        base = f"encoder.layer.{layer}."

        def dense(name: str, value: NDArray[np.float64], base: str = base) -> NDArray[np.float64]:
            return np.asarray(value @ w[f"{base}{name}.weight"].T + w[f"{base}{name}.bias"])

        q, k, v = (dense(f"attention.self.{part}", x) for part in ("query", "key", "value"))
        mixed = np.zeros_like(x)
        for head in range(heads):
            own = slice(head * width, (head + 1) * width)
            weights = np.exp(q[:, own] @ k[:, own].T / math.sqrt(width))
            mixed[:, own] = weights / weights.sum(-1, keepdims=True) @ v[:, own]
        norm = f"{base}attention.output.LayerNorm"
        x = _norm(x + dense("attention.output.dense", mixed), w[f"{norm}.weight"], w[f"{norm}.bias"])
        hidden = dense("intermediate.dense", x)
        hidden = hidden * 0.5 * (1 + erf(hidden / math.sqrt(2)))
        norm = f"{base}output.LayerNorm"
        x = _norm(x + dense("output.dense", hidden), w[f"{norm}.weight"], w[f"{norm}.bias"])
    mean = x.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def test_vectors_equal_those_of_a_plain_encoder(encoder: MiniLM) -> None:
    plain = np.stack([plainly_encoded(text, model_folder()) for text in TEXTS])
    assert (encoder.encode(TEXTS) * plain).sum(axis=1).min() > 0.999999


def test_a_text_has_the_same_vector_alone_and_in_a_batch(encoder: MiniLM) -> None:
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=2e-6)


def test_vectors_have_length_one_and_meaning(encoder: MiniLM) -> None:
    vectors = encoder.encode(["The cat sleeps.", "A kitten is sleeping.", "Interest rates rose."])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3
    assert encoder.encode([]).shape == (0, 384)


def test_word_vectors_know_near_words(encoder: MiniLM) -> None:
    cost, price, viseme = encoder.word_vectors(["cost", "price", "viseme"])
    assert cost @ price > cost @ viseme + 0.2


def test_gelu_is_exact_to_single_precision() -> None:
    x = np.linspace(-8, 8, 4001, dtype=np.float32).reshape(-1, 1)
    exact = [v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x[:, 0].astype(float)]
    gelu(x)
    np.testing.assert_allclose(x[:, 0], exact, atol=1e-6)


def test_packs_hold_every_row_once_and_stay_small() -> None:
    lengths = [100, 200, 90, 500, 1]
    groups = list(packs(lengths, most=384))
    assert [row for group in groups for row in group] == [0, 1, 2, 3, 4]
    assert all(len(group) == 1 or sum(lengths[row] for row in group) <= 384 for group in groups)


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"\x05\0\0\0\0\0\0\0nojso")
    with pytest.raises(Broken, match="damaged"):
        MiniLM(tmp_path)
