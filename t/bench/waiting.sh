#!/usr/bin/env bash
#
# Clients that wait: what an idle stream of server-sent events takes in its
# worker, with nginx's default pool for a request and with the one that
# conf.examples/deltas.conf has, how much of that nginx takes for any request
# that it reads, and how soon a long poll is answered.
# usage: BENCH=waiting make -f Makefile.dev bench
#        CLIENTS=10000 WAITERS=1000 BENCH_PORT=22200

set -eu

cd "$(dirname "$0")/../.."
. t/bench/lib.sh

clients=${CLIENTS:-10000}
waiters=${WAITERS:-1000}
api=$port

most=$(ulimit -Hn)
[ "$most" = unlimited ] || [ "$most" -ge $((clients + 1000)) ] \
    || fail "$clients clients need more open files than $most (ulimit -n)"
ulimit -n "$most"

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

for size in default 6k; do
    directive=
    [ $size = default ] || directive="request_pool_size $size;"
    notify "notify-$size" "$directive"
    perl t/bench/waiting.pl streams "http://127.0.0.1:$api/shop" \
        "$(worker "notify-$size")" "$clients" > "$dir/streams-$size" \
        || fail "no streams, see $dir"
    cut -d' ' -f1 "$dir/streams-$size" > "$dir/bytes-$size"
    cut -d' ' -f2 "$dir/streams-$size" > "$dir/told-$size"
done

notify notify-reading ''
perl t/bench/waiting.pl reading "http://127.0.0.1:$api/shop" \
    "$(worker notify-reading)" "$clients" > "$dir/reading" \
    || fail "no requests, see $dir"
paste "$dir/bytes-default" "$dir/reading" | awk '{ print $1 - $2 }' > "$dir/own"

perl t/bench/waiting.pl polls "http://127.0.0.1:$api/shop" "$socket" \
    "$waiters" 300 > "$dir/polls" || fail "no long polls, see $dir"
awk '{ print $1 - $2 }' "$dir/polls" > "$dir/late"
awk '{ print $3 }' "$dir/polls" > "$dir/all"

no_alerts
machine
printf '\n%d idle streams, then %d long polls, one worker\n' \
    "$clients" "$waiters"
heading figure
row 'bytes in the worker per stream' bytes-default '' '<= 6144'
row '    less what nginx takes for a request it reads' own '' '<= 6144'
row '    with request_pool_size 6k' bytes-6k '' '<= 6144'
row 'ms from publish until the last stream has it' told-6k
row 'ms from publish to answer, less a round trip to Redis' late '' '<= 2'
row "ms from publish to answer, $waiters waiters for one event" all
