# What the benchmarks share: sourced by them, from the top of the tree.  Ports
# from BENCH_PORT on, a folder, a Redis and nginxes that end with the script.
# Sets $build, $dir, $socket, $port.

port=${BENCH_PORT:-22200}
scale=${SCALE:-100}

fail() { printf 'bench: %s\n' "$*" >&2; exit 1; }

listening() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

for p in $(seq "$port" $((port + 3))); do
    ! listening "$p" || fail "127.0.0.1:$p is in use; set BENCH_PORT="
done

build=$(mkdir -p "${BUILD:-.build}" && cd "${BUILD:-.build}" && pwd)
dir=$build/bench/$(basename "$0" .sh)
rm -rf "$dir"
mkdir -p "$dir/redis"

# a socket's path must fit into 107 bytes
sockets=$dir
if [ ${#dir} -gt 90 ]; then
    sockets=$(mktemp -d)
fi
socket=$sockets/redis.sock

children=()
redis=

# nginx first: it still writes to Redis while it goes
stop() {
    trap '' INT TERM HUP
    if [ ${#children[@]} -gt 0 ]; then
        kill -TERM "${children[@]}" 2> /dev/null || true
        wait "${children[@]}" 2> /dev/null || true
    fi
    if [ -n "$redis" ]; then
        kill -TERM "$redis" 2> /dev/null || true
        wait "$redis" 2> /dev/null || true
    fi
    [ "$sockets" = "$dir" ] || rm -rf "$sockets"
    rm -rf "$dir/redis"
}

trap stop EXIT
trap 'exit 130' INT TERM HUP

redis()   { redis-cli -s "$socket" "$@"; }
answers() { [ "$(redis ping 2> /dev/null)" = PONG ]; }

# WHAT CONDITION...: within ten seconds
until_ready() {
    local what=$1 i
    shift
    for ((i = 0; i < 100; i++)); do
        ! "$@" || return 0
        sleep 0.1
    done
    fail "$what was not ready in time, see $dir"
}

# in the background, and ended with this script
start() {
    setpriv --pdeathsig TERM "$@" < /dev/null &
    children+=($!)
}

start_redis() {
    setpriv --pdeathsig TERM redis-server --port 0 \
        --unixsocket "$socket" --unixsocketperm 700 --dir "$dir/redis" \
        --appendonly yes --appendfsync everysec --save '' \
        --auto-aof-rewrite-percentage 0 --maxmemory-policy noeviction \
        --daemonize no --logfile "$dir/redis.log" "$@" < /dev/null &
    redis=$!
    until_ready redis-server answers
}

# NAME PORT, and what goes into http {} on stdin
start_nginx() {
    local prefix=$dir/$1 path
    mkdir -p "$prefix"/{logs,temp}
    {
        printf 'daemon off;\nworker_processes 1;\nworker_rlimit_nofile 16384;\n'
        [ "$(id -u)" != 0 ] || printf 'user root;\n'
        [ "${1%%-*}" != notify ] \
            || printf 'load_module %s;\n' \
                   "$build/modules/ngx_http_notify_module.so"
        printf 'pid nginx.pid;\nerror_log logs/error.log notice;\n'
        printf 'events { worker_connections %s; }\n' \
            "${worker_connections:-4096}"
        printf 'http {\n    keepalive_requests 1000000000;\n'
        for path in client_body proxy fastcgi uwsgi scgi; do
            printf '    %s_temp_path temp/%s;\n' $path $path
        done
        cat
        printf '}\n'
    } > "$prefix/nginx.conf"

    start "${NGINX_BINARY:-nginx}" -p "$prefix/" \
        -c nginx.conf -e "$prefix/logs/error.log"
    until_ready "nginx ($1)" listening "$2"
}

# [SERVERS]: answers all calls on $receiver at once, counted on $status
start_receiver() {
    start_nginx receiver "$receiver" << END
    access_log off;
    server {
        listen 127.0.0.1:$receiver backlog=4096;
        return 204;
    }${1:-}
    server {
        listen 127.0.0.1:$status;
        location = /status { stub_status; }
    }
END
}

# answers them too; path, time and X-Sent of each are in $log
start_logging_receiver() {
    log=$dir/receiver/calls.log
    start_nginx receiver "$receiver" << END
    log_format  times  '\$uri \$msec \$http_x_sent';
    access_log  $log times buffer=64k flush=100ms;
    server {
        listen 127.0.0.1:$receiver backlog=4096;
        return 204;
    }
END
}

# NUMBER GREP...: milliseconds from X-Sent to the call, of the last so many of
# the calls that grep finds
late() {
    local n=$1
    shift
    grep "$@" "$log" | tail -n "$n" | awk '{ print $2 * 1000 - $3 / 1000 }'
}

# NUMBER WHAT: as many files as may be open, enough for that many of them
open_files() {
    local most
    most=$(ulimit -Hn)
    [ "$most" = unlimited ] || [ "$most" -ge $(($1 + 1000)) ] \
        || fail "$1 $2 need more open files than $most (ulimit -n)"
    ulimit -n "$most"
}

# the pid of the one worker of an nginx
worker() { pgrep -P "$(cat "$dir/$1/nginx.pid")"; }

# its time on a CPU in microseconds; its own memory in bytes
cpu() {
    awk '{ printf "%.0f", $1 / 1000 }' "/proc/$(worker "$1")/schedstat"
}
resident() {
    awk '/^Private_Dirty:/ { print $2 * 1024 }' \
        "/proc/$(worker "$1")/smaps_rollup"
}

# METHOD PATH [JSON]: the answer, which must be good, of the notify nginx
api() {
    curl -sSf -X "$1" -H 'Content-Type: application/json' \
        ${3:+-d "$3"} "http://127.0.0.1:$api$2" \
        || fail "$1 $2 failed, see $dir/notify/logs/error.log"
}

# PATH: until the worker has reached Redis
serves() { curl -sf -o /dev/null "http://127.0.0.1:$api$1"; }

# FILE [OTHER]: the median of its numbers, or of their ratios to those of the
# other, line by line, and the range
median() {
    paste "$1" "${2:-$1}" \
        | awk -v alone="$#" '{ printf "%.4f\n", (alone > 1) ? $1 / $2 : $1 }' \
        | sort -n \
        | awk '{ v[NR] = $1 }
               END { printf "%.4f %.4f %.4f\n",
                            (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2,
                            v[1], v[NR] }'
}

# WHAT: the figures of the rows that follow are that
heading() {
    what=${1:-ratio}
    printf '\n%-58s %8s  %13s  %5s\n' '' "$what" range goal
}

# LABEL FILE [OTHER] [GOAL]: a goal is "<= N" or ">= N"; OTHER "" for none.
# It is in the table of all benchmarks too.
row() {
    local label=$1 file=$2 other=${3:-} goal=${4:-} m low high text
    read -r m low high < <(median "$dir/$file" ${other:+"$dir/$other"})
    text=$(awk -v label="$label" -v m="$m" -v low="$low" -v high="$high" \
        -v goal="$goal" 'BEGIN {
            form = (low < 100 && low > -10) ? "%.2f" : "%.0f"
            printf "%-58s %8s  %13s", label, sprintf(form, m),
                   sprintf(form "-" form, low, high)
            if (split(goal, g, " ") == 2)
                printf "  %5s  %s", g[2],
                       (g[1] == "<=" ? m <= g[2] : m >= g[2]) ? "met" : "short"
        }')
    printf '%s\n' "$text"
    printf '%s|%s\n' "$what" "$text" >> "${BENCH_ROWS:-/dev/null}"
}

no_alerts() {
    ! grep -E '\[(alert|emerg|crit)\]' "$dir"/*/logs/error.log >&2 \
        || fail "the logs have alerts"
}

version() { "$@" 2>&1 | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1; }

load=$(cut -d' ' -f1 /proc/loadavg)

machine() {
    {
        printf '\n%s, %s cores, %s, load %s before\n' \
            "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
            "$(nproc)" "$(uname -sr)" "$load"
        printf 'nginx %s, Redis %s' "$(version "${NGINX_BINARY:-nginx}" -v)" \
            "$(version redis-server --version)"
    } | tee "${BENCH_MACHINE:-/dev/null}"
}
