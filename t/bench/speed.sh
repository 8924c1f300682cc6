#!/usr/bin/env bash
#
# How fast one worker delivers and publishes, as ratios to other clients in
# the same run: every measure once per round, round after round, medians of
# the rounds' ratios.  Its own Redis, nginx and receiver; nothing is left.
# usage: BENCH=speed make -f Makefile.dev bench
#        ROUNDS=5 SCALE=100 (per cent of events) BENCH_PORT=22200

set -eu

cd "$(dirname "$0")/../.."
. t/bench/lib.sh

rounds=${ROUNDS:-5}
receiver=$port
status=$((port + 1))
api=$((port + 2))

bytes=600
connections=64
events_ten=$((16000 * scale / 100))
events_one=$((40000 * scale / 100))
events_node=$((800 * scale / 100))
adds=$((100000 * scale / 100))

npm=$build/bench-npm
if ! cmp -s t/bench/package-lock.json "$npm/package-lock.json"; then
    rm -rf "$npm"
    mkdir -p "$npm"
    cp t/bench/package.json t/bench/package-lock.json "$npm/"
    (cd "$npm" && npm ci --no-audit --no-fund --silent) \
        || { rm -rf "$npm"; fail "npm ci failed"; }
fi

# one subscriber alone may have as many calls at a time as wrk has connections
start_notify() {
    start_nginx notify "$api" << END
    access_log off;
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
    until_ready "channel ten" serves /ten/deltas
}

# CHANNEL NUMBER IN_FLIGHT
subscribe() {
    local i
    for ((i = 0; i < $2; i++)); do
        api POST "/$1/subscriptions" "{
            \"url\":\"http://127.0.0.1:$receiver/$i\",
            \"event\":\"bench.event\",\"inFlight\":$3,
            \"secret\":\"whsec_bmdpbngtbm90aWZ5LWV4YW1wbGUtc2VjcmV0\"}" > /dev/null
    done
}

# each prints a rate, or nothing
wrk_posts() {
    wrk -t 1 -c $connections -d "$1" -s t/bench/post.lua "$2" -- "$body" \
        | sed -n 's/^rate //p'
}
# CHANNEL SUBSCRIBERS EVENTS
deliveries() {
    perl t/bench/deliver.pl "$api" "$1" "$status" "$3" "$2" $bytes
}
# the same, published before
log_deliveries() {
    perl t/bench/deliver.pl "$api" "$1" "$status" "$3" "$2" $bytes 1000 \
        "$(worker receiver)"
}
node_deliveries() {
    NODE_PATH=$npm/node_modules timeout 40 \
        node t/bench/bullmq.js "$socket" "$receiver" "$1" 10 $bytes
}
redis_adds() {
    redis-benchmark -s "$socket" -c $connections -n $adds --csv \
        XADD bench '*' d "$(head -c $bytes /dev/zero | tr '\0' x)" \
        | sed -n '$s/^"[^"]*","\([0-9]*\).*/\1/p'
    redis unlink bench > /dev/null
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

# what the subscribers are sent
body=$dir/body.json
head='{"eventType":"bench.event","entityTypeID":null,"entityID":1000000000,'
head+='"data":{"text":"'
printf '%s%*s"}}' "$head" $((bytes - ${#head} - 3)) '' | tr ' ' x > "$body"

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
    measure wrk     wrk_posts 2s "http://127.0.0.1:$receiver/"
    measure tenlog  log_deliveries ten 10 $events_ten
    measure one     deliveries one 1 $events_one
    measure onelog  log_deliveries one 1 $events_one
    measure publish wrk_posts 2s "http://127.0.0.1:$api/none/events"
    measure xadd    redis_adds
    measure bullmq  node_deliveries $events_node
done

no_alerts

package() { node -p "require('$npm/node_modules/$1/package.json').version"; }

machine
cat << END
 with an append-only file (everysec), node $(version node --version), \
BullMQ $(package bullmq), undici $(package undici)
one worker, $bytes-byte bodies, signed, $connections connections; \
medians of $rounds rounds
END
heading
row 'from the log, 10 subscribers an event : wrk POST, unsigned' tenlog wrk \
    '>= 0.75'
row 'from the log, 1 subscriber an event : wrk POST, unsigned' onelog wrk \
    '>= 0.6'
row 'published and delivered, 10 subscribers : wrk POST' ten wrk '>= 0.5'
row 'published and delivered, 10 subscribers : BullMQ + undici' ten bullmq \
    '>= 15'
row 'published and delivered, 1 subscriber : wrk POST' one wrk
row 'BullMQ + undici : wrk POST, unsigned' bullmq wrk
row 'publishes, one POST each : redis-benchmark XADD' publish xadd '>= 0.5'
