"""Fails when the private names the gateway relies on have changed in aiortc."""

from __future__ import annotations

import inspect

import aioice.ice
from aiortc import RTCPeerConnection, RTCRtpSender, rtcrtpreceiver, rtcrtpsender
from aiortc.jitterbuffer import JitterBuffer

from services.gateway.aiortc_internals import last_rtp_timestamp, on_keyframe_request, shorten_microphone_delay


async def test_names_are_where_they_were() -> None:
    connection = RTCPeerConnection()
    transceiver = connection.addTransceiver("audio")
    assert last_rtp_timestamp(transceiver.sender) == 0
    assert callable(transceiver.sender._send_keyframe)
    assert isinstance(vars(transceiver.receiver)["_RTCRtpReceiver__jitter_buffer"], JitterBuffer)
    await connection.close()


async def test_a_picture_loss_calls_the_hook() -> None:
    connection = RTCPeerConnection()
    sender = connection.addTransceiver("video").sender
    called = []
    on_keyframe_request(sender, lambda: called.append(True))
    loss = rtcrtpsender.RtcpPsfbPacket(fmt=rtcrtpsender.RTCP_PSFB_PLI, ssrc=1, media_ssrc=sender._ssrc)
    await sender._handle_rtcp_packet(loss)
    await connection.close()
    assert called == [True]


async def test_the_shorter_buffer_is_the_one_in_use() -> None:
    connection = RTCPeerConnection()
    receiver = connection.addTransceiver("audio").receiver
    shorten_microphone_delay(receiver)
    assert vars(receiver)["_RTCRtpReceiver__jitter_buffer"]._prefetch == 1
    assert "self.__jitter_buffer.add(" in inspect.getsource(rtcrtpreceiver.RTCRtpReceiver._handle_rtp_packet)
    await connection.close()


def test_the_timestamp_read_is_that_of_the_packet_sent() -> None:
    source = inspect.getsource(RTCRtpSender._run_rtp)
    assert "self.__rtp_timestamp = packet.timestamp" in source
    assert "uint32_add(timestamp_origin, enc_frame.timestamp)" in source


def test_ice_settings_are_read_when_used() -> None:
    source = inspect.getsource(aioice.ice.Connection)
    for name in ("get_host_addresses(", "CONSENT_INTERVAL", "CONSENT_FAILURES"):
        assert name in source
