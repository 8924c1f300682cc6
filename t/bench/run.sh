#!/usr/bin/env bash
#
# How fast one worker delivers and publishes, as ratios to other clients in
# the same run: every measure once per round, round after round, medians of
# the rounds' ratios.  Its own Redis, nginx and receiver; nothing is left.
# usage: make -f Makefile.dev bench     ROUNDS=3 SCALE=100 (per cent of events)
#        BENCH_PORT=22200 (the first of three)

set -eu

cd "$(dirname "$0")/../.."

# bounded as a whole; Ctrl-C still reaches it
if [ -z "${NOTIFY_BENCH:-}" ]; then
    NOTIFY_BENCH=1 exec timeout --foreground -k 15 220 "$0" "$@"
fi

rounds=${ROUNDS:-3}
scale=${SCALE:-100}
receiver=${BENCH_PORT:-22200}
status=$((receiver + 1))
api=$((receiver + 2))

bytes=600
connections=64
events_ten=$((8000 * scale / 100))
events_one=$((40000 * scale / 100))
events_node=$((800 * scale / 100))
adds=$((100000 * scale / 100))

fail() { printf 'bench: %s\n' "$*" >&2; exit 1; }

listening() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

for port in $receiver $status $api; do
    ! listening "$port" || fail "127.0.0.1:$port is in use; set BENCH_PORT="
done

build=$(mkdir -p "${BUILD:-.build}" && cd "${BUILD:-.build}" && pwd)
dir=$build/bench
rm -rf "$dir"
mkdir -p "$dir"/{receiver,notify}/{logs,temp} "$dir/redis"

# a socket's path must fit into 107 bytes
sockets=$dir
if [ ${#dir} -gt 90 ]; then
    sockets=$(mktemp -d)
fi
socket=$sockets/redis.sock

npm=$build/bench-npm
if ! cmp -s t/bench/package.json "$npm/package.json"; then
    rm -rf "$npm"
    mkdir -p "$npm"
    cp t/bench/package.json "$npm/package.json.new"
    (cd "$npm" && cp package.json.new package.json \
        && npm install --no-package-lock --no-audit --no-fund --silent) \
        || { rm -rf "$npm"; fail "npm install failed"; }
fi


nginxes=()
redis=

# nginx first: it still writes to Redis while it goes
stop() {
    trap '' INT TERM HUP
    if [ ${#nginxes[@]} -gt 0 ]; then
        kill -TERM "${nginxes[@]}" 2> /dev/null || true
        wait "${nginxes[@]}" 2> /dev/null || true
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

answers()   { [ "$(redis-cli -s "$socket" ping 2> /dev/null)" = PONG ]; }

# WHAT CONDITION...: within ten seconds
until_ready() {
    local what=$1 i
    shift
    for ((i = 0; i < 100; i++)); do
        ! "$@" || return 0
        sleep 0.1
    done
    fail "$what did not start, see $dir"
}

start_redis() {
    setpriv --pdeathsig TERM redis-server --port 0 \
        --unixsocket "$socket" --unixsocketperm 700 --dir "$dir/redis" \
        --appendonly yes --appendfsync everysec --save '' \
        --auto-aof-rewrite-percentage 0 --maxmemory-policy noeviction \
        --daemonize no --logfile "$dir/redis.log" < /dev/null &
    redis=$!
    until_ready redis-server answers
}

# NAME PORT, and its nginx.conf on stdin
start_nginx() {
    local prefix=$dir/$1 path
    {
        printf 'daemon off;\nworker_processes 1;\nworker_rlimit_nofile 8192;\n'
        [ "$(id -u)" != 0 ] || printf 'user root;\n'
        printf 'pid nginx.pid;\nerror_log logs/error.log notice;\n'
        cat
        printf 'http {\n    access_log off;\n'
        printf '    keepalive_requests 1000000000;\n'
        for path in client_body proxy fastcgi uwsgi scgi; do
            printf '    %s_temp_path temp/%s;\n' $path $path
        done
        cat "$prefix/http.conf"
        printf '}\n'
    } > "$prefix/nginx.conf"

    setpriv --pdeathsig TERM "${NGINX_BINARY:-nginx}" -p "$prefix/" \
        -c nginx.conf -e "$prefix/logs/error.log" < /dev/null &
    nginxes+=($!)
    until_ready "nginx ($1)" listening "$2"
}

start_receiver() {
    cat > "$dir/receiver/http.conf" << END
    server {
        listen 127.0.0.1:$receiver backlog=4096;
        return 204;
    }
    server {
        listen 127.0.0.1:$status;
        location = /status { stub_status; }
    }
END
    start_nginx receiver "$receiver" << END
events { worker_connections 4096; }
END
}

# one subscriber alone may have as many calls at a time as wrk has connections
start_notify() {
    cat > "$dir/notify/http.conf" << END
    client_max_body_size     2m;
    client_body_buffer_size  1m;
    notify_redis unix:$socket;
    notify_profile bench {
        sign       standard;
        allow      127.0.0.0/8;
        in_flight  $connections;
        keepalive  $((4 * connections));
    }
    notify_channel ten  { profile bench; }
    notify_channel one  { profile bench; }
    notify_channel none { profile bench; }
    server {
        listen 127.0.0.1:$api backlog=4096;
        location /ten/  { notify_api ten; }
        location /one/  { notify_api one; }
        location /none/ { notify_api none; }
    }
END
    start_nginx notify "$api" << END
load_module $build/modules/ngx_http_notify_module.so;
events { worker_connections 4096; }
END
}

# CHANNEL NUMBER IN_FLIGHT
subscribe() {
    local i
    for ((i = 0; i < $2; i++)); do
        curl -sSf -o /dev/null -X POST -H 'Content-Type: application/json' \
            -d "{\"url\":\"http://127.0.0.1:$receiver/$i\",
                 \"event\":\"bench.event\",\"inFlight\":$3,
                 \"secret\":\"whsec_bm90aWZ5LWJlbmNoLXNlY3JldC0yNA==\"}" \
            "http://127.0.0.1:$api/$1/subscriptions" \
            || fail "no subscription in \"$1\", see $dir/notify/logs/error.log"
    done
}

# each prints a rate, or nothing
wrk_posts() {
    wrk -t 1 -c $connections -d "$1" -s t/bench/post.lua "$2" -- "$body" \
        | sed -n 's/^rate //p'
}
deliveries() {
    perl t/bench/deliver.pl "$api" "$1" "$status" "$3" "$2" $bytes
}
node_deliveries() {
    NODE_PATH=$npm/node_modules timeout 40 \
        node t/bench/bullmq.js "$socket" "$receiver" "$1" 10 $bytes
}
redis_adds() {
    redis-benchmark -s "$socket" -c $connections -n $adds --csv \
        XADD bench '*' d "$(head -c $bytes /dev/zero | tr '\0' x)" \
        | sed -n '$s/^"[^"]*","\([0-9]*\).*/\1/p'
    redis-cli -s "$socket" unlink bench > /dev/null
}

# NAME COMMAND...: one rate, into the file of the name
measure() {
    local name=$1 rate
    shift
    rate=$("$@") && [ -n "$rate" ] \
        || fail "\"$name\" was not measured, see $dir"
    printf '%s\n' "$rate" >> "$dir/$name"
    printf '    %-8s %8s/s\n' "$name" "$rate"
}

# LABEL NAME OTHER [GOAL]: the median of the rounds' ratios, and their range
row() {
    paste "$dir/$2" "$dir/$3" \
        | awk '{ printf "%.4f\n", $1 / $2 }' | sort -n \
        | awk -v label="$1" -v goal="${4:-}" '
            { ratio[NR] = $1 }
            END {
                median = (ratio[int((NR + 1) / 2)] + ratio[int(NR / 2) + 1]) / 2
                range = sprintf("%.2f-%.2f", ratio[1], ratio[NR])
                printf "%-58s %7.2f  %13s", label, median, range
                if (goal != "")
                    printf "  %5s  %s", goal,
                           (median >= goal) ? "met" : "short"
                printf "\n"
            }'
}

# what the subscribers are sent
body=$dir/body.json
head='{"eventType":"bench.event","entityTypeID":null,"entityID":1000000000,'
head+='"data":{"text":"'
printf '%s%*s"}}' "$head" $((bytes - ${#head} - 3)) '' | tr ' ' x > "$body"

load=$(cut -d' ' -f1 /proc/loadavg)

start_redis
start_receiver
start_notify
subscribe ten 10 16     # the default of in_flight
subscribe one 1 $connections

# connections, caches, leases
deliveries ten 10 1000 > /dev/null || fail "no deliveries, see $dir"
deliveries one 1 1000 > /dev/null || fail "no deliveries, see $dir"

for ((round = 1; round <= rounds; round++)); do
    echo "round $round of $rounds"
    measure ten     deliveries ten 10 $events_ten
    measure wrk     wrk_posts 3s "http://127.0.0.1:$receiver/"
    measure one     deliveries one 1 $events_one
    measure publish wrk_posts 2s "http://127.0.0.1:$api/none/events"
    measure xadd    redis_adds
    measure bullmq  node_deliveries $events_node
done

! grep -E '\[(alert|emerg|crit)\]' "$dir"/*/logs/error.log >&2 \
    || fail "the logs have alerts"

version() { "$@" 2>&1 | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1; }
package() { node -p "require('$npm/node_modules/$1/package.json').version"; }

cat << END

$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, \
$(uname -sr), load $load before
nginx $(version "${NGINX_BINARY:-nginx}" -v), \
Redis $(version redis-server --version) with an append-only file (everysec), \
node $(version node --version), \
BullMQ $(package bullmq), undici $(package undici)
one worker, $bytes-byte bodies, signed, $connections connections; \
medians of $rounds rounds

$(printf '%-58s %7s  %13s  %5s' '' ratio range goal)
END
row 'deliveries, 10 subscribers an event : wrk POST, unsigned' ten wrk 0.5
row 'deliveries, 10 subscribers an event : BullMQ + undici' ten bullmq 8
row 'deliveries, 1 subscriber an event : wrk POST, unsigned' one wrk
row 'BullMQ + undici : wrk POST, unsigned' bullmq wrk
row 'publishes, one POST each : redis-benchmark XADD' publish xadd
