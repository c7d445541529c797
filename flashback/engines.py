"""Engines are found through Python entry points, group `flashback.<service>.engines`."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from flashback.errors import MissingEngine


def available(service: str) -> list[str]:
    """Names of the engines installed for a service."""
    return sorted({e.name for e in entry_points(group=f"flashback.{service}.engines")})


def load(service: str, name: str) -> Any:
    """The engine's factory (called `create` by convention).

    Raises MissingEngine when there is no such engine, or when a library it needs is not installed.
    """
    found = {e.name: e for e in entry_points(group=f"flashback.{service}.engines")}
    if name not in found:
        names = ", ".join(sorted(found)) or "none"
        raise MissingEngine(f"There is no {service} engine called {name!r}. Installed: {names}.")
    try:
        return found[name].load()
    except ImportError as error:
        brings = found[name].dist
        package = brings.name if brings else "the package that brings it"
        raise MissingEngine(
            f"The {service} engine {name!r} needs the library {error.name or error}, which is not installed; "
            f"the extras of {package} say what to install."
        ) from error
