"""A table of a web page -> its rows with their columns' names, or nothing where it only arranges the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from services.rag_llm.readers.tables import COLUMN_CHARACTERS, MOST_COLUMNS, names_columns, pair_text, row_text

_SPANNED_CHARACTERS = 200
_IN_LAYOUT = "div ul ol h1 h2 h3 h4 h5 h6 form section article blockquote"
_CELL_BLOCKS = frozenset(_IN_LAYOUT.split())
_LAYOUT_CELL_CHARACTERS = 300

Text = Callable[[Any], str]


@dataclass
class _Cell:
    text: str
    heads: bool
    rows: int
    columns: int


def is_data(table: Any) -> bool:
    """Whether a table holds data; one that arranges the page is read like any other element."""
    if table.get("role") in ("presentation", "none") or next(table.iterdescendants("table"), None) is not None:
        return False
    if next(table.iter("th", "thead", "caption"), None) is not None:
        return True
    cells = [*table.iter("td")]
    widest = max((len(row) for row in table.iter("tr")), default=0)
    arranged = sum(
        1
        for cell in cells
        if any(child.tag in _CELL_BLOCKS for child in cell.iterdescendants())
        or sum(map(len, cell.itertext())) > _LAYOUT_CELL_CHARACTERS
    )
    return widest >= 2 and len(cells) >= 4 and arranged <= len(cells) // 10


def rows(table: Any, text: Text) -> Iterator[tuple[Any, str]]:
    """Each row's element and what it says, "column: value; ..."; rows of column names are left out."""
    columns: list[str] = []
    heads_may_come = True
    has_heads = next(table.iter("th", "thead"), None) is not None
    for row, cells in _grid(table, text):
        texts = [cell.text for cell in cells]
        if has_heads:
            heads = bool(cells) and (row.getparent().tag == "thead" or all(cell.heads for cell in cells))
        else:
            heads = len(cells) > 2 and not columns and names_columns(texts)
        if heads and heads_may_come and len(set(texts)) > 1:
            columns = _under(columns, [name[:COLUMN_CHARACTERS] for name in texts])
            continue
        heads_may_come = False
        if len(cells) > 1 and len(set(texts)) == 1:
            said = texts[0]  # one cell across the table
        elif not columns and len(texts) == 2:
            said = pair_text(texts)
        elif not columns and cells and cells[0].heads:
            said = f"{texts[0]}: {row_text([], texts[1:])}"
        else:
            said = row_text(columns, texts)
        if re.search(r"\w", said):
            yield row, said


def _under(above: list[str], names: list[str]) -> list[str]:
    """Two rows of column names as one."""
    if not above:
        return names
    width = max(len(above), len(names))
    pairs = zip(above + [""] * (width - len(above)), names + [""] * (width - len(names)), strict=True)
    return [(f"{a} {b}" if a and b and a != b else a or b)[:COLUMN_CHARACTERS] for a, b in pairs]


def _grid(table: Any, text: Text) -> Iterator[tuple[Any, list[_Cell]]]:
    """Rows with a cell for each column: one that spans several stands in each of them."""
    spanning: dict[int, _Cell] = {}
    for row in table.iter("tr"):
        cells: list[_Cell] = []
        own = [_cell(element, text) for element in row if element.tag in ("td", "th")]
        while (own or len(cells) in spanning) and len(cells) < MOST_COLUMNS:
            above = spanning.get(len(cells))
            if above is not None:
                above.rows -= 1
                if above.rows <= 0:
                    del spanning[len(cells)]
                cells.append(above)
                continue
            cell = own.pop(0)
            for number in range(cell.columns):
                if cell.rows > 1:
                    spanning[len(cells)] = _Cell(cell.text[:_SPANNED_CHARACTERS], cell.heads, cell.rows - 1, 1)
                cells.append(cell if number == 0 else _Cell(cell.text[:_SPANNED_CHARACTERS], cell.heads, 1, 1))
        yield row, cells


def _cell(element: Any, text: Text) -> _Cell:
    return _Cell(text(element), element.tag == "th", _span(element, "rowspan", 1000), _span(element, "colspan", 50))


def _span(element: Any, name: str, most: int) -> int:
    value = element.get(name, "1").strip()
    return min(most, max(1, int(value))) if re.fullmatch(r"\d{1,6}", value) else 1
