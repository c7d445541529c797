"""wav2vec 2.0 as EmoTalk uses it, on rows: the frames of several utterances lie one after another in one matrix.

Products by weights do not care where an utterance ends, so a batch of unequal lengths costs no padding and no utterance
sees another. Attention, the position convolution and interpolation go utterance by utterance, equal lengths together.
transformers' encoder layers want padded batches and split products; their convolutions keep time last, which costs a
transposition for each normalisation. That is why these are our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from services.emotalk.engines.emotalk.architecture import (
    HEADS,
    HIDDEN,
    KERNELS,
    POSITION_GROUPS,
    POSITION_KERNEL,
    STRIDES,
    ConvolutionLayer,
    EncoderLayer,
    FeatureExtractor,
    Wav2Vec2,
)
from services.emotalk.engines.emotalk.products import PRODUCTS, Precision, Product

EPSILON = 1e-5

BLOCK = 1024
"""Frames of a convolution computed at a time, so that product, norm and activation meet in the cache."""

gelu = torch.ops.aten.gelu
gelu_ = torch.ops.aten.gelu_


class Norm:
    def __init__(self, layer: nn.LayerNorm) -> None:
        self._weight, self._bias = layer.weight.detach().clone(), layer.bias.detach().clone()

    def __call__(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self._weight.shape, self._weight, self._bias, EPSILON)


def product(layer: nn.Linear, precision: Precision) -> Product:
    return PRODUCTS[precision](layer.weight.detach(), layer.bias.detach())


class Convolution:
    """A strided convolution over time as products of overlapping rows; channels last, [T, in] -> [T', out].

    The taps are taken a stride at a time: within such a group a row's inputs lie side by side in memory, apart from the
    next row's. Of a single channel they are copied instead, all taps at once.
    """

    def __init__(self, layer: ConvolutionLayer, kernel: int, stride: int, precision: Precision) -> None:
        weight = layer.conv.weight.detach()
        self._kernel, self._stride, self._inputs = kernel, stride, weight.shape[1]
        self._groups: list[tuple[int, int, Product]] = []
        together = kernel if self._inputs == 1 else stride
        for first in range(0, kernel, together):
            taps = weight[:, :, first : first + together]
            flat = taps.permute(0, 2, 1).reshape(len(weight), -1).contiguous()
            bias = layer.conv.bias.detach() if first == 0 and layer.conv.bias is not None else None
            self._groups.append((first, flat.shape[1], PRODUCTS[precision](flat, bias)))
        self._outputs = len(weight)
        self._norm = Norm(layer.layer_norm)

    def __call__(self, x: Tensor) -> Tensor:
        frames = (len(x) - self._kernel) // self._stride + 1
        out = x.new_empty(frames, self._outputs)
        for first in range(0, frames, BLOCK):
            block = out[first : first + BLOCK]
            gelu.out(self._norm(self._convolved(x, first, len(block))), out=block)
        return out

    def _convolved(self, x: Tensor, first: int, frames: int) -> Tensor:
        y: Tensor | None = None
        for tap, width, taps in self._groups:
            start = x.storage_offset() + (first * self._stride + tap) * self._inputs
            y = taps(x.as_strided((frames, width), (self._stride * self._inputs, 1), start), y)
        assert y is not None
        return y


class FrontEnd:
    """Waveform to features at about 50 Hz: float32[n] -> float32[Tc, channels]."""

    def __init__(self, extractor: FeatureExtractor, precision: Precision) -> None:
        self._layers = [
            Convolution(layer, kernel, stride, precision)
            for layer, kernel, stride in zip(extractor.conv_layers, KERNELS, STRIDES, strict=True)
            if isinstance(layer, ConvolutionLayer)
        ]

    def __call__(self, waveform: Tensor) -> Tensor:
        x = waveform[:, None]
        for layer in self._layers:
            x = layer(x)
        return x


def resampled(rows: Tensor, frames: int) -> Tensor:
    """Linear interpolation over time, first and last row kept: [T, c] -> [frames, c]."""
    return F.interpolate(rows.t()[None], size=frames, mode="linear", align_corners=True)[0].t()


def runs(lengths: Sequence[int]) -> list[tuple[int, int, int]]:
    """(first row, how many utterances, rows of each) of each stretch of equally long neighbours."""
    found, first = [], 0
    for length, group in groupby(lengths):
        count = len(list(group))
        found.append((first, count, length))
        first += count * length
    return found


class PositionEmbedding:
    """x + gelu(convolution(x)), 128 taps in 16 groups of channels; a product for each group of the unfolded rows."""

    def __init__(self, model: Wav2Vec2, precision: Precision) -> None:
        convolution = model.encoder.pos_conv_embed.conv
        width = HIDDEN // POSITION_GROUPS
        weight = convolution.weight().detach().view(POSITION_GROUPS, width, width, POSITION_KERNEL).transpose(2, 3)
        bias = convolution.bias.detach().view(POSITION_GROUPS, width)
        self._products = [
            PRODUCTS[precision](w.reshape(width, -1).contiguous(), b.contiguous())
            for w, b in zip(weight, bias, strict=True)
        ]

    def __call__(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        out = torch.empty_like(x)
        width = HIDDEN // POSITION_GROUPS
        half = POSITION_KERNEL // 2
        for first, count, frames in runs(lengths):
            rows = x[first : first + count * frames].view(count, frames, HIDDEN)
            padded = F.pad(rows, (0, 0, half, half)).view(count, -1, POSITION_GROUPS, width)
            for group, apply in enumerate(self._products):
                channels = padded[:, :, group].contiguous()
                strides = (channels.stride(0), width, 1)
                unfolded = channels.as_strided((count, frames, width * POSITION_KERNEL), strides).reshape(
                    count * frames, -1
                )
                out[first : first + count * frames, group * width : (group + 1) * width] = apply(unfolded)
        embedded: Tensor = gelu_(out)
        return embedded.add_(x)


class Layer:
    """x + attention(norm(x)), then x + feed-forward(norm(x))."""

    def __init__(self, layer: EncoderLayer, precision: Precision) -> None:
        attention, feed = layer.attention, layer.feed_forward
        projections = (attention.q_proj, attention.k_proj, attention.v_proj)
        weight = torch.cat([p.weight.detach() for p in projections])
        bias = torch.cat([p.bias.detach() for p in projections])
        self._qkv = PRODUCTS[precision](weight, bias)
        self._out = product(attention.out_proj, precision)
        self._widen, self._narrow = product(feed.intermediate_dense, precision), product(feed.output_dense, precision)
        self._before, self._between = Norm(layer.layer_norm), Norm(layer.final_layer_norm)

    def __call__(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        qkv = self._qkv(self._before(x))
        x = self._out(self_attention(qkv, lengths, HEADS)).add_(x)
        return self._narrow(gelu_(self._widen(self._between(x)))).add_(x)


def self_attention(qkv: Tensor, lengths: Sequence[int], heads: int, bias: Sequence[Tensor] | None = None) -> Tensor:
    """[rows, 3 * width] -> [rows, width]. bias: one [heads, T, T] a run of equal lengths, added to the scores."""
    width = qkv.shape[1] // 3
    out = qkv.new_empty(len(qkv), width)
    for place, (first, count, frames) in enumerate(runs(lengths)):
        block = qkv[first : first + count * frames].view(count, frames, 3, heads, width // heads)
        q, k, v = block.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=bias[place] if bias else None)
        out[first : first + count * frames] = seen.transpose(1, 2).reshape(count * frames, width)
    return out


class TransformerEncoder:
    """Features at the frame rate wanted to hidden states: [rows, channels] -> [rows, 1024]."""

    def __init__(self, model: Wav2Vec2, precision: Precision) -> None:
        self._norm = Norm(model.feature_projection.layer_norm)
        self._project = product(model.feature_projection.projection, precision)
        self._position = PositionEmbedding(model, precision)
        self._layers = [Layer(layer, precision) for layer in model.encoder.layers if isinstance(layer, EncoderLayer)]
        self._last = Norm(model.encoder.layer_norm)

    def __call__(self, features: Tensor, lengths: Sequence[int]) -> Tensor:
        x = self._position(self._project(self._norm(features)), lengths)
        for layer in self._layers:
            x = layer(x, lengths)
        return self._last(x)
