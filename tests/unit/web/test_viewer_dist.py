"""The viewer's bundle is committed, for the stack runs where there is no node. It must be what its sources make."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
VIEWER = ROOT / "web-samples" / "blendshape-viewer"
DIST = VIEWER / "dist"
RECORD = json.loads((DIST / "sources.json").read_text(encoding="utf-8"))
REMEDY = "run `npm install && npm run build` in web-samples/blendshape-viewer"
LARGEST = 1_000_000


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "missing"


def test_the_bundle_was_made_from_the_sources_that_are_here() -> None:
    changed = [name for name, wanted in RECORD["sources"].items() if sha256(VIEWER / name) != wanted]
    assert changed == [], REMEDY


def test_every_source_is_in_the_bundle() -> None:
    here = {f"src/{file.relative_to(VIEWER / 'src').as_posix()}" for file in (VIEWER / "src").rglob("*.*")}
    assert here == {name for name in RECORD["sources"] if name.startswith("src/")}, REMEDY


def test_the_bundle_is_as_it_was_built() -> None:
    here = {f.relative_to(DIST).as_posix() for f in DIST.rglob("*") if f.is_file()} - {"sources.json"}
    assert here == set(RECORD["built"]), REMEDY
    assert [name for name, wanted in RECORD["built"].items() if sha256(DIST / name) != wanted] == [], REMEDY


def test_the_bundle_is_small_and_loads_nothing_from_elsewhere() -> None:
    assert sum((DIST / name).stat().st_size for name in RECORD["built"]) < LARGEST
    page = (DIST / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="((?:https?:)?//[^"]+)"', page) == []


def test_the_licence_of_what_is_inside_goes_with_it() -> None:
    licence = (DIST / "THIRD-PARTY-LICENSES.txt").read_text(encoding="utf-8")
    assert "The MIT License" in licence
    assert "three.js authors" in licence
    assert "THIRD-PARTY-LICENSES.txt" in (DIST / "assets" / "three.js").read_text(encoding="utf-8")[:200]
    version = json.loads((VIEWER / "package.json").read_text(encoding="utf-8"))["dependencies"]["three"]
    assert f"three.js {version} (MIT)" in (ROOT / "NOTICE").read_text(encoding="utf-8")


def test_versions_are_exact_and_no_lock_file_names_a_registry() -> None:
    package = json.loads((VIEWER / "package.json").read_text(encoding="utf-8"))
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
    assert not (VIEWER / "package-lock.json").exists()
