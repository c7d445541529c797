"""`flashback weights`: the checkpoints this project knows, and which of them may be used commercially."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from flashback import weights
from flashback.errors import NotLicensed


def run(commercial_only: bool, as_json: bool) -> None:
    """Prints every checkpoint with its licence.

    commercial_only: only those whose licence allows commercial use; raises NotLicensed naming the others afterwards.
    """
    known = weights.known()
    shown = [c for c in known if c.commercial or not commercial_only]
    if as_json:
        for c in shown:
            print(json.dumps(asdict(c)))
    else:
        Console().print(_table(shown))
    refused = [f"{c.name} ({c.licence})" for c in known if c not in shown]
    if refused:
        raise NotLicensed(f"Refused, because their licences forbid commercial use: {', '.join(refused)}.")


def _table(shown: list[weights.Checkpoint]) -> Table:
    table = Table("weights", "service", "licence", "commercial use", "by default", box=None, pad_edge=False)
    for c in shown:
        table.add_row(c.name, c.service, c.licence, "yes" if c.commercial else "no", "yes" if c.default else "no")
    return table
