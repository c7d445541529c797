"""Reads an SDP offer (RFC 8866, RFC 9429) as far as the gateway has to know it before it answers."""

from __future__ import annotations

from dataclasses import dataclass

from aiortc import sdp

from flashback.errors import InvalidInput
from services.gateway.ice import resolvable_offer

MAX_OFFER_CHARACTERS = 200_000

NOT_AN_OFFER = "The offer is not a WebRTC SDP offer; send the sdp of RTCPeerConnection.createOffer()."


@dataclass(frozen=True)
class Section:
    """One media section: "audio" or "video", and what the gateway may do in it."""

    kind: str
    may_send: bool
    may_receive: bool


@dataclass(frozen=True)
class Offer:
    """A checked offer, without the candidates the gateway does not use."""

    text: str
    sections: tuple[Section, ...]


def read_offer(text: str) -> Offer:
    """Raises InvalidInput for what is no usable offer."""
    if len(text) > MAX_OFFER_CHARACTERS:
        raise InvalidInput(f"The offer is longer than {MAX_OFFER_CHARACTERS} characters.")
    usable = resolvable_offer(text)
    try:
        media = sdp.SessionDescription.parse(usable).media
    except Exception as error:  # the parser raises whatever the damage leads to
        raise InvalidInput(NOT_AN_OFFER) from error
    if not media or any(m.kind not in ("audio", "video", "application") for m in media):
        raise InvalidInput(NOT_AN_OFFER)
    if any(not (m.dtls and m.dtls.fingerprints and m.ice and m.ice.usernameFragment) for m in media):
        raise InvalidInput("The offer has no ICE user name or DTLS fingerprint; send the browser's sdp unchanged.")
    return Offer(
        usable,
        tuple(
            Section(m.kind, m.direction in ("sendrecv", "recvonly"), m.direction in ("sendrecv", "sendonly"))
            for m in media
            if m.kind in ("audio", "video")
        ),
    )
