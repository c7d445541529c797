"""Prepared models on disk, so that a second start reads in a moment what the first one worked out in seconds.

A file's name is a digest of all that the model depends on: the persona's files, the size, the look (probed with a small
picture of many colours), the badge, and this package's own code. A file that cannot be read is made anew.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import os
import types
import typing
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.renderer.engines.rig.files import Grade
from services.renderer.engines.rig.model import Badge, RigModel, load_rig

log = logging.getLogger(__name__)

KEPT = 8
"""Files kept in the cache folder; the least recently used go first."""


def load_stored(cache: Path, folder: Path, size: int, grade: Grade, badge: Badge | None) -> RigModel:
    """As load_rig, by way of the folder `cache`. Raises PersonaError."""
    file = cache / f"{folder.name}-{size}-{_digest(folder, size, grade, badge)}.npz"
    try:
        with np.load(file, allow_pickle=False) as stored:
            model = _unpack(RigModel, "", stored)
        os.utime(file)
        return typing.cast(RigModel, model)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        log.warning("prepared model not readable, making it anew", extra={"persona": folder.name, "why": repr(error)})
    model = load_rig(folder, size, grade, badge)
    try:
        _write(file, model)
    except OSError as error:
        log.warning("prepared model not kept", extra={"persona": folder.name, "why": str(error)})
    return model


def _digest(folder: Path, size: int, grade: Grade, badge: Badge | None) -> str:
    digest = hashlib.sha256(f"{size}".encode())
    own = sorted(Path(__file__).parent.glob("*.py"))
    for file in [*own, *sorted(f for f in folder.rglob("*") if f.suffix in (".png", ".npz"))]:
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    steps = np.linspace(0, 255, 16).astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(64, 64, 3)
    digest.update(grade(colours).tobytes())
    if badge is not None:
        digest.update(f"{badge.x},{badge.y}".encode() + badge.picture.tobytes())
    return digest.hexdigest()[:24]


def _write(file: Path, model: RigModel) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{os.getpid()}-{file.name}")
    with fresh.open("wb") as out:
        np.savez(out, allow_pickle=False, **dict(_pack(model, "")))
    fresh.replace(file)
    files = sorted(file.parent.glob("*.npz"), key=lambda f: f.stat().st_mtime, reverse=True)
    for old in files[KEPT:]:
        old.unlink(missing_ok=True)


def _pack(value: Any, path: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """Every number and array within nested dataclasses and tuples, by its path."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _pack(getattr(value, field.name), f"{path}/{field.name}")
    elif isinstance(value, tuple):
        yield f"{path}/#", np.array(len(value))
        for place, item in enumerate(value):
            yield from _pack(item, f"{path}/{place}")
    else:
        yield path, np.asarray(value)


def _unpack(kind: Any, path: str, stored: Any) -> Any:
    """The inverse of _pack for a value of type `kind`. Raises KeyError when something is missing."""
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return typing.cast(type, kind)(
            **{f.name: _unpack(hints[f.name], f"{path}/{f.name}", stored) for f in dataclasses.fields(kind)}
        )
    if origin is tuple:
        count = int(stored[f"{path}/#"])
        inner = typing.get_args(kind)
        each = [inner[0]] * count if inner[-1] is Ellipsis else inner
        return tuple(_unpack(k, f"{path}/{place}", stored) for place, k in enumerate(each[:count]))
    array = stored[path]
    return kind(array.item()) if isinstance(kind, type) and not isinstance(kind, types.GenericAlias) else array
