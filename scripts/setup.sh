#!/usr/bin/env bash
# Makes .venv with chaosnet and its developers' tools in it, at the versions of constraints.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

fits() { # is this command a Python that chaosnet runs on?
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' >/dev/null 2>&1
}

python=""
for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if fits "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "chaosnet needs Python 3.11 or newer; found: $(python3 --version 2>/dev/null || echo none)." >&2
    echo "Install it (Debian, Ubuntu: apt install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3" >&2
    exit 1
fi

if [ ! -x .venv/bin/python ] || ! fits .venv/bin/python; then
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "Python's venv module is missing; installing python$version-venv"
        if ! command -v apt-get >/dev/null || ! as_root true 2>/dev/null; then
            echo "Cannot install it here; ask an administrator for: apt install python$version-venv" >&2
            exit 1
        fi
        as_root apt-get update -q
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "python$version-venv"
    fi
    "$python" -m venv --clear .venv
fi

echo "Installing into .venv ($(.venv/bin/python --version)); the first time takes some minutes"
# -c pins what is installed, the variable what the package is built with
PIP_BUILD_CONSTRAINT="$PWD/constraints.txt" PIP_DISABLE_PIP_VERSION_CHECK=1 \
    .venv/bin/python -m pip install --quiet -c constraints.txt -e '.[dev]'
