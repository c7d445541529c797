from __future__ import annotations

import pytest

from flashback.errors import InvalidInput
from flashback.evaluation.questions import Exchange, Question, parse


def test_a_line_of_a_question_set() -> None:
    line = '{"q": "Who?", "gold": ["Mori"], "source": "a.md", "history": [{"question": "What?", "answer": "That."}]}'
    assert parse(7, line, True) == Question(7, "Who?", (Exchange("What?", "That."),), ("Mori",), "a.md")


def test_a_question_alone_is_enough_where_no_gold_is_wanted() -> None:
    assert parse(1, b'\xef\xbb\xbf{"q": "Wer?", "gold": 3, "anything": true}', False) == Question(1, "Wer?")


def test_an_unanswerable_question_has_no_gold() -> None:
    question = parse(1, '{"q": "Who?", "gold": null}', True)
    assert question is not None
    assert question.gold is None


@pytest.mark.parametrize("line", ["", "  \n", b"\r\n"])
def test_empty_lines_are_passed_over(line: str | bytes) -> None:
    assert parse(1, line, True) is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Who?", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (b"\xff\xfe", "UTF-8"),
        (r'{"q": "\ud800", "gold": null}', "UTF-8"),
        ('"Who?"', '"q"'),
        ("[1]", '"q"'),
        ("{}", '"q"'),
        ('{"q": 3, "gold": null}', '"q"'),
        ('{"q": "Who?"}', '"gold" is missing'),
        ('{"q": "Who?", "gold": []}', '"gold" is neither'),
        ('{"q": "Who?", "gold": "Mori"}', '"gold" is neither'),
        ('{"q": "Who?", "gold": ["Mori", 3]}', '"gold" is neither'),
        ('{"q": "Who?", "gold": ["..."]}', '"gold" is neither'),
        ('{"q": "Who?", "gold": null, "source": 3}', '"source"'),
        ('{"q": "Who?", "gold": null, "history": 3}', '"history"'),
        ('{"q": "Who?", "gold": null, "history": "ab"}', '"history"'),
        ('{"q": "Who?", "gold": null, "history": [{"question": "What?"}]}', '"history"'),
        ('{"q": "Who?", "gold": null, "history": [{"question": "What?", "answer": 3}]}', '"history"'),
    ],
)
def test_a_malformed_line_is_named_with_its_number(line: str | bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=f"^line 12: .*{says}"):
        parse(12, line, True)
