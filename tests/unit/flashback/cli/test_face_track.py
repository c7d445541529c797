from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from flashback.cli.face_track import FaceTrack, to_csv, to_json
from flashback.clients import Frame
from flashback.errors import FlashbackError
from flashback.media.blendshapes import ARKIT_52, ARKIT_52_ALPHABETICAL


def frame(timecode: float, first: float = 0.0) -> Frame:
    return {"timecode": timecode, "frame_number": 0, "blendshapes": [first, *(k / 100 for k in range(1, 52))]}


def test_frames_follow_each_other() -> None:
    track = FaceTrack.of([frame(0.0), frame(1 / 30), frame(2 / 30)])
    assert track.timecodes.tolist() == [0.0, 1 / 30, 2 / 30]
    assert track.weights.shape == (3, 52)
    assert track.channels == ARKIT_52_ALPHABETICAL


def test_an_overlap_that_comes_twice_is_taken_once() -> None:
    track = FaceTrack.of([frame(0.0, 1.0), frame(0.5, 2.0), frame(0.5, 3.0), frame(0.2, 4.0), frame(0.6, 5.0)])
    assert track.timecodes.tolist() == [0.0, 0.5, 0.6]
    assert track.weights[:, 0].tolist() == [1.0, 2.0, 5.0]


def test_no_frames_at_all() -> None:
    with pytest.raises(FlashbackError, match="no frames"):
        FaceTrack.of([])


def test_layouts_differ_in_order_alone() -> None:
    given = FaceTrack.of([frame(0.0, 0.9)])
    apple = given.in_layout("arkit-52")
    assert apple.channels == ARKIT_52
    by_name = dict(zip(given.channels, given.weights[0], strict=True))
    assert dict(zip(apple.channels, apple.weights[0], strict=True)) == by_name
    assert apple.weights[0, 0] == by_name["eyeBlinkLeft"]
    np.testing.assert_array_equal(apple.in_layout("arkit-52-alphabetical").weights, given.weights)


def test_json_says_what_its_numbers_are() -> None:
    read = json.loads(to_json(FaceTrack.of([frame(0.0), frame(1 / 30, -0.1234567)]).in_layout("arkit-52")))
    assert (read["fps"], read["layout"], read["channels"]) == (30, "arkit-52", list(ARKIT_52))
    assert [f["timecode"] for f in read["frames"]] == [0.0, 0.033333]
    assert [f["frame_number"] for f in read["frames"]] == [0, 1]
    assert read["frames"][1]["blendshapes"][ARKIT_52.index("browDownLeft")] == -0.123457


def test_csv_has_a_named_column_a_shape() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(FaceTrack.of([frame(0.0), frame(1 / 30, 0.5)])).decode())))
    assert list(rows[0]) == ["timecode", *ARKIT_52_ALPHABETICAL]
    assert [row["timecode"] for row in rows] == ["0.0", "0.033333"]
    assert rows[1]["browDownLeft"] == "0.5"
    assert float(rows[1]["tongueOut"]) == 0.51
