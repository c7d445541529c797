"""What a reader may spend on one file, and the error it raises when a file cannot be ingested."""

from __future__ import annotations

from dataclasses import dataclass

SAVE_AGAIN = "open it in the program it was made with and save it again"


class Unreadable(Exception):
    """A file that cannot be ingested; the message says why, and what the user can do, in a few words."""


@dataclass(frozen=True)
class Limits:
    """The most that one file may cost.

    `file_bytes` counts the file on disk, `unpacked_bytes` and `entries` what comes out of a compressed one,
    `characters` the text that is kept, `pages` those of a PDF, `records` those of a web archive.
    """

    file_bytes: int = 100_000_000
    unpacked_bytes: int = 500_000_000
    entries: int = 10_000
    characters: int = 10_000_000
    pages: int = 5_000
    records: int = 100_000

    def check_text(self, characters: int) -> None:
        """Raises Unreadable for more text than is kept of one file."""
        if characters > self.characters:
            raise Unreadable(f"it holds more than {self.characters / 1e6:g} million characters of text; split it")


DEFAULT_LIMITS = Limits()
