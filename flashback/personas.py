"""Personas: one folder each under personas/, described by persona.toml. An id never leaves its folder."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flashback.errors import Broken, InvalidInput, NotFound
from flashback.settings import HouseSettings

PERSONA_ID = re.compile(r"[a-z0-9-]{1,64}")


@dataclass(frozen=True)
class Look:
    """Colour look. `lut` names a preset or a .cube file in the persona's folder; `intensity` is 0..1."""

    lut: str = "cinematic"
    intensity: float = 0.35
    badge: bool = True


@dataclass(frozen=True)
class Persona:
    """What every service may know of a persona. Texts are plain speech."""

    id: str
    folder: Path
    corpus: Path
    name: str
    languages: tuple[str, ...]
    greeting: str
    about: str
    synthetic: bool
    questions: tuple[str, ...] = ()
    look: Look = field(default_factory=Look)
    voice: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def portrait(self) -> Path:
        return self.folder / "portrait.png"

    @property
    def head(self) -> Path:
        """A glTF binary with the 52 ARKit shapes as morph targets; not every persona has one."""
        return self.folder / "head.glb"


def check_id(persona_id: str) -> str:
    """Returns the id. Raises InvalidInput unless it matches [a-z0-9-]{1,64}."""
    if not PERSONA_ID.fullmatch(persona_id):
        raise InvalidInput("A persona id is 1 to 64 characters of a-z, 0-9 and '-'.")
    return persona_id


def known(settings: HouseSettings | None = None) -> list[str]:
    """Ids of the personas installed."""
    root = (settings or HouseSettings()).personas_dir
    return sorted(f.parent.name for f in root.glob("*/persona.toml") if PERSONA_ID.fullmatch(f.parent.name))


def load(persona_id: str, settings: HouseSettings | None = None) -> Persona:
    """Reads personas/<id>/persona.toml.

    Raises InvalidInput for a malformed id, NotFound for an unknown one, Broken when the file is damaged, or when the
    persona shows a real person and no consent.toml is there.
    """
    settings = settings or HouseSettings()
    folder = settings.personas_dir / check_id(persona_id)
    file = folder / "persona.toml"
    if not file.is_file():
        names = ", ".join(known(settings)) or "none"
        raise NotFound(f"There is no persona {persona_id!r}. Installed: {names}.")
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        own = folder / "corpus"
        persona = Persona(
            id=persona_id,
            folder=folder,
            corpus=own if own.is_dir() or persona_id != settings.default_persona else settings.home / "corpus",
            name=str(table["name"]),
            languages=tuple(table.get("languages", ["en"])),
            greeting=str(table["greeting"]),
            about=str(table["about"]),
            synthetic=bool(table["synthetic"]),
            questions=tuple(table.get("questions", ())),
            look=_look(table.get("look", {})),
            voice=dict(table.get("voice", {})),
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise Broken(f"Persona {persona_id!r}: persona.toml is damaged ({error}).") from error
    if not persona.synthetic and not (folder / "consent.toml").is_file():
        raise Broken(f"Persona {persona_id!r} shows a real person and has no consent.toml; it is not loaded.")
    return persona


def _look(table: dict[str, Any]) -> Look:
    look = Look(**table)
    if not (isinstance(look.intensity, (int, float)) and 0 <= look.intensity <= 1):
        raise ValueError("look.intensity must be a number between 0 and 1")
    if not isinstance(look.lut, str) or not isinstance(look.badge, bool):
        raise ValueError("look.lut is a name and look.badge is true or false")
    return look
