"""The `flashback` command."""

from __future__ import annotations

import sys

from flashback.errors import FlashbackError


def main() -> None:
    """Runs the command line; a FlashbackError becomes one line on standard error and exit status 1."""
    from flashback.cli.commands import app

    try:
        app()
    except FlashbackError as error:
        print(f"flashback: {error.message}", file=sys.stderr)
        sys.exit(1)
