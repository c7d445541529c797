from hypothesis import given
from hypothesis import strategies as st

from services.tts.words import WordTrack


def test_number_read_as_several_words_is_one_token() -> None:
    track = WordTrack("In 1984, yes")
    ended = track.word(0, 0, 0) + track.word(3, 100, 100) + track.word(4, 200, 200) + track.word(4, 300, 300)
    ended += track.clause_end(8, 380) + track.word(9, 400, 400) + track.finish(500)
    assert [(w.text, w.start, w.end) for w in ended] == [("In", 0, 100), ("1984,", 100, 380), ("yes", 400, 500)]


def test_words_without_an_event_share_the_time_of_the_one_before() -> None:
    track = WordTrack("one of the men")
    ended = track.word(0, 0, 0) + track.word(4, 100, 100) + track.word(11, 200, 200) + track.finish(300)
    assert [(w.text, w.start, w.end) for w in ended] == [
        ("one", 0, 100),
        ("of", 100, 140),
        ("the", 140, 200),
        ("men", 200, 300),
    ]


def test_lone_dash_belongs_to_the_word_before_or_the_first_word() -> None:
    track = WordTrack("- well — yes")
    ended = track.word(2, 0, 0) + track.clause_end(9, 90) + track.word(9, 100, 100) + track.finish(200)
    assert [(w.text, w.text_start, w.text_end) for w in ended] == [("- well —", 0, 8), ("yes", 9, 12)]


def test_spoken_sign_is_a_word() -> None:
    track = WordTrack("salt & oil")
    ended = track.word(0, 0, 0) + track.word(5, 10, 10) + track.word(7, 20, 20) + track.finish(30)
    assert [w.text for w in ended] == ["salt", "&", "oil"]


def test_open_word_is_known() -> None:
    track = WordTrack("a b")
    assert track.open_from is None
    track.word(0, 7, 7)
    assert track.open_from == 7


@given(st.text("ab .-", min_size=1).filter(str.strip), st.lists(st.integers(-1, 12), max_size=12))
def test_any_events_give_words_in_order_that_are_slices_of_the_text(text: str, offsets: list[int]) -> None:
    track = WordTrack(text)
    words = [w for i, offset in enumerate(offsets) for w in track.word(offset, i * 10, i * 10)]
    words += track.finish(len(offsets) * 10)
    assert all(text[w.text_start : w.text_end] == w.text for w in words)
    assert all(a.end <= b.start and a.text_end <= b.text_start for a, b in zip(words, words[1:], strict=False))
    if offsets:
        assert "".join(w.text for w in words).replace(" ", "") == text.replace(" ", "")
