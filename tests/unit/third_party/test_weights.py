"""third_party/weights.toml says what is true of the model files that are installed."""

import hashlib
import tomllib
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WEIGHTS = tomllib.loads((ROOT / "third_party" / "weights.toml").read_text(encoding="utf-8"))["weights"]
PACKAGED = [entry for entry in WEIGHTS if entry["package"]]


def sha256(path):
    """Hash of a file, or of the sorted lines "hash  path" of a folder's files."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = sorted(p for p in path.rglob("*") if p.is_file())
    lines = "".join(f"{sha256(p)}  {p.relative_to(path).as_posix()}\n" for p in files)
    return hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize("entry", WEIGHTS, ids=lambda entry: entry["name"])
def test_every_entry_says_where_it_comes_from_and_under_which_licence(entry):
    assert entry["source"]
    assert entry["licence"]
    assert entry["evidence"]
    assert isinstance(entry["commercial"], bool)
    assert isinstance(entry["non_default"], bool)
    assert (ROOT / "services" / entry["service"]).is_dir()
    assert bool(entry["files"]) == bool(entry["package"])


@pytest.mark.parametrize("entry", PACKAGED, ids=lambda entry: entry["name"])
def test_installed_files_have_the_recorded_hashes(entry):
    try:
        installed = version(entry["package"])
    except PackageNotFoundError:
        pytest.skip(f"{entry['package']} is not installed")
    assert installed == entry["version"], "another release: hash it again and check its licence"
    folder = Path(find_spec(entry["module"]).submodule_search_locations[0])
    found = {file["path"]: sha256(folder / file["path"]) for file in entry["files"]}
    assert found == {file["path"]: file["sha256"] for file in entry["files"]}


def test_a_default_service_needs_no_licence_that_forbids_commercial_use():
    assert [entry["name"] for entry in WEIGHTS if not entry["non_default"] and not entry["commercial"]] == []
