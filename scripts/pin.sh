#!/usr/bin/env bash
# Writes constraints.txt: the exact versions now installed in .venv, without addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
{
    echo "# Exact versions of everything chaosnet[dev] needs; written by \`make pin\`."
    .venv/bin/python -m pip freeze --all --exclude-editable |
        grep -E '^[A-Za-z0-9._-]+==' |
        grep -viE '^(chaosnet|pip|wheel)==' |
        LC_ALL=C sort -f
} >constraints.txt.new
mv constraints.txt.new constraints.txt
echo "constraints.txt: $(grep -c == constraints.txt) packages"
