"""The paths that are ingested besides a persona's own corpus: `sources.json` in its index folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flashback.errors import Broken, InvalidInput
from services.rag_llm.replacing import replace_text

SOURCES = "sources.json"


@dataclass(frozen=True)
class Root:
    """A path that is ingested, how many documents came from it, and whether it exists. `own`: the persona's corpus."""

    path: Path
    documents: int
    missing: bool
    own: bool


def paths(folder: Path) -> list[Path]:
    """The remembered paths, in the order they came. Raises Broken for a damaged list, which cannot be built again, and
    OSError when it cannot be read."""
    file = folder / SOURCES
    try:
        return [Path(str(path)) for path in json.loads(file.read_text(encoding="utf-8"))["paths"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise Broken(
            f"The list of ingested paths, {file}, is damaged ({type(error).__name__}); repair it, or remove it and "
            "ingest the paths again."
        ) from error


def change(folder: Path, add: Sequence[Path], forget: Sequence[Path]) -> list[Path]:
    """The list without what lies at or below `forget`, and with `add` at its end; written when that differs.

    Raises InvalidInput, with nothing changed, for a path to forget that would forget nothing.
    """
    before = paths(folder)
    kept = without(before, forget)
    after = list(dict.fromkeys([*kept, *add]))
    if after != before:
        folder.mkdir(parents=True, exist_ok=True)
        replace_text(folder / SOURCES, json.dumps({"paths": list(map(str, after))}, indent=1), lasting=True)
    return after


def without(known: Sequence[Path], forget: Sequence[Path]) -> list[Path]:
    """`known` less every path at or below one of `forget`. Raises InvalidInput for one that hits nothing."""
    for path in forget:
        if any(_at_or_below(one, path) for one in known):
            continue
        above = next((one for one in known if _at_or_below(path, one)), None)
        if above is not None:
            raise InvalidInput(
                f"{path} was ingested as a part of {above}: forget that as a whole, or move the file elsewhere."
            )
        told = ", ".join(map(str, known)) or "none"
        raise InvalidInput(f"{path} is not among the ingested paths ({told}).")
    return [one for one in known if not any(_at_or_below(one, path) for path in forget)]


def _at_or_below(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents
