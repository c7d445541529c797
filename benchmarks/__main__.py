"""python -m benchmarks NAME [--json] [...]"""

from __future__ import annotations

import importlib
import sys

NAMES = {
    "conversation": "the whole stack in headless Chromium over loopback",
    "rig": "the rig renderer on one core",
    "rag": "retrieval and answers over a question set, and what ingest costs",
    "rag_corpora": "answers about documents of nine kinds",
    "rag_scale": "what a question costs as the documents grow",
    "emotalk": "blendshapes from speech: the network, and the viseme engine",
    "guardrail": "generated sentences checked against their passages",
    "spoken": "word errors over spoken questions, and passages found from what was heard",
}


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        print("usage: python -m benchmarks NAME [--json]\n", file=sys.stderr)
        for name, about in NAMES.items():
            print(f"  {name:14} {about}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"benchmarks.{sys.argv[1]}")
    module.main(sys.argv[2:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
