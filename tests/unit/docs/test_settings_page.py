"""docs/settings.md is what the settings classes say, and reading those needs no heavy library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tools import settings_table

ROOT = Path(__file__).parents[3]
HEAVY = ("numpy", "numba", "av", "aiortc", "faiss", "grpc", "PIL", "cv2", "fastapi", "pocketsphinx", "tokenizers")


def test_page_is_what_the_code_says() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_table.page(), "run `python tools/settings_table.py`"


def test_every_settings_class_has_its_table() -> None:
    files = {*ROOT.glob("services/*/settings.py"), ROOT / "flashback" / "settings.py"}
    listed = {ROOT / (group.module.replace(".", "/") + ".py") for group in settings_table.GROUPS}
    assert files == listed


def test_page_does_not_depend_on_the_environment_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from tools import settings_table; text = settings_table.page();"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules))); print(text, end='')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "FLASHBACK_PORT": "9", "FLASHBACK_EARS_SILENCE_MS": "900", "FLASHBACK_DATA_DIR": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    heavy, _, page = ran.stdout.partition("\n")
    assert heavy == "[]"
    assert page == settings_table.page()


def test_machine_dependent_defaults_are_put_in_words() -> None:
    assert "| `FLASHBACK_RENDERER_WORKERS` | number of CPUs |" in settings_table.page()
