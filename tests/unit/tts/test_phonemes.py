import pytest

from services.tts.phonemes import arpabet, mouths
from tests.reference.cmu_phones import CMU


@pytest.mark.parametrize(
    ("ipa", "phones"),
    [
        ("h_ə_l_ˈoʊ", "HH AH L OW"),
        ("tʃ_ˈɜː_tʃ", "CH ER CH"),
        ("dʒ_ˈʌ_dʒ", "JH AH JH"),
        ("l_ˈɪ_ɾ_əl", "L IH T AH L"),
        ("b_ˈʌ_ʔ_n̩", "B AH T AH N"),
        ("f_ˈaɪɚ", "F AY ER"),
        ("ˈɑːɹ t_ˌiː", "AA R T IY"),
        ("m_ˈɛ_ʒ_ɚ", "M EH ZH ER"),
        ("θ_ˈɜːɹ", "TH ER"),
        ("", ""),
    ],
)
def test_arpabet(ipa: str, phones: str) -> None:
    assert arpabet(ipa) == phones.split()
    assert set(arpabet(ipa)) <= CMU


@pytest.mark.parametrize(
    ("ipa", "shapes"),
    [
        ("p", ["PP"]),
        ("m", ["PP"]),
        ("v", ["FF"]),
        ("ð", ["TH"]),
        ("d", ["DD"]),
        ("l", ["nn"]),
        ("ŋ", ["kk"]),
        ("z", ["SS"]),
        ("tʃ", ["CH"]),
        ("ɹ", ["RR"]),
        ("ɚ", ["RR"]),
        ("w", ["U"]),
        ("ˈaɪ", ["aa", "I"]),
        ("ˈoʊ", ["O", "U"]),
        ("ˈɔːɹ", ["O", "RR"]),
        ("", ["sil"]),
    ],
)
def test_shapes(ipa: str, shapes: list[str]) -> None:
    found = mouths(ipa)
    assert [m.shape for m in found] == shapes
    assert sum(m.share for m in found) == pytest.approx(1)


def test_stress_weighs_more() -> None:
    weights = [mouths(v)[0].weight for v in ("ə", "ɪ", "ˌɪ", "ˈɪ")]
    assert weights == sorted(set(weights))
    assert weights[0] == 0.6
    assert weights[-1] == 1.0


def test_lips_always_close() -> None:
    assert mouths("b")[0].weight == mouths("f")[0].weight == 1.0
