"""Which addresses and candidates ICE works with, and how soon a silent browser counts as gone.

aioice keeps these as module-wide names, so they are set once for the process.
"""

from __future__ import annotations

from collections.abc import Callable

import aioice.ice

LOOPBACK = "127.0.0.1"

HostAddresses = Callable[[bool, bool], list[str]]

_machine_addresses: HostAddresses = aioice.ice.get_host_addresses


def host_addresses(allowed: list[str], machine: HostAddresses = _machine_addresses) -> HostAddresses:
    """The look-up of local addresses that aioice is to use.

    allowed: these and no others; empty: what `machine` finds, and 127.0.0.1, which aioice itself leaves out.
    """

    def look_up(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        if allowed:
            return [a for a in allowed if (use_ipv6 if ":" in a else use_ipv4)]
        found = machine(use_ipv4, use_ipv6)
        return [*found, LOOPBACK] if use_ipv4 and LOOPBACK not in found else found

    return look_up


def configure(allowed: list[str], consent_interval_s: float, consent_failures: int) -> None:
    """Sets aioice's local addresses and consent checks (RFC 7675) for this process."""
    settings = {
        "get_host_addresses": host_addresses(allowed),
        "CONSENT_INTERVAL": consent_interval_s,
        "CONSENT_FAILURES": consent_failures,
    }
    for name, value in settings.items():
        setattr(aioice.ice, name, value)


def resolvable_offer(sdp: str) -> str:
    """The offer without mDNS candidates (their look-up takes over a second) and without end-of-candidates marks.

    A browser whose candidates are dropped still reaches ours and becomes peer-reflexive (RFC 8445, 7.3.1.3); without
    the marks aioice waits for that.
    """
    return "".join(line for line in sdp.splitlines(keepends=True) if not _dropped(line.strip()))


def _dropped(line: str) -> bool:
    if line.startswith("a=end-of-candidates"):
        return True
    fields = line.split()
    return line.startswith("a=candidate:") and len(fields) > 4 and fields[4].lower().endswith(".local")
