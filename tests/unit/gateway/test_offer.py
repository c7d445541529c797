from __future__ import annotations

import pytest

from flashback.errors import InvalidInput
from services.gateway.ice import host_addresses, resolvable_offer
from services.gateway.offer import MAX_OFFER_CHARACTERS, read_offer
from tests.unit.gateway.fakes import Browser


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "v=0",
        "v=0\r\nm=video",
        "\x00\xff",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 50,
        "{}",
        "v=0\r\na=:::",
    ],
)
def test_what_is_no_sdp_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match="offer"):
        read_offer(text)


def test_an_endless_offer_is_refused() -> None:
    with pytest.raises(InvalidInput, match="longer"):
        read_offer("v=0\r\n" * MAX_OFFER_CHARACTERS)


async def test_an_offer_without_a_fingerprint_is_refused() -> None:
    browser = Browser()
    lines = (await browser.offer()).splitlines(keepends=True)
    await browser.close()
    with pytest.raises(InvalidInput, match="fingerprint"):
        read_offer("".join(line for line in lines if not line.startswith("a=fingerprint")))


async def test_sections_say_what_may_be_sent_and_received() -> None:
    browser = Browser(video="recvonly", audio="sendrecv")
    offer = read_offer(await browser.offer())
    await browser.close()
    assert [(s.kind, s.may_send, s.may_receive) for s in offer.sections] == [
        ("video", True, False),
        ("audio", True, True),
    ]


def test_mdns_candidates_and_the_end_mark_are_left_out() -> None:
    kept = "a=candidate:1 1 udp 2122194687 192.0.2.2 43934 typ host generation 0\r\n"
    offer = (
        "a=ice-ufrag:x\r\n"
        "a=candidate:2 1 udp 2113937151 d65d59ca-c044-49d8-b693-fbccba9a2066.local 57321 typ host\r\n"
        + kept
        + "a=end-of-candidates\r\n"
    )
    assert resolvable_offer(offer) == "a=ice-ufrag:x\r\n" + kept


def test_addresses_of_the_setting_and_no_others() -> None:
    look_up = host_addresses(["127.0.0.1", "::1"], machine=lambda v4, v6: ["192.0.2.2"])
    assert look_up(True, True) == ["127.0.0.1", "::1"]
    assert look_up(True, False) == ["127.0.0.1"]


def test_without_the_setting_loopback_is_added_to_the_machines_addresses() -> None:
    look_up = host_addresses([], machine=lambda v4, v6: ["192.0.2.2"])
    assert look_up(True, True) == ["192.0.2.2", "127.0.0.1"]
