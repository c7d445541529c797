from __future__ import annotations

from services.rag_llm.readers.tables import names_columns, pair_text, row_text


def test_a_row_names_its_columns_and_ends_with_its_long_cells() -> None:
    assert row_text(["name", "size", "", "seen"], ["hive", "large.", "round", ""]) == "name: hive; size: large; round"
    said = row_text(["name", "about"], ["hive", "It is large. Bees live there."])
    assert said == "name: hive. It is large. Bees live there."
    assert row_text(["a", "b"], ["-", "✓"]) == "b: ✓"


def test_a_pair_is_a_name_and_what_it_says() -> None:
    assert pair_text(["Phone", "12 34"]) == "Phone: 12 34"
    assert pair_text(["", "12 34"]) == "12 34"


def test_names_of_columns_are_short_and_different() -> None:
    assert names_columns(["", "Summer", "Winter"])
    assert not names_columns(["Single", "80", "60"])
    assert not names_columns(["Room", "Room", "Price"])
    assert not names_columns(["Room", "", ""])
    assert not names_columns(["Room", "x" * 100])
