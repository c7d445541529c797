"""A gateway with its source and ears, and browsers for it: all on loopback, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aioice.ice
import grpc
import pytest

from flashback.settings import Addresses
from flashback.v1 import ears_pb2_grpc, gateway_pb2, gateway_pb2_grpc, media_pb2_grpc
from services.gateway import ice
from services.gateway.server import GatewayServicer
from services.gateway.settings import GatewaySettings
from tests.unit.gateway.fakes import SIZE, Browser, Control, FakeEars, FakeSource, host

SETTINGS = GatewaySettings(
    ice_addresses=["127.0.0.1"],
    max_peers=2,
    consent_interval_s=0.2,
    consent_failures=2,
    control_timeout_s=0.5,
    source_timeout_s=1.0,
)


@dataclass
class House:
    """The gateway under test and what it talks to."""

    gateway: GatewayServicer
    stub: Any
    source: FakeSource
    ears: FakeEars
    frame_source: str
    browsers: list[Browser] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)

    async def request(self, session: str, offer: str) -> gateway_pb2.ConnectResponse:
        return await self.stub.Connect(
            gateway_pb2.ConnectRequest(
                session_id=session, offer_sdp=offer, frame_source=self.frame_source, width=SIZE, height=SIZE, fps=25
            ),
            timeout=10,
        )

    async def connect(self, session: str = "s", **browser: Any) -> tuple[Browser, Control]:
        """A browser with the session's Control stream, up to its first metrics or (without media) its connection."""
        viewer = Browser(**browser)
        self.browsers.append(viewer)
        answer = await self.request(session, await viewer.offer())
        control = Control(self.stub, session)
        self.controls.append(control)
        await viewer.accept(answer.answer_sdp)
        await control.until(lambda: "connected" in [s.state for s in control.of("state")])
        return viewer, control

    @property
    def open(self) -> int:
        return len(self.gateway.sessions)


@pytest.fixture
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """Parametrize indirectly with a dict to change settings."""
    settings = SETTINGS.model_copy(update=getattr(request, "param", {}))
    before = {n: getattr(aioice.ice, n) for n in ("get_host_addresses", "CONSENT_INTERVAL", "CONSENT_FAILURES")}
    ice.configure(SETTINGS.ice_addresses, SETTINGS.consent_interval_s, SETTINGS.consent_failures)
    source, ears = FakeSource(), FakeEars()
    others, address = await host(
        lambda s: media_pb2_grpc.add_FrameSourceServicer_to_server(source, s),
        lambda s: ears_pb2_grpc.add_EarsServicer_to_server(ears, s),
    )
    gateway = GatewayServicer(settings, Addresses(ears_address=address))
    server, own = await host(lambda s: gateway_pb2_grpc.add_GatewayServicer_to_server(gateway, s))
    async with grpc.aio.insecure_channel(own) as channel:
        house = House(gateway, gateway_pb2_grpc.GatewayStub(channel), source, ears, address)
        yield house
        for control in house.controls:
            await control.close()
        for browser in house.browsers:
            await browser.close()
    await gateway.close()
    await server.stop(None)
    await others.stop(None)
    for name, value in before.items():
        setattr(aioice.ice, name, value)
