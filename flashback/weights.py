"""The checkpoints this project knows (`third_party/weights.toml`), and which of them may be used."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from flashback.errors import Broken, NotLicensed
from flashback.settings import PACKAGE_ROOT

TABLE = PACKAGE_ROOT / "third_party" / "weights.toml"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """licence: SPDX expression of the files. commercial: whether it allows commercial use.

    default: the embedded profile needs it.
    """

    name: str
    service: str
    source: str
    licence: str
    commercial: bool
    default: bool


def known() -> list[Checkpoint]:
    """Every checkpoint in the table, in its order. Raises Broken when the table cannot be read."""
    try:
        entries = tomllib.loads(TABLE.read_text(encoding="utf-8"))["weights"]
        return [
            Checkpoint(e["name"], e["service"], e["source"], e["licence"], e["commercial"], not e["non_default"])
            for e in entries
        ]
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise Broken(f"{TABLE} cannot be read ({type(error).__name__}).") from error


def require_licence(name: str, commercial_only: bool) -> None:
    """Raises NotLicensed when only checkpoints for commercial use are wanted and the named one is not one of them."""
    found = next((c for c in known() if c.name == name), None)
    if found is None:
        raise Broken(f"{TABLE} does not name {name}.")
    if commercial_only and not found.commercial:
        raise NotLicensed(
            f"The weights of {name} are under {found.licence}, which forbids commercial use, and --commercial-only is "
            f"set; choose another engine for {found.service}."
        )
