import pytest

from flashback.errors import InvalidInput
from services.tts.text import clean


@pytest.mark.parametrize("bad", ["", " \n\t", "x" * 101])
def test_refuses(bad: str) -> None:
    with pytest.raises(InvalidInput):
        clean(bad, 100)


def test_keeps_offsets() -> None:
    raw = "a\x01b\x00c\u200bd \U0001f600 é — 20°"
    assert len(clean(raw, 100)) == len(raw)
    assert clean(raw, 100) == "a b c d   é — 20°"
