"""What `flashback ingest` shows: progress on standard error, results on standard output, as text or as JSON lines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from flashback.errors import FlashbackError
from flashback.v1 import rag_llm_pb2 as pb

MOST_SKIPPED = 20
MOST_NAMES = 5
LINE_EVERY_S = 5.0
"""How often a line tells of the progress where no bar can be drawn."""
STAGES = {
    pb.INGEST_STAGE_WAITING: "waiting for another ingest of {persona}",
    pb.INGEST_STAGE_LOOKING: "looking for changes",
    pb.INGEST_STAGE_READING: "reading",
    pb.INGEST_STAGE_ENCODING: "encoding",
    pb.INGEST_STAGE_INDEXING: "indexing",
}

Show = Callable[[pb.IngestProgress], None]


@dataclass(frozen=True)
class Ingested:
    """An ingest that is done: its last message, and how long it took."""

    persona_id: str
    last: pb.IngestProgress
    seconds: float

    @property
    def differs(self) -> bool:
        """Whether the index has changed."""
        changes = self.last.changes
        return bool(changes.added.total or changes.changed.total or changes.removed.total)

    @property
    def documents_per_s(self) -> float:
        return self.last.fresh_documents / max(self.seconds, 1e-3)

    @property
    def chunks_per_s(self) -> float:
        return self.last.fresh_chunks / max(self.seconds, 1e-3)

    def table(self) -> dict[str, object]:
        """For --json."""
        changes = self.last.changes
        skipped = [line.split(": ", 1) for line in self.last.skipped]
        return {
            "persona": self.persona_id,
            "version": changes.version,
            "documents": self.last.documents,
            "chunks": self.last.chunks,
            "new": list(changes.added.names),
            "new_total": changes.added.total,
            "changed": list(changes.changed.names),
            "changed_total": changes.changed.total,
            "removed": list(changes.removed.names),
            "removed_total": changes.removed.total,
            "unchanged": changes.unchanged,
            "skipped": [{"document": "".join(name), "why": why} for *name, why in skipped],
            "skipped_total": self.last.skipped_total,
            "missing_paths": list(changes.missing),
            "seconds": round(self.seconds, 2),
            "documents_per_s": round(self.documents_per_s, 2),
            "chunks_per_s": round(self.chunks_per_s, 2),
        }


@contextmanager
def progress(persona_id: str) -> Iterator[Show]:
    """Takes an ingest's messages: a bar on a terminal, else a line every few seconds."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _lines(persona_id)
        return
    bar = Progress(TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), console=console)
    task = bar.add_task("starting", total=None)
    began = time.monotonic()
    with Live(bar, console=console, transient=True) as live:

        def show(step: pb.IngestProgress) -> None:
            total = step.documents_total or None
            bar.update(task, description=_stage(step, persona_id), total=total, completed=step.documents)
            rates = Text(_rates(step, time.monotonic() - began), no_wrap=True, overflow="ellipsis")
            live.update(Group(bar, rates, Text(step.current, "dim", no_wrap=True, overflow="ellipsis")))

        yield show


def _lines(persona_id: str) -> Show:
    began = told = time.monotonic()
    stage = pb.INGEST_STAGE_UNSPECIFIED

    def show(step: pb.IngestProgress) -> None:
        nonlocal told, stage
        now = time.monotonic()
        waits = step.stage == pb.INGEST_STAGE_WAITING != stage
        if not step.done and (waits or now - told >= LINE_EVERY_S):
            counts = f"{step.documents} of {step.documents_total} documents" if step.documents_total else ""
            parts = [_stage(step, persona_id), counts, _rates(step, now - began), step.current]
            print(", ".join(part for part in parts if part), file=sys.stderr, flush=True)
            told = now
        stage = step.stage

    return show


def _stage(step: pb.IngestProgress, persona_id: str) -> str:
    return STAGES.get(step.stage, "starting").format(persona=persona_id)


def _rates(step: pb.IngestProgress, seconds: float) -> str:
    if step.stage in (pb.INGEST_STAGE_WAITING, pb.INGEST_STAGE_LOOKING):
        return ""
    seconds = max(seconds, 1e-3)
    skipped = f", {step.skipped_total} skipped" if step.skipped_total else ""
    return (
        f"{step.chunks} chunks{skipped}, {step.fresh_documents / seconds:.1f} documents/s, "
        f"{step.fresh_chunks / seconds:.1f} chunks/s"
    )


def show(done: Ingested, as_json: bool) -> None:
    """The whole result of an ingest."""
    if as_json:
        print(json.dumps(done.table(), ensure_ascii=False), flush=True)
        return
    last, changes = done.last, done.last.changes
    for word, names in (("new", changes.added), ("changed", changes.changed), ("removed", changes.removed)):
        if names.total:
            print(f"{word:9} {names.total:5}  {_listed(names.names, names.total)}")
    print(f"unchanged {changes.unchanged:5}")
    if last.skipped_total:
        print(f"skipped   {last.skipped_total:5}")
    for line in last.skipped[:MOST_SKIPPED]:
        print(f"  {line}")
    if last.skipped_total > MOST_SKIPPED:
        print(f"  ... and {last.skipped_total - MOST_SKIPPED} more, see --json")
    for path in changes.missing:
        print(f"not there now: {path}; nothing is answered from it until it is back (--forget drops it for good)")
    print(_summary(done), flush=True)


def show_line(done: Ingested, as_json: bool, told: Sequence[str]) -> None:
    """An ingest's result in one line. told: what was skipped and named before, which is only counted now."""
    if as_json:
        show(done, as_json)
        return
    changes = done.last.changes
    kinds = (("new", changes.added), ("changed", changes.changed), ("removed", changes.removed))
    parts = [f"{names.total} {word} ({_listed(names.names, names.total)})" for word, names in kinds if names.total]
    if done.last.skipped_total:
        known = set(told)
        fresh = [line for line in done.last.skipped if line not in known]
        newly = f" (newly {_listed(fresh, len(fresh))})" if fresh else ""
        parts.append(f"{done.last.skipped_total} skipped{newly}")
    print(f"{time.strftime('%H:%M:%S')} {', '.join(parts) or 'nothing new'}; {_summary(done)}", flush=True)


def _listed(names: Sequence[str], total: int) -> str:
    more = f" and {total - MOST_NAMES} more" if total > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _summary(done: Ingested) -> str:
    there = f"{done.persona_id} answers from {done.last.documents} documents, {done.last.chunks} chunks"
    rates = f", {done.documents_per_s:.1f} documents/s, {done.chunks_per_s:.1f} chunks/s"
    return f"{there} ({done.seconds:.1f} s{rates if done.last.fresh_documents else ''})"


def show_paths(known: pb.IndexDescription, as_json: bool) -> None:
    """The paths that are ingested."""
    if as_json:
        paths = [
            {"path": root.path, "documents": root.documents, "missing": root.missing, "own": root.own}
            for root in known.paths
        ]
        table = {"documents": known.documents, "chunks": known.chunks, "version": known.version, "paths": paths}
        print(json.dumps(table, ensure_ascii=False))
        return
    for root in known.paths:
        note = " (not there now)" if root.missing else " (its own corpus)" if root.own else ""
        print(f"{root.documents:6}  {root.path}{note}")


def say_watching(known: pb.IndexDescription) -> None:
    """That the watch has begun, on standard error."""
    print(f"watching {len(known.paths)} paths; Ctrl-C ends it", file=sys.stderr, flush=True)


def say_failed(error: FlashbackError) -> None:
    """That an ingest of a watch failed, on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {error.message}", file=sys.stderr, flush=True)


def say_interrupted(own: bool) -> None:
    """What becomes of an ingest that was broken off. own: its service was started for this command."""
    goes_on = "what was read is kept, and the next ingest goes on from there" if own else "the running stack goes on"
    print(f"interrupted; {goes_on}", file=sys.stderr, flush=True)
