"""Files and folders watched for changes, those included that come, go, or are replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from watchfiles import Change, awatch

from flashback.errors import Unavailable

QUIET_MS = 400
LONGEST_MS = 3000
"""Changes are told of once nothing more has changed for QUIET_MS, or after LONGEST_MS of one change after another."""


class Watch:
    """An async context: it watches from its beginning to its end, also while nobody waits for a change.

    Folders are watched with all that is below them; of each path the folder it is in as well, because a file that an
    editor replaces, or a folder that comes back, is another one than the one that was watched. Hidden files and folders
    do not count.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = [root.absolute() for root in roots]
        self._changed = asyncio.Event()
        self._again = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Watch:
        await self._begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def changed(self, timeout_s: float | None = None) -> bool:
        """Returns once something has changed since the last call (True), or after `timeout_s` (False).

        Raises Unavailable when the system cannot watch (any more).
        """
        waiting = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({waiting, *self._tasks}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        changed = self._changed.is_set()
        ended = [task for task in self._tasks if task.done()]
        if self._again or (changed and ended):
            # Before the change is looked into, so that nothing is missed in between.
            await self._end()
            await self._begin()
        elif ended:
            raise Unavailable(
                f"The documents cannot be watched ({ended[0].exception()}); raise fs.inotify.max_user_watches, or set "
                "WATCHFILES_FORCE_POLLING=1, and start again."
            )
        self._changed.clear()
        return changed

    async def _begin(self) -> None:
        self._again = False
        folders = [root for root in self._roots if root.is_dir()]
        parents = list(dict.fromkeys(root.parent for root in self._roots if root.parent.is_dir()))
        self._tasks = [asyncio.create_task(self._below(folders))] if folders else []
        self._tasks += [asyncio.create_task(self._beside(parents))] if parents else []
        # A watch begins with its task's first step, and fails with it where the system has no more of them.
        await asyncio.sleep(0)

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _below(self, folders: Sequence[Path]) -> None:
        async for _ in awatch(*folders, watch_filter=self._counts, step=QUIET_MS, debounce=LONGEST_MS):
            self._changed.set()

    async def _beside(self, parents: Sequence[Path]) -> None:
        async for changes in awatch(
            *parents, watch_filter=self._is_root, step=QUIET_MS, debounce=LONGEST_MS, recursive=False
        ):
            self._again = self._again or any(change is not Change.modified for change, _ in changes)
            self._changed.set()

    def _counts(self, change: Change, path: str) -> bool:
        """Whether a change matters: what is hidden below every path that it is watched for does not."""
        changed = Path(path)
        below = [changed.relative_to(root).parts for root in self._roots if changed.is_relative_to(root)]
        return any(not any(part.startswith(".") for part in parts) for parts in below)

    def _is_root(self, change: Change, path: str) -> bool:
        return Path(path) in self._roots
