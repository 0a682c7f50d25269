# Sourced by the try-* scripts: processes in the background that end with the
# script, in a directory that is kept when it fails (or with KEEP=1).
# shellcheck shell=bash
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

dir=$(mktemp -d "${TMPDIR:-/tmp}/$(basename "$0").XXXXXX")
declare -A pids=()

finish() {
    local code=$? name
    for name in "${!pids[@]}"; do end "$name"; done
    if ((code)) || [[ -n ${KEEP:-} ]]; then say "logs and data are in $dir"; else rm -rf "$dir"; fi
}
trap finish EXIT

start() { # start NAME COMMAND: in the background, its output in a log
    "${@:2}" >>"$dir/$1.log" 2>&1 &
    pids[$1]=$!
}

end() { # end NAME: kill -9, without bash's remark on it
    kill -9 "${pids[$1]}" 2>/dev/null || true
    wait "${pids[$1]}" 2>/dev/null || true
    unset "pids[$1]"
}

wait_for() { # wait_for SECONDS COMMAND: until it succeeds
    local until=$((SECONDS + $1))
    until "${@:2}" >/dev/null 2>&1; do
        ((SECONDS < until)) || die "waited $1 s in vain for: ${*:2}"
        sleep 0.2
    done
}

need() { # need PROGRAM...
    local program
    for program in "$@"; do have "$program" || die "$program is missing: apt-get install $program"; done
}

ports_free() { # ports_free FIRST COUNT
    local n
    for ((n = $1; n < $1 + $2; n++)); do
        if (: <"/dev/tcp/127.0.0.1/$n") 2>/dev/null; then die "port $n is in use: PORT=... chooses other ones"; fi
    done
}

now() { date +%s.%3N; }

# app NAME PORT DATABASE NATS: one copy of ChatApp; its admin address is PORT+1.
app() {
    start "$1" env -i PATH="$PATH" HOME="$HOME" CHAT_LISTEN="127.0.0.1:$2" CHAT_ADMIN_LISTEN="127.0.0.1:$(($2 + 1))" \
        CHAT_DATABASE_URL="mysql://{service}_app@127.0.0.1:$3/chat_{service}" CHAT_DATABASE_PASSWORD=of-this-test \
        CHAT_NATS_URL="$4" CHAT_NATS_REPLICAS="${NATS_REPLICAS:-1}" CHAT_LOGIN_RATE_PER_IP=100000 CHAT_RATE_LIMIT=off CHAT_LOG_LEVEL=warn "$dir/chatapp"
    wait_for 60 curl -fsS "http://127.0.0.1:$(($2 + 1))/readyz"
}

# schemas prints the SQL that makes ChatApp's schemas and users.
schemas() {
    local service
    for service in auth users messages notify; do
        echo "CREATE DATABASE chat_$service CHARACTER SET utf8mb4; CREATE USER ${service}_app@'127.0.0.1' IDENTIFIED BY 'of-this-test'; GRANT ALL ON chat_$service.* TO ${service}_app@'127.0.0.1';"
    done
}

# verified waits for `chatapp verify`, which start started, shows its report and
# returns its exit code.
verified() {
    local code=0
    wait "${pids[verify]}" || code=$?
    unset "pids[verify]"
    grep -v 'posts with repetitions' "$dir/verify.log"
    say "answers of ChatApp that were failures, by status:"
    grep -ho 'status=[45][0-9]*' "$dir"/chatapp-*.log | sort | uniq -c || true
    return $code
}
