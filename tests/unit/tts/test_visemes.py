from services.tts.visemes import VisemeTrack


def test_track_is_gapless_from_zero_and_h_takes_the_next_shape() -> None:
    track = VisemeTrack()
    spans = [s for ipa, at in (("", 0), ("h", 0), ("ˈaɪ", 100), ("", 400), ("", 500)) for s in track.phoneme(ipa, at)]
    assert track.open_from == 400
    spans += track.finish(450, 4000)
    assert [(s.shape, s.start, s.duration) for s in spans] == [
        ("aa", 0, 100),
        ("aa", 100, 150),
        ("I", 250, 150),
        ("sil", 400, 3600),
    ]


def test_first_phoneme_reaches_back_to_the_start() -> None:
    track = VisemeTrack()
    assert track.phoneme("s", 30) == []
    assert [(s.shape, s.start, s.duration) for s in track.phoneme("m", 90)] == [("SS", 0, 90)]


def test_open_phoneme_ends_with_the_speech() -> None:
    track = VisemeTrack()
    track.phoneme("m", 0)
    assert [(s.shape, s.start, s.duration) for s in track.finish(200, 300)] == [("PP", 0, 200), ("sil", 200, 100)]


def test_nothing_spoken_is_one_silence() -> None:
    assert [(s.shape, s.duration, s.weight) for s in VisemeTrack().finish(0, 3600)] == [("sil", 3600, 0.0)]
