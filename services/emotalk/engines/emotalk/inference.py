"""EmoTalk's forward pass: waveforms to blendshape weights (Peng et al., "EmoTalk: Speech-Driven Emotional
Disentanglement for 3D Face Animation", ICCV 2023)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from services.emotalk.engine import Utterance, frame_count
from services.emotalk.engines.emotalk.architecture import (
    DECODER,
    DECODER_HEADS,
    EmoTalkCheckpoint,
)
from services.emotalk.engines.emotalk.concurrency import Both, in_turn
from services.emotalk.engines.emotalk.products import PRODUCTS, Precision
from services.emotalk.engines.emotalk.wav2vec2 import (
    FrontEnd,
    Norm,
    TransformerEncoder,
    product,
    resampled,
    runs,
    self_attention,
)

PERIOD = 30
"""Frames over which the decoder's look back loses one step of its slope."""

ENCODER_RATE = 50.0
EMOTION_FPS = 30


def normalised(samples: Tensor) -> Tensor:
    """Zero mean and unit variance over the utterance: float32[n] -> float32[n]."""
    return (samples - samples.mean()) / torch.sqrt(samples.var(correction=0) + 1e-7)


def look_back_bias(frames: int, device: torch.device) -> Tensor:
    """[4, T, T]: -inf ahead of a frame, else -slope * floor(distance / 30); slopes 1/4, 1/16, 1/64, 1/256."""
    at = torch.arange(frames, device=device)
    steps = torch.div(at[:, None] - at[None, :], PERIOD, rounding_mode="floor")
    slopes = torch.tensor([4.0 ** -(head + 1) for head in range(DECODER_HEADS)], device=device)
    bias = -slopes[:, None, None] * steps
    return bias.masked_fill(at[None, :] > at[:, None], -math.inf)


def emotion_frames(features: int) -> int:
    """Frames the emotion encoder works on; float division and truncation are EmoTalk's, never none is ours."""
    return max(1, int(features / ENCODER_RATE * EMOTION_FPS))


@dataclass(slots=True)
class Trace:
    """What one utterance is on its way, for parity tests: names as in the architecture's description."""

    normalised: Tensor
    content_features: Tensor
    content_hidden: Tensor
    emotion_encoded: Tensor
    emotion_hidden: Tensor
    emotion_832: Tensor
    decoded: Tensor
    emotion_logits: Tensor


class DecoderLayer:
    """One post-norm layer. Each frame attends to its own emotion vector alone, so cross-attention is one product."""

    def __init__(self, layer: nn.TransformerDecoderLayer, precision: Precision) -> None:
        own, cross = layer.self_attn, layer.multihead_attn
        assert own.in_proj_weight is not None
        assert cross.in_proj_weight is not None
        self._qkv = PRODUCTS[precision](own.in_proj_weight.detach(), own.in_proj_bias.detach())
        self._out = product(own.out_proj, precision)
        value, value_bias = cross.in_proj_weight.detach()[2 * DECODER :], cross.in_proj_bias.detach()[2 * DECODER :]
        out, out_bias = cross.out_proj.weight.detach(), cross.out_proj.bias.detach()
        self._cross = PRODUCTS[precision](out @ value, out @ value_bias + out_bias)
        self._widen, self._narrow = product(layer.linear1, precision), product(layer.linear2, precision)
        self._norms = [Norm(norm) for norm in (layer.norm1, layer.norm2, layer.norm3)]

    def __call__(self, x: Tensor, memory: Tensor, lengths: Sequence[int]) -> Tensor:
        bias = [look_back_bias(frames, x.device) for _, _, frames in runs(lengths)]
        x = self._norms[0](x + self._out(self_attention(self._qkv(x), lengths, DECODER_HEADS, bias)))
        x = self._norms[1](x + self._cross(memory))
        return self._norms[2](x + self._narrow(F.relu(self._widen(x))))


class EmoTalkNetwork:
    """The checkpoint made ready to compute. Stateless: several threads may call it.

    precision: of the encoders; "float32" is the one that holds parity. The decoder stays in float32, and with "int8"
    the convolutions too: they copy their inputs to be quantised, which costs what it gains, and err most.
    both: how the two encoders run.
    """

    def __init__(self, model: EmoTalkCheckpoint, precision: Precision = "float32", both: Both = in_turn) -> None:
        self._both = both
        content, emotion = model.audio_encoder_cont, model.audio_encoder_emo.wav2vec2
        self.shared_front_end = equal(content.feature_extractor, emotion.feature_extractor)
        front: Precision = "float32" if precision == "int8" else precision
        self._content_front = FrontEnd(content.feature_extractor, front)
        self._emotion_front = (
            self._content_front if self.shared_front_end else FrontEnd(emotion.feature_extractor, front)
        )
        self._content = TransformerEncoder(content, precision)
        self._emotion = TransformerEncoder(emotion, precision)
        self._map_content = product(model.audio_feature_map_cont, "float32")
        self._map_emotion = product(model.audio_feature_map_emo, "float32")
        self._map_mood = product(model.audio_feature_map_emo2, "float32")
        level, person = model.obj_vector_level, model.obj_vector_person
        self._levels = (level.weight.detach() + level.bias.detach()[:, None]).t().contiguous()
        self._persons = (person.weight.detach() + person.bias.detach()[:, None]).t().contiguous()
        layer = model.transformer_decoder.layers[0]
        assert isinstance(layer, nn.TransformerDecoderLayer)
        self._decode = DecoderLayer(layer, "float32")
        self._shapes = product(model.bs_map_r, "float32")
        classifier = model.audio_encoder_emo.classifier
        self._classify = product(classifier.dense, "float32"), product(classifier.out_proj, "float32")
        self._device = model.bs_map_r.weight.device

    @torch.inference_mode()
    def predict(self, utterances: Sequence[Utterance]) -> list[Tensor]:
        """float32[frame_count(n), 52] each, on the network's device."""
        return self._forward(utterances)[0]

    @torch.inference_mode()
    def trace(self, utterance: Utterance) -> tuple[Tensor, Trace]:
        """The same for one utterance, with what lies between."""
        weights, traces = self._forward([utterance], traced=True)
        return weights[0], traces[0]

    @torch.inference_mode()
    def _content_branch(
        self, heard: Sequence[Tensor], features: list[Tensor] | None, frames: Sequence[int]
    ) -> tuple[list[Tensor], Tensor]:
        """Features of each utterance, and hidden states [sum of frames, 1024]."""
        features = features or [self._content_front(samples) for samples in heard]
        rows = torch.cat([resampled(f, t) for f, t in zip(features, frames, strict=True)])
        return features, self._content(rows, frames)

    @torch.inference_mode()
    def _emotion_branch(self, heard: Sequence[Tensor], features: list[Tensor] | None) -> Sequence[Tensor]:
        """Hidden states of each utterance, at the emotion encoder's own number of frames."""
        features = features or [self._emotion_front(samples) for samples in heard]
        frames = [emotion_frames(len(f)) for f in features]
        rows = torch.cat([resampled(f, t) for f, t in zip(features, frames, strict=True)])
        return torch.split(self._emotion(rows, frames), frames)

    def _forward(self, utterances: Sequence[Utterance], traced: bool = False) -> tuple[list[Tensor], list[Trace]]:
        order = sorted(range(len(utterances)), key=lambda place: len(utterances[place].samples))
        batch = [utterances[place] for place in order]
        once = [normalised(torch.from_numpy(u.samples).to(self._device)) for u in batch]
        heard = [normalised(samples) for samples in once]  # twice, as in training: it matters for near silence
        frames = [frame_count(len(u.samples)) for u in batch]

        features = [self._content_front(samples) for samples in heard] if self.shared_front_end else None
        (content_features, content), encoded = self._both(
            lambda: self._content_branch(heard, features, frames), lambda: self._emotion_branch(heard, features)
        )
        emotion = torch.cat([resampled(e, t) for e, t in zip(encoded, frames, strict=True)])

        memory = self._map_emotion(emotion)
        mood = F.relu(self._map_mood(memory))
        style = torch.cat(
            [
                torch.cat([self._levels[u.level], self._persons[u.person]]).expand(t, -1)
                for u, t in zip(batch, frames, strict=True)
            ]
        )
        decoded = self._decode(torch.cat([self._map_content(content), mood, style], 1), memory, frames)
        weights = torch.split(self._shapes(decoded), frames)
        found: list[Tensor] = [weights[0]] * len(batch)
        for place, rows in zip(order, weights, strict=True):
            found[place] = rows
        traces = []
        if traced:
            dense, out = self._classify
            logits = out(torch.tanh(dense(encoded[0].mean(0, keepdim=True))))
            traces = [Trace(once[0], content_features[0], content, encoded[0], emotion, memory, decoded, logits)]
        return found, traces


def equal(one: nn.Module, other: nn.Module) -> bool:
    """Whether two modules hold the same numbers: the front ends were frozen when both encoders were trained."""
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(
        mine[key].shape == theirs[key].shape and torch.equal(mine[key], theirs[key]) for key in mine
    )
