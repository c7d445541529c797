"""The gateway as its neighbours see it: a browser, the orchestrator, a source of frames, the ears."""

from __future__ import annotations

import asyncio
import fractions
import gc
import weakref
from typing import Any

import av
import grpc
import numpy as np
import pytest
from aiortc import MediaStreamTrack
from aiortc.codecs.vpx import VpxPayloadDescriptor

from flashback.v1 import gateway_pb2
from tests.unit.gateway.conftest import House
from tests.unit.gateway.fakes import Browser

RTP = 1 << 32


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def is_keyframe(payload: bytes) -> bool:
    descriptor, data = VpxPayloadDescriptor.parse(payload)
    return bool(descriptor.partition_start) and descriptor.partition_id == 0 and not data[0] & 1


class Decoded:
    """The sound of Opus packets, one 20 ms block at a time."""

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("libopus", "r")
        self._codec.sample_rate, self._codec.layout, self._codec.format = 48000, "mono", "s16"

    def level(self, payload: bytes) -> float:
        sound = np.concatenate([f.to_ndarray()[0] for f in self._codec.decode(av.Packet(payload))])
        return float(np.abs(sound.astype(float)).max())


class Tone(MediaStreamTrack):
    """A microphone: 440 Hz in 20 ms frames."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._n = 0

    async def recv(self) -> av.AudioFrame:
        await asyncio.sleep(0.02)
        wave = (8000 * np.sin(2 * np.pi * 440 * (np.arange(960) + 960 * self._n) / 48000)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 960 * self._n, fractions.Fraction(1, 48000)
        self._n += 1
        return frame


async def test_both_tracks_run_on_one_clock(house: House) -> None:
    browser, control = await house.connect()
    metrics = await control.first("metrics")
    await until(lambda: len(browser.packets["video"]) >= 20 and len(browser.packets["audio"]) >= 40)
    video, audio = browser.packets["video"], browser.packets["audio"]
    assert is_keyframe(video[0].payload)
    assert [(p.timestamp - metrics.video_rtp_origin) % RTP for p in video[:20]] == [3600 * n for n in range(20)]
    assert [(p.timestamp - metrics.audio_rtp_origin) % RTP for p in audio[:40]] == [960 * n for n in range(40)]
    assert all(p.marker for p in video)


async def test_a_frame_that_is_late_moves_both_tracks_and_the_origins_say_so(house: House) -> None:
    browser, control = await house.connect()
    before = await control.first("metrics")
    house.source.flowing.clear()
    await until(lambda: sum(m.frames_held for m in control.of("metrics")[-1:]) > 0)
    house.source.flowing.set()
    count = len(browser.packets["video"])
    await until(lambda: len(browser.packets["video"]) > count + 5)
    await control.until(lambda: control.of("metrics")[-1].video_rtp_origin != before.video_rtp_origin)
    after = control.of("metrics")[-1]
    moved = (after.video_rtp_origin - before.video_rtp_origin) % RTP
    assert moved % 3600 == 0
    assert moved * 48 == (after.audio_rtp_origin - before.audio_rtp_origin) % RTP * 90
    stamps = [p.timestamp for p in browser.packets["audio"]]
    assert set(np.diff(np.unwrap(stamps, period=RTP))) == {960}


async def test_text_goes_both_ways_and_waits_for_the_channel(house: House) -> None:
    browser = Browser()
    house.browsers.append(browser)
    answer = await house.request("s", await browser.offer())
    house.gateway.sessions["s"].obey(gateway_pb2.PeerCommand(send=gateway_pb2.SendText(text="early")))
    await browser.accept(answer.answer_sdp)
    assert await asyncio.wait_for(browser.texts.get(), 10) == "early"
    house.gateway.sessions["s"].attach()
    assert browser.channel is not None
    for message in ("", "grüße", "x" * 100_000):
        browser.channel.send(message)
    received = []
    while len(received) < 3:
        event = await asyncio.wait_for(house.gateway.sessions["s"].events.next(), 10)
        assert event is not None
        if event.HasField("text"):
            received.append(event.text.text)
    assert received == ["", "grüße", "x" * 100_000]


async def test_cut_silences_within_a_packet_and_says_where(house: House) -> None:
    house.source.speak("turn", generation=0)
    browser, control = await house.connect()
    assert (await control.first("started")).turn_id == "turn"
    await until(lambda: len(browser.packets["audio"]) >= 20)
    await control.send(cut=gateway_pb2.CutPlayback(generation=1))
    cut = await control.first("cut")
    count = len(browser.packets["audio"])
    await until(lambda: len(browser.packets["audio"]) >= count + 10)
    metrics = control.of("metrics")[-1]
    decoded = Decoded()
    levels = {
        ((p.timestamp - metrics.audio_rtp_origin) % RTP) // 2: decoded.level(p.payload)
        for p in browser.packets["audio"]
    }
    assert cut.generation == 1
    assert min(level for at, level in levels.items() if 960 <= at < cut.at_sample) > 4000
    assert max(level for at, level in levels.items() if at >= cut.at_sample + 960) < 400
    assert not control.of("stopped")


async def test_the_next_generation_is_heard(house: House) -> None:
    house.source.speak("old", generation=0)
    _, control = await house.connect()
    await control.first("started")
    await control.send(cut=gateway_pb2.CutPlayback(generation=3))
    house.source.speak("new", generation=3)
    await control.until(lambda: len(control.of("started")) == 2)
    house.source.speak("")
    stopped = await control.first("stopped")
    assert [s.turn_id for s in control.of("started")] == ["old", "new"]
    assert (stopped.turn_id, stopped.at_sample % 960) == ("new", 0)


async def test_a_picture_loss_brings_a_keyframe(house: House) -> None:
    browser, _ = await house.connect()
    await until(lambda: len(browser.packets["video"]) >= 5)
    assert [is_keyframe(p.payload) for p in browser.packets["video"]][1:5] == [False] * 4
    video = next(t.receiver for t in browser.pc.getTransceivers() if t.kind == "video")
    await video._send_rtcp_pli(browser.packets["video"][0].ssrc)
    await until(lambda: sum(is_keyframe(p.payload) for p in browser.packets["video"]) == 2)


async def test_the_microphone_reaches_the_ears_once_they_listen(house: House) -> None:
    _, control = await house.connect(audio=Tone())
    await control.first("metrics")
    await until(lambda: house.ears.refused >= 2)
    house.ears.listening = True
    await asyncio.wait_for(house.ears.enough.wait(), 20)
    sound = np.frombuffer(house.ears.heard["s"][6400:32000], "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(sound))
    assert np.argmax(spectrum) * 16000 / len(sound) == pytest.approx(440, abs=5)


@pytest.mark.parametrize(
    ("browser", "tracks"),
    [
        ({"video": "", "audio": "recvonly"}, {"audio"}),
        ({"video": "recvonly", "audio": ""}, {"video"}),
        ({"video": "recvonly", "audio": "recvonly", "channel": False}, {"audio", "video"}),
    ],
)
async def test_offers_with_less_are_served(house: House, browser: dict[str, Any], tracks: set[str]) -> None:
    viewer, control = await house.connect(**browser)
    await control.first("metrics")
    await until(lambda: {k for k, p in viewer.packets.items() if len(p) > 3} == tracks)


async def test_a_data_channel_alone_is_served(house: House) -> None:
    viewer, control = await house.connect(video="", audio="")
    await asyncio.wait_for(viewer.opened.wait(), 10)
    await control.send(send=gateway_pb2.SendText(text="hello"))
    assert await asyncio.wait_for(viewer.texts.get(), 10) == "hello"


async def test_an_offer_that_only_sends_is_answered_and_heard(house: House) -> None:
    browser = Browser(video="", audio="")
    browser.pc.addTransceiver(Tone(), direction="sendonly")
    house.browsers.append(browser)
    house.ears.listening = True
    answer = await house.request("s", await browser.offer())
    await browser.accept(answer.answer_sdp)
    await until(lambda: house.ears.heard.get("s"))


@pytest.mark.parametrize("offer", ["", "hello", "v=0\r\n", "\x00" * 100])
async def test_an_sdp_that_is_none_is_refused_and_leaves_nothing(house: House, offer: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.request("s", offer)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "offer" in (refused.value.details() or "")
    assert house.open == 0


async def test_an_offer_without_vp8_is_refused_and_leaves_nothing(house: House) -> None:
    browser = Browser()
    house.browsers.append(browser)
    offer = (await browser.offer()).replace("VP8", "XX8")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.request("s", offer)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "VP8" in (refused.value.details() or "")
    assert house.open == 0


async def test_a_full_gateway_says_so(house: House) -> None:
    for session in ("a", "b"):
        await house.connect(session)
    browser = Browser()
    house.browsers.append(browser)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.request("c", await browser.offer())
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert house.open == 2


async def test_a_session_connects_once_and_has_one_control_stream(house: House) -> None:
    await house.connect("a")
    with pytest.raises(grpc.aio.AioRpcError) as again:
        await house.request("a", "")
    assert again.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    attach = gateway_pb2.PeerCommand(attach=gateway_pb2.AttachPeer(session_id="a"))
    unknown = gateway_pb2.PeerCommand(attach=gateway_pb2.AttachPeer(session_id="zz"))
    for first, status in ((attach, "INVALID_ARGUMENT"), (unknown, "NOT_FOUND")):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            async for _ in house.stub.Control(iter([first]), timeout=5):
                pass
        assert refused.value.code().name == status


async def test_hang_up_closes_both_ends(house: House) -> None:
    browser, control = await house.connect()
    await house.stub.HangUp(gateway_pb2.HangUpRequest(session_id="s"), timeout=10)
    assert house.open == 0
    await control.until(lambda: control.ended)
    assert control.of("state")[-1].state == "closed"
    await until(lambda: browser.pc.connectionState == "closed")


async def test_a_browser_that_leaves_is_noticed_at_once(house: House) -> None:
    browser, control = await house.connect()
    await browser.close()
    await control.until(lambda: control.ended)
    assert control.of("state")[-1].state == "closed"
    await until(lambda: house.open == 0)


async def test_a_browser_that_vanishes_is_noticed(house: House) -> None:
    browser, control = await house.connect()
    await control.first("metrics")
    browser.vanish()
    await control.until(lambda: control.ended)
    assert control.of("state")[-1].state in ("failed", "closed")
    await until(lambda: house.open == 0)


async def test_a_session_nobody_controls_ends(house: House) -> None:
    _, control = await house.connect()
    await control.close()
    await until(lambda: house.open == 0)


@pytest.mark.parametrize("house", [{"connect_timeout_s": 0.5}], indirect=True)
async def test_a_browser_that_never_connects_is_given_up(house: House) -> None:
    browser = Browser()
    house.browsers.append(browser)
    await house.request("s", await browser.offer())
    assert house.open == 1
    house.gateway.sessions["s"].attach()
    await until(lambda: house.open == 0)


async def test_a_source_that_stays_away_ends_the_session(house: House) -> None:
    _, control = await house.connect()
    house.source.flowing.clear()
    await control.until(lambda: control.ended)
    assert control.of("state")[-1].state == "failed"


async def test_a_source_whose_media_time_went_back_ends_the_session(house: House) -> None:
    browser, control = await house.connect()
    await until(lambda: len(browser.packets["video"]) >= 10)
    house.source.forget()
    await control.until(lambda: control.ended)
    assert control.of("state")[-1].state == "failed"


async def test_a_source_that_comes_back_goes_on_where_it_was(house: House) -> None:
    browser, control = await house.connect()
    await control.first("metrics")
    await until(lambda: len(browser.packets["video"]) >= 5)
    house.source.drop()
    demands = len(house.source.demands)
    count = len(browser.packets["video"])
    await until(lambda: len(browser.packets["video"]) >= count + 10)
    again = next(d for d in house.source.demands[demands:] if d.session_id)
    assert again.from_sample > 0
    assert not control.ended


async def test_nothing_is_left_of_sessions_that_are_gone(house: House) -> None:
    gone: list[weakref.ref[Any]] = []
    for n in range(5):
        browser, control = await house.connect(f"s{n}")
        await control.first("metrics")
        gone.append(weakref.ref(house.gateway.sessions[f"s{n}"]))
        await house.stub.HangUp(gateway_pb2.HangUpRequest(session_id=f"s{n}"), timeout=10)
        await control.close()
        await browser.close()
    house.browsers.clear()
    house.controls.clear()
    del browser, control

    def collected() -> bool:
        gc.collect()
        return not any(ref() for ref in gone)

    await until(collected)
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]  # type: ignore[union-attr]
    assert not [n for n in names if n.startswith(("Session.", "FrameFeed.", "VideoSender.", "Microphone.", "RTC"))]
