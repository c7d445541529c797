"""An ingest in a process of its own: `python -m tests.unit.rag_llm.ingest_process CORPUS FOLDER SECONDS DIE [PATH]`.

Prints "waited" when another ingest held the folder. With DIE it kills itself when the new index is written and about to
take the old one's place.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from services.rag_llm import builder, documents, ingest
from services.rag_llm.documents import Document, Source
from services.rag_llm.folder_lock import Busy
from services.rag_llm.ingest import Workshop
from services.rag_llm.readers.limits import Limits
from services.rag_llm.store import DocumentStore
from services.rag_llm.survey import Digests
from tests.unit.rag_llm.encoders import SlowEncoder

MOST = 10_000


class PlainReader:
    """Reads in this process."""

    def read(self, source: Source, digest: str) -> Document:
        return documents.read(source, Limits(), digest)

    def close(self) -> None:
        pass


def start(
    corpus: Path, folder: Path, *add: Path, seconds: float = 0.0, die_before_swap: bool = False
) -> subprocess.Popen[str]:
    """Ingests with an encoder that takes `seconds` for each batch."""
    command = [sys.executable, "-m", __name__, str(corpus), str(folder), str(seconds), str(int(die_before_swap))]
    return subprocess.Popen([*command, *map(str, add)], stdout=subprocess.PIPE, text=True)


def main(corpus: Path, folder: Path, seconds: float, die: bool, add: list[Path]) -> None:
    if die:
        builder.replace_text = lambda *arguments, **options: os.kill(os.getpid(), signal.SIGKILL)
    encoder = SlowEncoder(seconds)
    store = DocumentStore(folder / "documents", encoder)
    shop = Workshop(folder, corpus, encoder, store, PlainReader, MOST)
    waited = False
    while True:
        try:
            ingest.ingest(shop, Digests.load(folder), threading.Event(), add=add)
            break
        except Busy:
            waited = True
            time.sleep(0.01)
    print("waited" if waited else "did not wait")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "1", list(map(Path, sys.argv[5:])))
