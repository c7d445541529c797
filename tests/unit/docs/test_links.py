"""Links and paths in the documentation lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TOP = {
    p.name for p in ROOT.iterdir() if p.name not in ("var", "build", "dist") and (p.name == ".ci" or p.name[0] != ".")
}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")


def links(text: str) -> list[str]:
    """Targets of relative links, without anchors."""
    found = [target.split("#")[0] for target in LINK.findall(FENCE.sub("", text))]
    return [target for target in found if target and not re.match(r"[a-z]+:", target)]


def paths(text: str) -> list[str]:
    """What looks like a path of the repository: in backticks, with a slash, below a folder at its top.

    Upper-case parts are placeholders (personas/ID/), as are names in angle brackets.
    """
    found = [code for code in CODE.findall(FENCE.sub("", text)) if "/" in code and PATH.fullmatch(code)]
    return [p for p in found if p.split("/")[0] in TOP and not re.search(r"(^|/)[A-Z]+(/|$)", p)]


def anchors(text: str) -> set[str]:
    """Anchors of a page's headings, as the common hosts make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_relative_links_exist(page: Path) -> None:
    missing = [t for t in links(page.read_text(encoding="utf-8")) if not (page.parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_anchors_of_links_exist(page: Path) -> None:
    missing = []
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        file, mark, anchor = target.partition("#")
        other = page if not file else page.parent / file
        if mark and ":" not in file and other.suffix == ".md" and other.is_file():
            missing += [target] if anchor not in anchors(other.read_text(encoding="utf-8")) else []
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_paths_in_backticks_exist(page: Path) -> None:
    missing = [p for p in paths(page.read_text(encoding="utf-8")) if not any(ROOT.glob(p.rstrip("/")))]
    assert missing == []


def test_a_page_stays_short() -> None:
    written = [page for page in PAGES if page.parent != ROOT and page.name != "settings.md"]
    long = [page.name for page in written if len(page.read_text(encoding="utf-8").splitlines()) >= 200]
    assert long == []


def test_the_finders_find() -> None:
    text = "[a](docs/x.md#y) [b](https://z/) `docs/x.md` `personas/ID/x` `/v1/x` `tests/*/y.py`\n```\n`docs/z`\n```\n"
    assert links(text) == ["docs/x.md"]
    assert paths(text) == ["docs/x.md", "tests/*/y.py"]
