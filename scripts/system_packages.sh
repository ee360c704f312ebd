#!/usr/bin/env bash
# Installs what some tests use besides Python, where it may; a test that lacks its tool is skipped and says so.
set -uo pipefail
cd "$(dirname "$0")/.."

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# command, Debian package, what is tested with it
needs=(
    "chromium chromium the explorer in a real browser"
    "ip iproute2 networks between hosts"
    "npm npm state proofs by an independent verifier, and the JavaScript client"
)

missing=()
for need in "${needs[@]}"; do
    read -r command package _ <<<"$need"
    command -v "$command" >/dev/null || missing+=("$package")
done

why=""
if [ ${#missing[@]} -gt 0 ]; then
    if [ "${SYSTEM_PACKAGES:-yes}" = no ]; then
        why="SYSTEM_PACKAGES=no"
    elif ! command -v apt-get >/dev/null; then
        why="no apt-get on this host"
    elif ! as_root true 2>/dev/null; then
        why="neither root nor sudo without a password"
    else
        echo "Installing ${missing[*]} (SYSTEM_PACKAGES=no leaves them out)"
        log=$(mktemp)
        { as_root apt-get update -q &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } \
            >"$log" 2>&1 || why="apt-get failed: $(tail -n 1 "$log")"
        rm -f "$log"
    fi
fi

for need in "${needs[@]}"; do
    read -r command package purpose <<<"$need"
    command -v "$command" >/dev/null || echo "Not installed: $package, for $purpose ($why)"
done

if command -v npm >/dev/null &&
    ! { [ -d tests/e2e/node_modules/@confio/ics23 ] && [ -d tests/e2e/node_modules/axe-core ]; }; then
    npm ci --prefix tests/e2e --ignore-scripts --no-audit --no-fund --loglevel=error ||
        echo "Not installed: the npm packages of tests/e2e/package.json, for state proofs by an independent verifier and accessibility"
fi
if command -v npm >/dev/null && ! [ -d clients/js/node_modules/@noble/curves ]; then
    npm ci --prefix clients/js --ignore-scripts --no-audit --no-fund --loglevel=error ||
        echo "Not installed: the npm packages of clients/js/package.json, for the JavaScript client"
fi
exit 0
