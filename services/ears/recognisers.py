"""A recogniser for each persona: fetched vocabulary -> built model on disk -> loaded recogniser."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flashback import personas
from flashback.settings import HouseSettings
from services.ears.engine import Engine, Material, Recogniser

log = logging.getLogger(__name__)


class Teacher(Protocol):
    """Where material and pronunciations come from. Both raise Unavailable when their service does not answer."""

    async def material(self, persona_id: str) -> Material: ...

    async def pronounce(self, words: Sequence[str]) -> dict[str, list[str]]:
        """ARPAbet by word; words without a pronunciation are left out."""
        ...


@dataclass(frozen=True)
class Prepared:
    recogniser: Recogniser
    rebuilt: bool


def own_process() -> Executor:
    """Building is seconds of pure computation: in a process of its own, sessions keep hearing meanwhile."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


class Recognisers:
    """Loaded recognisers by persona, one preparation at a time for each."""

    def __init__(
        self, engine: Engine, teacher: Teacher, house: HouseSettings, builder: Callable[[], Executor] = own_process
    ) -> None:
        self._builder = builder
        self._engine = engine
        self._teacher = teacher
        self._house = house
        self._loaded: dict[str, tuple[str, Recogniser]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def ready(self, persona_id: str) -> Recogniser | None:
        """The persona's recogniser, if it is loaded."""
        found = self._loaded.get(persona_id)
        return found[1] if found else None

    async def prepare(self, persona_id: str) -> Prepared:
        """Loads the persona's recogniser, building its model first when the documents or the engine changed.

        Raises InvalidInput, NotFound and Broken for the persona, Unavailable when another service is not there yet.
        """
        persona = await asyncio.to_thread(personas.load, persona_id, self._house)
        async with self._locks.setdefault(persona.id, asyncio.Lock()):
            if not self._engine.needs_material:
                return await self._load(persona.id, "", None, False)
            material = await self._teacher.material(persona.id)
            root = self._house.data_dir / "personas" / persona.id / "speech"
            key = f"{self._engine.name}-{self._engine.fingerprint()}-{material.version}"
            folder = root / "".join(c if c.isalnum() or c in "-." else "_" for c in key)
            rebuilt = not folder.is_dir()
            if rebuilt:
                await self._build(material, root, folder)
            return await self._load(persona.id, key, folder, rebuilt)

    async def _load(self, persona_id: str, key: str, folder: Path | None, rebuilt: bool) -> Prepared:
        found = self._loaded.get(persona_id)
        if found and found[0] == key and not rebuilt:
            return Prepared(found[1], False)
        recogniser = await asyncio.to_thread(self._engine.load, folder, persona_id)
        self._loaded[persona_id] = (key, recogniser)
        return Prepared(recogniser, rebuilt)

    async def _build(self, material: Material, root: Path, folder: Path) -> None:
        unknown = await asyncio.to_thread(self._engine.unknown_words, material)
        spoken = await self._teacher.pronounce(unknown) if unknown else {}
        loop = asyncio.get_running_loop()
        builder = self._builder()
        try:
            await loop.run_in_executor(builder, build_beside, self._engine, material, spoken, root, folder)
        finally:
            builder.shutdown(wait=False)
        log.info(
            "language model built",
            extra={"persona": material.persona_id, "sentences": len(material.sentences), "asked": len(unknown)},
        )


def build_beside(
    engine: Engine, material: Material, spoken: Mapping[str, Sequence[str]], root: Path, folder: Path
) -> None:
    """Builds beside and renames into place; models of earlier documents are removed afterwards."""
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".building-", ignore_cleanup_errors=True) as beside:
        made = Path(beside) / "model"
        made.mkdir()
        engine.build(material, spoken, made)
        made.rename(folder)
    for old in root.iterdir():
        if old != folder and not old.name.startswith("."):
            shutil.rmtree(old, ignore_errors=True)
