"""The rig as a renderer engine: plates graded once at load, pictures drawn from weights."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import grpc
import numpy as np
from numpy.typing import NDArray

from flashback.errors import Unavailable, from_status
from flashback.personas import Persona
from flashback.rpc import QUICK_S
from flashback.rpc.options import OPTIONS
from flashback.settings import Addresses, HouseSettings
from flashback.v1 import postfx_pb2, postfx_pb2_grpc
from services.renderer.engine import EngineInfo, Pose, Sway
from services.renderer.engines.rig.model import Badge, RigModel
from services.renderer.engines.rig.picture import RigCanvas
from services.renderer.engines.rig.store import load_stored
from services.renderer.settings import RendererSettings

T = TypeVar("T")


class Look:
    """A persona's colour look and badge, from the post-processing service. Blocking; used while a persona loads."""

    def __init__(self, channel: grpc.Channel, persona_id: str, wait_s: float) -> None:
        self._postfx = postfx_pb2_grpc.PostFxStub(channel)
        self._metadata = (("persona-id", persona_id),)
        self._wait_s = wait_s

    def badge(self, size: int) -> Badge | None:
        """The badge for pictures of size x size, or None. Raises Unavailable when nobody answers in time."""
        request = postfx_pb2.OverlayRequest(width=size, height=size)
        try:
            overlay = self._postfx.GetOverlay(
                request, timeout=self._wait_s, wait_for_ready=True, metadata=self._metadata
            )
        except grpc.RpcError as error:
            raise _typed(error) from error
        if not overlay.enabled:
            return None
        return Badge(_pixels(overlay.badge), overlay.x, overlay.y)

    def grade(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """uint8 [h,w,3] RGB, graded."""
        height, width, channels = picture.shape
        still = postfx_pb2.Still(width=width, height=height, channels=channels, pixels=picture.tobytes())
        try:
            return _pixels(self._postfx.Grade(still, timeout=QUICK_S, metadata=self._metadata))
        except grpc.RpcError as error:
            raise _typed(error) from error


def _pixels(still: postfx_pb2.Still) -> NDArray[np.uint8]:
    return np.frombuffer(still.pixels, np.uint8).reshape(still.height, still.width, still.channels)


def _typed(error: grpc.RpcError) -> Exception:
    code, details = error.code(), error.details() or ""
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return Unavailable("The postfx service, which colours the picture, is not answering; try again in a moment.")
    return from_status(code, details)


class RigSessionCanvas:
    """One session's rig."""

    def __init__(self, model: RigModel) -> None:
        self._canvas = RigCanvas(model)

    def draw(self, pose: Pose, stamp: int | None) -> memoryview:
        return self._canvas.draw(pose.weights, pose.sway, pose.breath, stamp)

    def sound(self, pose: Pose) -> NDArray[np.int16]:
        return pose.audio


class RigFace:
    """One persona's rig."""

    def __init__(self, model: RigModel) -> None:
        self._model = model

    def canvas(self) -> RigSessionCanvas:
        return RigSessionCanvas(self._model)


class RigEngine:
    """Speech-driven blendshapes over a persona's own plates."""

    def __init__(self, settings: RendererSettings, postfx_address: str, cache: Path) -> None:
        self.info = EngineInfo("rig", settings.size, settings.size, settings.fps, grades_in_place=True)
        self._wait_s = settings.postfx_wait_s
        self._address = postfx_address
        self._cache = cache

    def load(self, persona: Persona) -> RigFace:
        size = self.info.width
        options = [*OPTIONS, ("grpc.max_reconnect_backoff_ms", 500)]
        with grpc.insecure_channel(self._address, options=options) as channel:
            look = Look(channel, persona.id, self._wait_s)
            badge = look.badge(size)
            model = load_stored(self._cache, persona.folder, size, look.grade, badge)
        # The first picture compiles the kernels, or reads them from the cache: not in the first session's time.
        RigCanvas(model).draw(np.zeros(52, np.float32), Sway())
        return RigFace(model)


def create(settings: RendererSettings) -> RigEngine:
    """Entry point."""
    return RigEngine(settings, Addresses().postfx_address, HouseSettings().data_dir / "cache" / "rig")
