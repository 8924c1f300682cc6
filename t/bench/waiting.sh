#!/usr/bin/env bash
#
# Clients that wait: what an idle stream of server-sent events takes in its
# worker, alone, where as many come at once as a backlog has room for, and where
# it needs its request, as for limit_rate; and how soon a long poll is answered.
# usage: BENCH=waiting make -f Makefile.dev bench
#        CLIENTS=10000 WAITERS=1000 BENCH_PORT=22200

set -eu

cd "$(dirname "$0")/../.."
. t/bench/lib.sh

clients=${CLIENTS:-10000}
waiters=${WAITERS:-1000}
api=$port

open_files "$clients" clients

worker_connections=$((clients + 2000))
start_redis

# NAME DIRECTIVES
notify() {
    api=$((api + 1))
    start_nginx "$1" "$api" << END
    access_log off;
    notify_redis unix:$socket prefix=$1:;
    notify_channel shop { }
    server {
        listen 127.0.0.1:$api backlog=4096;
        $2
        location /shop/ { notify_api shop; }
    }
END
    until_ready nginx serves /shop/deltas
}

# HOW CLIENTS [DIRECTIVES]
streams() {
    notify "notify-$1" "${3:-}"
    perl t/bench/waiting.pl "${1/bound/streams}" \
        "http://127.0.0.1:$api/shop" "$(worker "notify-$1")" "$2" \
        > "$dir/$1" || fail "no streams, see $dir"
    cut -d' ' -f1 "$dir/$1" > "$dir/bytes-$1"
    cut -d' ' -f2 "$dir/$1" > "$dir/told-$1"
}

together=$((clients < 4000 ? clients : 4000))
streams bound "$clients" 'limit_rate 1000m;'
streams together "$together"
streams streams "$clients"

perl t/bench/waiting.pl polls "http://127.0.0.1:$api/shop" "$socket" \
    "$waiters" 300 > "$dir/polls" || fail "no long polls, see $dir"
awk '{ print $1 - $2 }' "$dir/polls" > "$dir/late"
awk '{ print $3 }' "$dir/polls" > "$dir/all"

no_alerts
machine
printf '\n%d idle streams, then %d long polls, one worker\n' \
    "$clients" "$waiters"
heading figure
row 'bytes in the worker per stream' bytes-streams '' '<= 6144'
row "    where $together come at once" bytes-together '' '<= 6144'
row '    where it needs its request' bytes-bound
row 'ms from publish until the last stream has it' told-streams
row 'ms from publish to answer, less a round trip to Redis' late '' '<= 2'
row "ms from publish to answer, $waiters waiters for one event" all
