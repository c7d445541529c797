#!/bin/sh
# Installs torch and the pinned packages of a requirements file that leaves it out into a virtual environment.
#
#   tools/install_torch.sh VENV REQUIREMENTS
#
# torch comes first and by itself: a build for the CPU (2.13.0+cpu) wherever pip or uv is offered one, by PIP_FIND_LINKS,
# PIP_EXTRA_INDEX_URL or their uv counterparts; uv also knows PyTorch's own place for them. On macOS every build is one.
# On Linux without such an offer it is the CUDA build, with gigabytes of libraries; that is said before it begins.
# Everything else is pinned by hash, without dependencies: the file names them all.
set -eu
venv=$1
requirements=$2
torch="torch==2.13.0"

if command -v uv >/dev/null 2>&1; then
    VIRTUAL_ENV=$venv
    export VIRTUAL_ENV
    [ -z "${PIP_FIND_LINKS:-}" ] || export UV_FIND_LINKS="${UV_FIND_LINKS:-$PIP_FIND_LINKS}"
    install() { uv pip install --quiet "$@"; }
    offered() { uv pip install --dry-run --no-deps "$torch" 2>&1 | grep -q "torch.*+cpu"; }
    if [ "$(uname)" = Linux ] && ! offered; then
        export UV_TORCH_BACKEND=cpu
        offered || unset UV_TORCH_BACKEND
    fi
else
    install() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
    offered() { "$venv/bin/python" -m pip install --dry-run --no-deps "$torch" 2>&1 | grep -q "torch.*+cpu"; }
fi

if "$venv/bin/python" -c "from importlib.metadata import version; assert '$torch'.endswith(version('torch').split('+')[0])" \
    2>/dev/null; then
    echo "$torch is installed"
elif [ "$(uname)" = Darwin ] || offered; then
    echo "installing $torch for the CPU ..."
    install --no-deps "$torch"
else
    echo "No CPU build of $torch is offered here, so the CUDA build is taken: about 3 GB to download." >&2
    echo "To avoid it, stop now, point PIP_EXTRA_INDEX_URL at PyTorch's index of CPU builds, and start again." >&2
    install "$torch"
fi
echo "installing $requirements ..."
install --no-deps -r "$requirements"
