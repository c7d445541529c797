#!/bin/sh
# Writes the pinned requirement files from pyproject.toml (needs uv). Run it after a change of dependencies.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
        --no-annotate --custom-compile-command tools/lock.sh pyproject.toml "$@"
}
compile --extra embedded -o requirements.txt
compile --extra embedded --extra dev -o requirements-dev.txt
