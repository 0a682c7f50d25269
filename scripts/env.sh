# Sourced by the scripts beside it: versions, places and small helpers.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Programs that tests and lint need and that we build from source, pinned.
CADDY_VERSION=v2.11.9
NATS_SERVER_VERSION=v2.15.2
GOVULNCHECK_VERSION=v1.9.0
PROMETHEUS_DEBIAN_VERSION=2.42.0+ds-5+deb12u1

# Where they are kept, by version, shared by all clones of one person.
export CHATAPP_TOOLS="${CHATAPP_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/chatapp/bin}"

# Debian keeps servers out of a plain user's PATH.
export PATH="$PATH:/usr/sbin:/sbin"

# gin without its msgpack codec: 6 MB less in every binary.
GOTAGS=(-tags nomsgpack)

# say prints one line of our own, recognizable between the tools' output.
say() { printf '==> %s\n' "$*"; }

# die ends the script with one clear line.
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# have tells whether a program is there.
have() { command -v "$1" >/dev/null 2>&1; }

# npm_ci installs a folder's locked packages, unless they are there already.
npm_ci() {
    [[ $1/node_modules/.package-lock.json -nt $1/package-lock.json ]] && return
    (cd "$1" && npm ci --no-audit --no-fund --silent && touch node_modules/.package-lock.json)
}

# browser prints the browser of the browser tests: the one that CHROMIUM names, or
# else the first of these. The headless shell is the same engine without windows,
# and needs half the time.
browser() {
    local name
    if [[ -n ${CHROMIUM:-} ]]; then
        command -v "$CHROMIUM"
        return
    fi
    for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" && return
    done
}

# elapsed formats the seconds since $1 as m:ss.
elapsed() { local s=$((SECONDS - $1)); printf '%d:%02d' $((s / 60)) $((s % 60)); }
