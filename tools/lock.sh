#!/bin/sh
# Writes the pinned requirement files (needs uv). Run it after a change of dependencies.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
        --no-annotate --custom-compile-command tools/lock.sh "$@"
}
compile pyproject.toml --extra embedded -o requirements.txt
compile pyproject.toml --extra embedded --extra dev -o requirements-dev.txt
excludes=$(mktemp)
trap 'rm "$excludes"' EXIT
echo torch >"$excludes"
compile tests/parity/requirements.in --excludes "$excludes" -c requirements-dev.txt -o requirements-torch.txt
compile tests/llm/requirements.in --excludes "$excludes" -o requirements-llm.txt
