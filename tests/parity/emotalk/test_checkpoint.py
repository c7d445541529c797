"""Checkpoints as they are found in the field load by their own key names, strictly; the rest is refused by name."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from flashback.errors import Broken, MissingEngine
from services.emotalk.engines.emotalk import checkpoint
from tests.parity.emotalk import tiny
from tests.parity.emotalk.tiny import Tensors
from tests.parity.test_golden import GOLDEN

POSITION = "audio_encoder_cont.encoder.pos_conv_embed.conv"
FULL = GOLDEN / "emotalk" / "full" / "shapes.json"


@pytest.fixture(scope="module")
def published() -> Tensors:
    return tiny.state()


def respelt(state: Tensors) -> Tensors:
    spelt = {"conv.weight_g": "conv.parametrizations.weight.original0"}
    spelt["conv.weight_v"] = "conv.parametrizations.weight.original1"
    found = {}
    for key, value in state.items():
        old = next((suffix for suffix in spelt if key.endswith(suffix)), "")
        found[key.removesuffix(old) + spelt[old] if old else key] = value
    return found


def prefixed(state: Tensors) -> Tensors:
    return {f"module.{key}": value for key, value in state.items()}


def pickled(state: object, path: Path) -> None:
    torch.save(state, path)


def pickled_before_zip(state: object, path: Path) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("save", [pickled, pickled_before_zip])
@pytest.mark.parametrize(
    "change",
    [
        lambda state: state,
        prefixed,
        respelt,
        lambda state: prefixed(respelt(state)),
        lambda state: {"state_dict": state, "epoch": 100},
        lambda state: {key: value.double() for key, value in state.items()},
    ],
    ids=["plain", "module.", "parametrizations", "both", "wrapped", "float64"],
)
def test_a_pickled_file_loads_whatever_its_spelling(
    published: Tensors, tmp_path: Path, change: Callable[[Tensors], object], save: Callable[[object, Path], None]
):
    save(change(published), tmp_path / "EmoTalk.pth")
    model = checkpoint.load(tmp_path / "EmoTalk.pth")
    loaded = model.state_dict()
    assert loaded.keys() == published.keys()
    assert all(torch.equal(loaded[key], published[key]) for key in published)
    assert all(value.dtype == torch.float32 for value in loaded.values())


def test_a_safetensors_file_loads(published: Tensors, tmp_path: Path):
    save_file(published, tmp_path / "EmoTalk.safetensors")
    loaded = checkpoint.load(tmp_path / "EmoTalk.safetensors").state_dict()
    assert all(torch.equal(loaded[key], published[key]) for key in published)


def test_the_published_keys_and_shapes_are_exactly_ours():
    listed = json.loads(FULL.read_text())
    sizes = checkpoint.sizes(listed, checkpoint.CONTENT)
    assert len(listed) == 882
    assert tiny.shapes(sizes) == {key: list(shape) for key, shape in listed.items()}


def test_a_missing_an_unknown_and_a_misshapen_key_are_named(published: Tensors):
    state = dict(published)
    del state[f"{POSITION}.weight_g"]
    state["decoder.extra"] = torch.zeros(1)
    state["bs_map_r.bias"] = torch.zeros(51)
    with pytest.raises(Broken) as refused:
        checkpoint.from_state(state)
    assert f"{POSITION}.weight_g is missing" in refused.value.message
    assert "decoder.extra is unknown" in refused.value.message
    assert "bs_map_r.bias has another shape" in refused.value.message


def test_many_missing_keys_are_counted(published: Tensors):
    state = {key: value for key, value in published.items() if ".conv_layers." not in key or ".0.conv.weight" in key}
    with pytest.raises(Broken, match=r"and \d+ more is missing"):
        checkpoint.from_state(state)


def test_another_network_is_refused():
    with pytest.raises(Broken, match="not an EmoTalk checkpoint"):
        checkpoint.from_state({"conv.weight": torch.zeros(3)})


def test_no_file_says_where_one_belongs(tmp_path: Path):
    with pytest.raises(MissingEngine, match="MODEL_PATH"):
        checkpoint.load(tmp_path / "EmoTalk.pth")


class Payload:
    """Pickles to a call."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.mark,))


def test_code_in_a_pickle_is_not_run(tmp_path: Path):
    (tmp_path / "EmoTalk.pth").write_bytes(pickle.dumps({"x": Payload(tmp_path / "ran")}))
    with pytest.raises(Broken):
        checkpoint.load(tmp_path / "EmoTalk.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"<html>quota exceeded</html>", b"PK\x03\x04broken"])
@pytest.mark.parametrize("name", ["EmoTalk.pth", "EmoTalk.safetensors"])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes, name: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Broken, match="cannot be read"):
        checkpoint.load(tmp_path / name)


def test_a_truncated_download_is_refused(published: Tensors, tmp_path: Path):
    path = tmp_path / "EmoTalk.pth"
    torch.save(published, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert not zipfile.is_zipfile(path)
    with pytest.raises(Broken, match="cannot be read"):
        checkpoint.load(path)


def test_a_file_of_something_else_than_tensors_is_refused(tmp_path: Path):
    torch.save({"epoch": 3, "loss": 0.1}, tmp_path / "EmoTalk.pth")
    with pytest.raises(Broken, match="something else"):
        checkpoint.load(tmp_path / "EmoTalk.pth")
