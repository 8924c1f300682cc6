#!/usr/bin/env bash
#
# How late a request of another location is answered while the worker fans out
# as fast as it can: 200 GETs a second of a "return 200", with and without it,
# to ten subscribers an event and to a thousand.  All of a machine's processes
# compete for its processors: the probe goes first where that is allowed, and
# the same is measured while wrk keeps the worker busy with proxied requests.
# usage: BENCH=others make -f Makefile.dev bench
#        ROUNDS=3 SECONDS_EACH=3 BENCH_PORT=22200

set -eu

cd "$(dirname "$0")/../.."
. t/bench/lib.sh

rounds=${ROUNDS:-3}
seconds=${SECONDS_EACH:-3}
receiver=$port
status=$((port + 1))
api=$((port + 2))
bytes=600
whsec=whsec_bmdpbngtbm90aWZ5LWV4YW1wbGUtc2VjcmV0

first=(chrt -f 1)
"${first[@]}" true 2> /dev/null || first=()

start_redis
start_receiver

start_nginx notify "$api" << END
    access_log off;
    client_max_body_size     2m;
    client_body_buffer_size  1m;
    notify_redis unix:$socket;
    notify_profile bench { sign standard; allow 127.0.0.0/8; keepalive 2048; }
    notify_channel ten      { profile bench; }
    notify_channel thousand { profile bench; }
    upstream back {
        server 127.0.0.1:$receiver;
        keepalive 1024;
        keepalive_requests 1000000000;
    }
    server {
        listen 127.0.0.1:$api backlog=4096;
        location = /proxied {
            proxy_pass         http://back;
            proxy_http_version 1.1;
            proxy_set_header   Connection "";
        }
        location /ten/      { notify_api ten; }
        location /thousand/ { notify_api thousand; }
        location = /other   { return 200; }
    }
END

# CHANNEL SUBSCRIBERS
subscribe() {
    printf "{\"event\":\"bench.event\",\"secret\":\"$whsec\",
            \"url\":\"http://127.0.0.1:$receiver/%s\"}\n" $(seq "$2") \
        | tr -d '\n' | sed 's/}{/}\n{/g' \
        | perl t/bench/client.pl post "http://127.0.0.1:$api/$1/subscriptions" \
        > /dev/null
}

deliveries() {
    perl t/bench/deliver.pl "$api" "$1" "$status" "$3" "$2" $bytes 100
}

# NAME: the percentiles of one measure
probe() {
    "${first[@]}" perl t/bench/client.pl probe "http://127.0.0.1:$api/other" \
        200 "$seconds" > "$dir/took" || fail "no answers, see $dir"
    perl t/bench/client.pl p 0.99 < "$dir/took" >> "$dir/p99-$1"
    perl t/bench/client.pl p 0.5 < "$dir/took" >> "$dir/p50-$1"
    perl t/bench/client.pl p 1 < "$dir/took" >> "$dir/max-$1"
}

# CHANNEL SUBSCRIBERS: probed while it is busy from before to after
measure() {
    local busy
    deliveries "$1" "$2" "$(cat "$dir/events-$1")" >> "$dir/rate-$1" &
    busy=$!
    sleep 0.3
    probe "$1"
    kill -0 $busy 2> /dev/null || fail "channel $1 was not busy for long enough"
    wait $busy || fail "no deliveries, see $dir"
}

# CONNECTIONS
proxy() {
    wrk -t 1 -c "$1" -d $((seconds + 1)) "http://127.0.0.1:$api/proxied" \
        > "$dir/wrk" &
    sleep 0.5
    probe "proxy-$1"
    wait $! || fail "wrk failed, see $dir"
}

until_ready nginx serves /ten/deltas
while read -r channel subscribers; do
    subscribe "$channel" "$subscribers"
    deliveries "$channel" "$subscribers" 100 > /dev/null \
        && deliveries "$channel" "$subscribers" $((100000 / subscribers)) \
            > "$dir/rate" || fail "no deliveries, see $dir"
    awk -v n="$subscribers" -v s="$seconds" '
        { printf "%.0f\n", ($1 + 20000) * (s + 1.5) / n }' "$dir/rate" \
        > "$dir/events-$channel"
done << END
ten 10
thousand 1000
END

for ((round = 1; round <= rounds; round++)); do
    probe idle
    measure ten 10
    measure thousand 1000
    proxy 160
    proxy 1000
done

for name in ten thousand proxy-160 proxy-1000; do
    paste "$dir/p99-$name" "$dir/p99-idle" | awk '{ print $1 - $2 }' \
        > "$dir/late-$name"
done

no_alerts
machine
printf '\n%d rounds of %d s; idle: p50 %.2f ms, p99 %.2f ms, at most %.2f ms\n' \
    "$rounds" "$seconds" "$(median "$dir/p50-idle" | cut -d' ' -f1)" \
    "$(median "$dir/p99-idle" | cut -d' ' -f1)" \
    "$(median "$dir/max-idle" | cut -d' ' -f1)"
for name in ten thousand; do
    printf '%s subscribers: %.0f deliveries a second, p50 %.2f, at most %.2f\n' \
        "$name" "$(median "$dir/rate-$name" | cut -d' ' -f1)" \
        "$(median "$dir/p50-$name" | cut -d' ' -f1)" \
        "$(median "$dir/max-$name" | cut -d' ' -f1)"
done
heading ms
row 'p99 of others, fan-out to 10 saturated, less idle' late-ten '' '<= 5'
row 'p99 of others, fan-out to 1,000 saturated, less idle' late-thousand '' \
    '<= 5'
row '    proxied requests of 160 connections instead' late-proxy-160
row '    proxied requests of 1,000 connections instead' late-proxy-1000
