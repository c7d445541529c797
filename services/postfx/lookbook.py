"""Which look belongs to whom: a persona's, unless the settings override it; prepared once, shared by all sessions."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from flashback import personas
from flashback.errors import Broken, NotFound
from flashback.settings import HouseSettings
from services.postfx.badge import I420Badge
from services.postfx.engine import GradeEngine, Grader, Pixels
from services.postfx.lut import Lut, parse_cube
from services.postfx.settings import PostFxSettings

PRESETS = Path(__file__).parent / "looks"
_KEPT = 16


@dataclass(frozen=True)
class PreparedLook:
    """A look with its tables. grader is None where the colours are left alone."""

    grader: Grader | None
    badge: bool

    def still(self, pixels: Pixels) -> Pixels:
        """RGB(A) (h, w, 3 or 4) -> graded."""
        return pixels if self.grader is None else self.grader.still(pixels)

    def frame(self, i420: Pixels, width: int, height: int, overlay: I420Badge | None) -> Pixels:
        """I420 planes -> graded and, with an overlay, badged; a new array."""
        out = i420.copy() if self.grader is None else self.grader.frame(i420, width, height)
        if overlay is not None:
            overlay.blend(out)
        return out


class LookBook:
    """Finds and keeps looks; thread-safe; the last 16 looks stay ready."""

    def __init__(self, engine: GradeEngine, settings: PostFxSettings, house: HouseSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._house = house
        self._lock = threading.Lock()
        self._graders: OrderedDict[tuple[Path, int, float], Grader] = OrderedDict()

    def look(self, persona_id: str) -> PreparedLook:
        """The look of a persona (empty: the default one). Blocking. Raises InvalidInput, NotFound, Broken."""
        persona = personas.load(persona_id or self._house.default_persona, self._house)
        chosen = self._settings
        intensity = persona.look.intensity if chosen.intensity is None else chosen.intensity
        badge = persona.look.badge if chosen.badge is None else chosen.badge
        path = find(persona.look.lut, persona.folder) if chosen.lut is None else find(chosen.lut, None)
        return PreparedLook(None if path is None or intensity == 0 else self._grader(path, intensity), badge)

    def _grader(self, path: Path, intensity: float) -> Grader:
        key = (path, path.stat().st_mtime_ns, round(intensity, 3))
        with self._lock:
            if key not in self._graders:
                self._graders[key] = self._engine.grader(read(path), intensity)
                while len(self._graders) > _KEPT:
                    self._graders.popitem(last=False)
            self._graders.move_to_end(key)
            return self._graders[key]


def find(name: str, folder: Path | None) -> Path | None:
    """The .cube file a look names: a preset, or a file in the persona's `folder`, or any path where folder is None.

    None for "none" or an empty name. Raises NotFound, and Broken for a name that leaves the folder.
    """
    if name in ("", "none"):
        return None
    presets = {f.stem: f for f in PRESETS.glob("*.cube")}
    if name in presets:
        return presets[name]
    path = Path(name) if folder is None else folder / name
    if folder is not None and not path.resolve().is_relative_to(folder.resolve()):
        raise Broken(f"The look's table {name!r} lies outside the persona's folder.")
    if path.suffix.lower() != ".cube" or not path.is_file():
        known = ", ".join(sorted(presets))
        raise NotFound(f"There is no look {name!r}: use a preset ({known}), none, or a .cube file.")
    return path


def read(path: Path) -> Lut:
    """A .cube file. Raises Broken, naming the file."""
    try:
        return parse_cube(path.read_text(encoding="utf-8", errors="replace"))
    except Broken as error:
        raise Broken(f"{path.name}: {error.message}") from error
    except OSError as error:
        raise Broken(f"{path.name} cannot be read ({error.strerror}).") from error
