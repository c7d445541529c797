"""Reading a checkpoint: from a pickled .pth or a .safetensors file to modules, strictly by its own key names."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from flashback.errors import Broken, MissingEngine
from services.emotalk.engines.emotalk.architecture import EmoTalkCheckpoint, sizes

CONTENT = "audio_encoder_cont"
EMOTION = "audio_encoder_emo.wav2vec2"
WRAPPERS = ("state_dict", "model", "model_state_dict")
SPELLINGS = {
    "parametrizations.weight.original0": "weight_g",
    "parametrizations.weight.original1": "weight_v",
}
"""Weight norm's parameters as newer torch names them, and as the published file does."""
NAMED = 6


def load(path: Path) -> EmoTalkCheckpoint:
    """The modules with the file's tensors, float32, on the CPU.

    Raises MissingEngine when there is no such file, Broken when it cannot be read, or does not hold exactly the
    tensors of this network (each missing, unknown or misshapen key is named, up to six of a kind).
    """
    return from_state(read(path))


def read(path: Path) -> dict[str, Tensor]:
    """The file's tensors by key. Pickled code is not run: a file with anything but tensors in it is refused."""
    if not path.is_file():
        raise MissingEngine(
            f"There is no EmoTalk checkpoint at {path}; put the published EmoTalk.pth there, or set MODEL_PATH."
        )
    try:
        if path.suffix == ".safetensors":
            return _safetensors(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise Broken(f"{path} cannot be read as a checkpoint ({type(error).__name__}); download it again.") from error
    for name in WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(name), Mapping):
            loaded = loaded[name]
    if not isinstance(loaded, Mapping) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise Broken(f"{path} holds something else than a table of tensors; it is not an EmoTalk checkpoint.")
    return {str(key): value for key, value in loaded.items()}


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors.torch import load_file
    except ImportError as error:
        raise MissingEngine("A .safetensors checkpoint needs the package safetensors; install it.") from error
    try:
        return dict(load_file(path))
    except Exception as error:
        raise Broken(f"{path} cannot be read as a checkpoint ({type(error).__name__}); download it again.") from error


def canonical(key: str) -> str:
    """A key as the published file spells it: without the prefix of data-parallel training, weight norm as g and v."""
    key = key.removeprefix("module.")
    for found, wanted in SPELLINGS.items():
        if key.endswith(found):
            return key.removesuffix(found) + wanted
    return key


def from_state(state: Mapping[str, Tensor]) -> EmoTalkCheckpoint:
    """Modules of the sizes that the tensors have. Raises Broken as `load` does."""
    tensors = {canonical(key): value for key, value in state.items()}
    shapes = {key: tuple(value.shape) for key, value in tensors.items()}
    try:
        content, emotion = sizes(shapes, CONTENT), sizes(shapes, EMOTION)
    except KeyError as error:
        raise Broken(f"This is not an EmoTalk checkpoint: it has no tensor {error.args[0]}.") from error
    with torch.device("meta"):
        model = EmoTalkCheckpoint(content, emotion)
    expected = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    complaints = [
        *_complaint("is missing", sorted(expected.keys() - shapes.keys())),
        *_complaint("is unknown", sorted(shapes.keys() - expected.keys())),
        *_complaint("has another shape", [k for k in sorted(expected) if k in shapes and expected[k] != shapes[k]]),
    ]
    if complaints:
        raise Broken(f"The checkpoint does not fit EmoTalk: {'; '.join(complaints)}.")
    model.load_state_dict({key: value.float() for key, value in tensors.items()}, strict=True, assign=True)
    return model.requires_grad_(False).eval()


def _complaint(what: str, keys: list[str]) -> list[str]:
    if not keys:
        return []
    rest = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return [f"{', '.join(keys[:NAMED])}{rest} {what}"]
