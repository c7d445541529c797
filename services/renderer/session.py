"""What belongs to one session: its stage, its canvas, and who is connected to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from concurrent.futures import Executor

from flashback.v1 import media_pb2, renderer_pb2
from services.renderer import wire
from services.renderer.engine import Canvas, EngineInfo
from services.renderer.stage import Event, Stage, Take


class Viewer:
    """Whoever takes the frames: how far they may be rendered. A later viewer replaces an earlier one."""

    def __init__(self) -> None:
        self.until = 0
        self.open = True
        self._changed = asyncio.Event()

    def allow(self, until: int) -> None:
        """Credit: frames that start before `until` may be rendered."""
        self.until = max(self.until, until)
        self._changed.set()

    def close(self) -> None:
        self.open = False
        self._changed.set()

    async def credit(self, start: int) -> bool:
        """Waits until the frame at `start` may be rendered; False when the viewer is gone."""
        while self.open and start >= self.until:
            self._changed.clear()
            await self._changed.wait()
        return self.open


class Session:
    """One session. `closed` is set when the session ends; streams end with it."""

    def __init__(
        self, session_id: str, persona_id: str, info: EngineInfo, stage: Stage, canvas: Canvas, *, stamp: bool
    ) -> None:
        self.id = session_id
        self.persona_id = persona_id
        self.stage = stage
        self.alone_since: float | None = None
        self._info = info
        self._canvas = canvas
        self._stamp = stamp
        self._drawing = threading.Lock()
        self._viewer: Viewer | None = None
        self._listener: asyncio.Queue[renderer_pb2.StageEvent | None] | None = None

    @property
    def alone(self) -> bool:
        """Whether nobody is connected."""
        return self._viewer is None and self._listener is None

    @property
    def directed(self) -> bool:
        """Whether a Direct stream is attached."""
        return self._listener is not None

    def view(self) -> Viewer:
        """A new viewer; the one before it, if any, is closed."""
        if self._viewer is not None:
            self._viewer.close()
        self._viewer = Viewer()
        return self._viewer

    def leave(self, viewer: Viewer) -> None:
        viewer.close()
        if self._viewer is viewer:
            self._viewer = None

    def listen(self) -> asyncio.Queue[renderer_pb2.StageEvent | None]:
        """A queue of events from now on, ended by None; the listener before, if any, is ended."""
        if self._listener is not None:
            self._listener.put_nowait(None)
        self._listener = asyncio.Queue()
        return self._listener

    def unlisten(self, queue: asyncio.Queue[renderer_pb2.StageEvent | None]) -> None:
        if self._listener is queue:
            self._listener = None

    def obey(self, command: renderer_pb2.StageCommand) -> None:
        """Carries out a command of the Direct stream. Raises InvalidInput."""
        if command.HasField("speech"):
            if command.speech.HasField("face"):
                self.stage.follow(wire.track_of(command.speech))
            if not wire.only_face(command.speech):
                self._tell(self.stage.say(wire.part_of(command.speech)))
        elif command.HasField("cancel"):
            self._tell(self.stage.cancel(command.cancel.generation))
        elif command.HasField("state"):
            self.stage.set_state(wire.manner_of(command.state))

    async def frame(self, pool: Executor) -> media_pb2.AvatarFrame:
        """Performs and draws the next frame, in `pool`."""
        take = self.stage.next_frame()
        self._tell(take.events)
        return await asyncio.get_running_loop().run_in_executor(pool, self._draw, take)

    def close(self) -> None:
        """Ends the session's streams."""
        if self._viewer is not None:
            self._viewer.close()
        if self._listener is not None:
            self._listener.put_nowait(None)

    def _tell(self, events: Iterable[Event]) -> None:
        if self._listener is not None:
            for event in events:
                self._listener.put_nowait(wire.message_of(event))

    def _draw(self, take: Take) -> media_pb2.AvatarFrame:
        pose = take.pose
        with self._drawing:
            picture = bytes(self._canvas.draw(pose, pose.frame if self._stamp else None))
            audio = self._canvas.sound(pose)
        return media_pb2.AvatarFrame(
            frame_number=pose.frame,
            start_sample=pose.start_sample,
            audio=audio.astype("<i2", copy=False).tobytes(),
            width=self._info.width,
            height=self._info.height,
            i420=picture,
            turn_id=take.turn_id,
            generation=take.generation,
            state=media_pb2.TurnState.ValueType(int(take.state)),
            speech=take.speech,
            graded=self._info.grades_in_place,
        )
