"""The engine of a tiny random checkpoint, through the code that loads the published one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2Model

from flashback.errors import InvalidInput, MissingEngine, NotLicensed
from services.emotalk.engine import Utterance, frame_count
from services.emotalk.engines.emotalk import checkpoint, create
from services.emotalk.engines.emotalk.architecture import HEADS, KERNELS, Sizes
from services.emotalk.engines.emotalk.engine import MAX_SECONDS, EmoTalkEngine
from services.emotalk.engines.emotalk.inference import EmoTalkNetwork, look_back_bias, normalised
from services.emotalk.engines.emotalk.products import PRODUCTS
from services.emotalk.engines.emotalk.wav2vec2 import FrontEnd, TransformerEncoder
from services.emotalk.settings import EmoTalkSettings
from tests.parity.emotalk.tiny import SIZES, Tensors, speech, state

CPU = torch.device("cpu")
CONTENT = "audio_encoder_cont."


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    return state()


@pytest.fixture(scope="module")
def engine(tensors: Tensors) -> Iterator[EmoTalkEngine]:
    made = EmoTalkEngine(checkpoint.from_state(tensors), CPU)
    yield made
    made.close()


@pytest.fixture(scope="module")
def file(tensors: Tensors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "EmoTalk.pth"
    torch.save(tensors, path)
    return path


def test_a_batch_of_unequal_lengths_gives_what_each_would_alone(engine: EmoTalkEngine):
    batch = [Utterance(speech(s, i), i % 2, i) for i, s in enumerate((0.7, 0.025, 2.1, 0.7, 1.0))]
    together = engine.predict(batch)
    for utterance, rows in zip(batch, together, strict=True):
        alone = engine.predict([utterance])[0]
        assert rows.shape == (frame_count(len(utterance.samples)), 52)
        assert np.abs(rows - alone).max() < 1e-5


def test_level_and_person_matter(engine: EmoTalkEngine):
    samples = speech(0.5)
    rows = engine.predict([Utterance(samples, level, person) for level, person in ((0, 0), (1, 0), (1, 23))])
    assert np.abs(rows[0] - rows[1]).max() > 1e-3
    assert np.abs(rows[1] - rows[2]).max() > 1e-3


def test_the_decoder_looks_back_only_and_less_with_every_second():
    bias = look_back_bias(70, CPU)
    assert torch.isneginf(bias[:, 2, 3:]).all()
    assert (bias[0, 69, 40:] == 0).all()
    assert (bias[0, 69, 10:40] == -0.25).all()
    assert (bias[3, 69, :10] == -2 / 256).all()


def test_the_encoder_is_transformers_wav2vec2(tensors: Tensors):
    """Same tensors, same waveform: our packed rows against an independent implementation, at its own frame rate."""
    config = Wav2Vec2Config(
        hidden_size=1024,
        num_hidden_layers=SIZES.layers,
        num_attention_heads=HEADS,
        intermediate_size=SIZES.feed_forward,
        conv_dim=[SIZES.convolution] * len(KERNELS),
        conv_bias=True,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
    )
    theirs = Wav2Vec2Model(config).eval()
    own = {k.removeprefix(CONTENT): v for k, v in tensors.items() if k.startswith(CONTENT) and "lm_head" not in k}
    names = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    for old, new in names.items():
        own[f"encoder.pos_conv_embed.conv.{new}"] = own.pop(f"encoder.pos_conv_embed.conv.{old}")
    theirs.load_state_dict(own, strict=True)
    samples = normalised(torch.from_numpy(speech(1.3)))
    model = checkpoint.from_state(tensors).audio_encoder_cont
    with torch.inference_mode():
        reference = theirs(samples[None]).last_hidden_state[0]
        features = FrontEnd(model.feature_extractor, "float32")(samples)
        found = TransformerEncoder(model, "float32")(torch.cat([features, features]), [len(features)] * 2)
    assert (found[: len(features)] - reference).abs().max() < 1e-4
    assert (found[len(features) :] - reference).abs().max() < 1e-4


def test_equal_front_ends_are_computed_once(tensors: Tensors):
    shared = dict(tensors)
    for key, value in tensors.items():
        if key.startswith(f"{CONTENT}feature_extractor."):
            shared[key.replace(CONTENT, "audio_encoder_emo.wav2vec2.")] = value
    once = EmoTalkNetwork(checkpoint.from_state(shared))
    assert once.shared_front_end
    assert not EmoTalkNetwork(checkpoint.from_state(tensors)).shared_front_end
    slightly = dict(shared)
    key = f"{CONTENT}feature_extractor.conv_layers.6.conv.bias"
    slightly[key] = shared[key] + 1e-7
    twice = EmoTalkNetwork(checkpoint.from_state(slightly))
    assert not twice.shared_front_end
    utterance = Utterance(speech(0.6))
    assert torch.allclose(once.predict([utterance])[0], twice.predict([utterance])[0], atol=1e-5)


@pytest.mark.parametrize(("precision", "limit"), [("bfloat16", 0.02), ("int8", 0.1)])
def test_lower_precisions_err_but_little(tensors: Tensors, engine: EmoTalkEngine, precision: str, limit: float):
    model = checkpoint.from_state(tensors)
    utterance = Utterance(speech(1.0))
    exact = engine.predict([utterance])[0]
    rough = EmoTalkEngine(model, CPU, precision).predict([utterance])[0]  # type: ignore[arg-type]
    assert 0 < (rough - exact).std() / exact.std() < limit


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_a_product_adds_its_bias_once(precision: str):
    weight, bias, x = torch.randn(6, 8), torch.randn(6), torch.randn(3, 8)
    made = PRODUCTS[precision](weight, bias)  # type: ignore[index]
    assert torch.allclose(made(x), x @ weight.t() + bias, atol=0.1)
    onto = torch.ones(3, 6)
    assert torch.allclose(PRODUCTS[precision](weight, None)(x, onto), 1 + x @ weight.t(), atol=0.1)  # type: ignore[index]


def test_the_settings_file_is_loaded(file: Path, engine: EmoTalkEngine):
    made = create(EmoTalkSettings(model_path=file, device="cpu"))
    utterance = Utterance(speech(0.4), 0, 5)
    assert np.array_equal(made.predict([utterance])[0], engine.predict([utterance])[0])
    assert (made.info.name, made.info.device) == ("emotalk", "cpu")


def test_the_weights_are_refused_where_only_commercial_licences_will_do(file: Path):
    with pytest.raises(NotLicensed, match="CC-BY-NC-4.0"):
        create(EmoTalkSettings(model_path=file, commercial_only=True))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is an accelerator")
def test_an_accelerator_that_is_not_there_is_named(file: Path):
    with pytest.raises(MissingEngine, match="CUDA device 1"):
        create(EmoTalkSettings(model_path=file, device="cuda:1"))


def test_more_than_the_decoder_can_look_back_is_refused(engine: EmoTalkEngine):
    with pytest.raises(InvalidInput, match="160 s"):
        engine.predict([Utterance(np.zeros(int(MAX_SECONDS * 16_000) + 1, np.float32))])


def test_deeper_and_wider_checkpoints_load_by_their_shapes():
    sizes = Sizes(layers=2, feed_forward=48, convolution=24)
    model = checkpoint.from_state(state("other", sizes))
    assert len(model.audio_encoder_cont.encoder.layers) == 2
    assert EmoTalkEngine(model, CPU).predict([Utterance(speech(0.3))])[0].shape == (9, 52)
