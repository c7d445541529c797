"""python -m tests.parity MODEL --data DIR [--json] [--only GLOB]

Runs every case of a directory of golden data through the class that production uses. DIR holds the case folders and
`tolerances.json`; a case is `folder/tensor`. Prints {case: {"diff", "tolerance", "unit"}} and exits with 1 when a case
is beyond its tolerance, was not computed, or none was found.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path

from tests.parity.golden import Outcome, compare
from tests.parity.models import MODELS


def run(model: str, data: Path, only: str = "*") -> dict[str, Outcome]:
    """Outcomes of a model's cases by `folder/tensor`. Raises FileNotFoundError without `tolerances.json`."""
    return compare(import_module(MODELS[model]).compute, data, only)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description="Parity with recorded reference runs.")
    parser.add_argument("model", choices=sorted(MODELS))
    parser.add_argument("--data", type=Path, required=True, help="folder of the case folders and tolerances.json")
    parser.add_argument("--only", default="*", help="glob over folder/tensor")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    outcomes = run(options.model, options.data, options.only)
    if options.json:
        print(json.dumps({case: outcome.as_json() for case, outcome in outcomes.items()}, indent=1))
    else:
        for case, o in outcomes.items():
            print(f"{'ok  ' if o.within else 'OVER'} {o.said:>12} of {o.tolerance:g} {o.unit:8} {case}")
    return 0 if outcomes and all(outcome.within for outcome in outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
