from __future__ import annotations

from flashback.v1 import gateway_pb2
from services.gateway.outbox import CAPACITY, Outbox


def text(content: str) -> gateway_pb2.PeerEvent:
    return gateway_pb2.PeerEvent(text=gateway_pb2.TextReceived(text=content))


async def drained(outbox: Outbox) -> list[gateway_pb2.PeerEvent]:
    events = []
    while (event := await outbox.next()) is not None:
        events.append(event)
    return events


async def test_order_is_kept_and_the_first_end_counts() -> None:
    outbox = Outbox()
    outbox.state("connecting")
    outbox.state("connecting")
    outbox.put(text("a"))
    outbox.state("failed")
    outbox.put(text("too late"))
    outbox.state("closed")
    events = await drained(outbox)
    assert [e.state.state or e.text.text for e in events] == ["connecting", "a", "failed"]


async def test_the_end_is_told_to_every_reader() -> None:
    outbox = Outbox()
    outbox.state("closed")
    await drained(outbox)
    assert await outbox.next() is None


async def test_a_flood_is_noticed_and_does_not_hide_the_end() -> None:
    outbox = Outbox()
    for _ in range(CAPACITY + 1):
        outbox.put(text("x"))
    assert outbox.overrun
    outbox.state("failed")
    assert (await drained(outbox))[-1].state.state == "failed"
