#!/bin/sh
# Installs a pinned requirements file and this project (editable) into a virtual environment, with uv or pip.
set -eu
venv=$1
requirements=$2
if command -v uv >/dev/null 2>&1; then
    VIRTUAL_ENV=$venv
    export VIRTUAL_ENV
    install() { uv pip install --quiet "$@"; }
else
    install() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
fi
echo "installing $requirements ..."
install -r "$requirements"
install --no-deps -r requirements-nodeps.txt
install --no-deps -e .
