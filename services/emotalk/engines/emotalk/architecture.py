"""The module tree of the published checkpoint, under its own key names (Peng et al., "EmoTalk", ICCV 2023).

These modules only hold parameters: `inference.py` computes with them. Sizes are read off a checkpoint's shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import Parameter

HIDDEN = 1024
HEADS = 16
KERNELS = (10, 3, 3, 3, 3, 2, 2)
STRIDES = (5, 2, 2, 2, 2, 2, 2)
POSITION_KERNEL = 128
POSITION_GROUPS = 16
LETTERS = 32
EMOTIONS = 7
DECODER = 832
DECODER_HEADS = 4
CONTENT = 512
MOOD = 256
STYLE = 32
LEVELS = 2
PERSONS = 24
CHANNELS = 52


@dataclass(frozen=True, slots=True)
class Sizes:
    """What differs between checkpoints: an encoder's depth, its feed-forward width, its convolutions' channels."""

    layers: int
    feed_forward: int
    convolution: int


def sizes(shapes: Mapping[str, Sequence[int]], encoder: str) -> Sizes:
    """Sizes of one encoder, by its key prefix. Raises KeyError when the checkpoint has none there."""
    prefix = f"{encoder}.encoder.layers."
    layers = {key[len(prefix) :].split(".")[0] for key in shapes if key.startswith(prefix)}
    return Sizes(
        layers=len(layers),
        feed_forward=shapes[f"{prefix}0.feed_forward.intermediate_dense.weight"][0],
        convolution=shapes[f"{encoder}.feature_extractor.conv_layers.0.conv.weight"][0],
    )


class ConvolutionLayer(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, stride)
        self.layer_norm = nn.LayerNorm(outputs)


class FeatureExtractor(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        inputs = (1, *[channels] * (len(KERNELS) - 1))
        self.conv_layers = nn.ModuleList(
            ConvolutionLayer(before, channels, kernel, stride)
            for before, kernel, stride in zip(inputs, KERNELS, STRIDES, strict=True)
        )


class FeatureProjection(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(channels)
        self.projection = nn.Linear(channels, HIDDEN)


class PositionConvolution(nn.Module):
    """Weight-normed over its taps: w = weight_g * weight_v / |weight_v|, the norm taken over outputs and inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = Parameter(torch.empty(HIDDEN))
        self.weight_g = Parameter(torch.empty(1, 1, POSITION_KERNEL))
        self.weight_v = Parameter(torch.empty(HIDDEN, HIDDEN // POSITION_GROUPS, POSITION_KERNEL))

    def weight(self) -> Tensor:
        """[1024, 64, 128]"""
        return self.weight_g * self.weight_v / self.weight_v.square().sum((0, 1), keepdim=True).sqrt()


class PositionEmbedding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = PositionConvolution()


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q_proj = nn.Linear(HIDDEN, HIDDEN)
        self.k_proj = nn.Linear(HIDDEN, HIDDEN)
        self.v_proj = nn.Linear(HIDDEN, HIDDEN)
        self.out_proj = nn.Linear(HIDDEN, HIDDEN)


class FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(HIDDEN, width)
        self.output_dense = nn.Linear(width, HIDDEN)


class EncoderLayer(nn.Module):
    def __init__(self, feed_forward: int) -> None:
        super().__init__()
        self.attention = Attention()
        self.layer_norm = nn.LayerNorm(HIDDEN)
        self.feed_forward = FeedForward(feed_forward)
        self.final_layer_norm = nn.LayerNorm(HIDDEN)


class Encoder(nn.Module):
    def __init__(self, size: Sizes) -> None:
        super().__init__()
        self.pos_conv_embed = PositionEmbedding()
        self.layer_norm = nn.LayerNorm(HIDDEN)
        self.layers = nn.ModuleList(EncoderLayer(size.feed_forward) for _ in range(size.layers))


class Wav2Vec2(nn.Module):
    """wav2vec 2.0 large, XLSR (Baevski et al. 2020; Conneau et al. 2020): pre-norm layers, normed convolutions."""

    def __init__(self, size: Sizes) -> None:
        super().__init__()
        self.masked_spec_embed = Parameter(torch.empty(HIDDEN))
        self.feature_extractor = FeatureExtractor(size.convolution)
        self.feature_projection = FeatureProjection(size.convolution)
        self.encoder = Encoder(size)
        self.lm_head = nn.Linear(HIDDEN, LETTERS)


class EmotionClassifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(HIDDEN, HIDDEN)
        self.out_proj = nn.Linear(HIDDEN, EMOTIONS)


class EmotionEncoder(nn.Module):
    def __init__(self, size: Sizes) -> None:
        super().__init__()
        self.wav2vec2 = Wav2Vec2(size)
        self.classifier = EmotionClassifier()


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.TransformerDecoderLayer(DECODER, DECODER_HEADS, DECODER, batch_first=True)])


class EmoTalkCheckpoint(nn.Module):
    """Every tensor of the checkpoint, those that no prediction needs included."""

    def __init__(self, content: Sizes, emotion: Sizes) -> None:
        super().__init__()
        self.audio_encoder_cont = Wav2Vec2(content)
        self.audio_encoder_emo = EmotionEncoder(emotion)
        self.audio_feature_map_cont = nn.Linear(HIDDEN, CONTENT)
        self.audio_feature_map_emo = nn.Linear(HIDDEN, DECODER)
        self.audio_feature_map_emo2 = nn.Linear(DECODER, MOOD)
        self.obj_vector_level = nn.Linear(LEVELS, STYLE)
        self.obj_vector_person = nn.Linear(PERSONS, STYLE)
        self.transformer_decoder = Decoder()
        self.bs_map_r = nn.Linear(DECODER, CHANNELS)
