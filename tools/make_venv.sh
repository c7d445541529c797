#!/bin/sh
# Makes the virtual environment, with uv where it is there, else with Python's own venv.
set -eu
venv=$1
if command -v uv >/dev/null 2>&1; then
    uv venv --quiet --python ">=3.11" "$venv"
    exit 0
fi
for python in python3.11 python3.12 python3.13 python3; do
    if command -v "$python" >/dev/null 2>&1 &&
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        "$python" -m venv "$venv" && exit 0
        echo "$python cannot make virtual environments; on Debian: apt install python3-venv" >&2
        exit 1
    fi
done
echo "Python 3.11 or newer is needed." >&2
exit 1
