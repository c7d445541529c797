"""Choosing the reading the documents could answer."""

from __future__ import annotations

from services.ears.rescoring import Places, content, family, ranked

SENTENCES = [
    "Echo cancellation predicts the echo of the loudspeaker.",
    "The canceller uses an adaptive filter.",
    "Headphones remove the problem.",
    "Browsers offer echo cancellation.",
    "A loudspeaker plays sound.",
    "A jitter buffer evens out packets.",
    "Each packet has a number.",
    "Simulcast sends several sizes.",
]
PLACES = Places.of(SENTENCES, ["How echo cancellation works"])


def test_family_joins_inflected_forms() -> None:
    assert family("animated") == family("animates")
    assert family("is") == "is"


def test_content_leaves_out_function_words() -> None:
    assert content(["what", "is", "the", "jitter", "buffer", "for"]) == {"jitter", "buffer"}


def test_words_of_one_place_weigh_more_than_words_of_two() -> None:
    assert PLACES.together(["echo", "cancellation"]) > PLACES.together(["echo", "simulcast"])
    assert PLACES.together(["zebra"]) == 0
    assert PLACES.together([]) == 0


def test_rare_words_weigh_more() -> None:
    assert PLACES.together(["jitter"]) > PLACES.together(["echo"])


def test_close_readings_are_decided_by_the_documents_and_distant_ones_by_the_sound() -> None:
    good, bad = "how does echo cancellation work", "how does echo can see work"
    assert ranked({bad: -100.0, good: -105.0}, PLACES)[0] == good
    assert ranked({bad: -100.0, good: -900.0}, PLACES)[0] == bad


def test_no_documents_leave_the_order_of_the_sound() -> None:
    assert ranked({"a b": -2.0, "b a": -1.0}, Places.of([], [])) == ["b a", "a b"]
