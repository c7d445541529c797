"""The licence list is complete and says what the installed packages say."""

import runpy
from email.message import Message
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOL = runpy.run_path(str(ROOT / "tools" / "list_licences.py"))


def package(**fields):
    metadata = Message()
    for key, value in fields.items():
        metadata[key.replace("_", "-")] = value
    return SimpleNamespace(metadata=metadata)


def test_the_expression_goes_before_the_free_text():
    entry = TOOL["licence_of"](package(Name="Some_Thing", License_Expression="MIT", License="Apache 2.0"))
    assert (entry.name, entry.licence, entry.evidence) == ("some-thing", "MIT", "License-Expression")


def test_free_texts_and_classifiers_become_spdx_identifiers():
    assert TOOL["licence_of"](package(Name="a", License="Apache 2.0")).licence == "Apache-2.0"
    classified = package(Name="b", Classifier="License :: OSI Approved :: MIT License")
    assert TOOL["licence_of"](classified).licence == "MIT"


def test_a_package_without_a_licence_is_an_error_that_names_it():
    with pytest.raises(LookupError, match="nameless-licence"):
        TOOL["licence_of"](package(Name="nameless-licence"))


def test_the_list_in_the_repository_covers_what_is_installed():
    try:
        listed = TOOL["entries"]()
    except PackageNotFoundError as error:
        pytest.skip(f"{error.name} is not installed: the list can only be compared with the whole embedded profile")
    rows = set((ROOT / "third_party" / "LICENSES.md").read_text(encoding="utf-8").splitlines())
    missing = [e for e in listed if f"| {e.name} | {e.licence} | {e.evidence} |" not in rows]
    assert missing == [], "run tools/list_licences.py"
