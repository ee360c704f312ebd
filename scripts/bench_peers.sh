#!/usr/bin/env bash
# Brings what `make bench` compares contracts with into .bench/peers: py-evm, and anvil from npm. What cannot be had is named.
set -uo pipefail
cd "$(dirname "$0")/.."
peers=.bench/peers
mkdir -p "$peers"

py_evm() {
    [ -x "$peers/venv/bin/python" ] || .venv/bin/python -m venv "$peers/venv" || return
    "$peers/venv/bin/python" -c 'import eth' 2>/dev/null ||
        "$peers/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'py-evm==0.12.1b1'
}

anvil() {
    [ -x "$peers/node_modules/.bin/anvil" ] ||
        npm install --prefix "$peers" --no-audit --no-fund --loglevel=error '@foundry-rs/anvil@1.7.1'
}

py_evm >"$peers/py-evm.log" 2>&1 || echo "py-evm cannot be installed here, its row is left out: $peers/py-evm.log"
anvil >"$peers/anvil.log" 2>&1 || echo "anvil cannot be installed here, its row is left out: $peers/anvil.log"
