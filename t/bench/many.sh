#!/usr/bin/env bash
#
# What an event costs among 100,000 subscriptions that do not want it, as a
# ratio to what it costs among 100: CPU of the worker and time an event, with
# the same subscribers that get it, ten and one.  A quarter of the others has
# another event, another value of an attribute, another entity type, a filter.
# usage: BENCH=many make -f Makefile.dev bench
#        ROUNDS=5 MANY=100000 SCALE=100 (per cent of events) BENCH_PORT=22200
#        REASONS="type attribute entity filter"

set -eu

cd "$(dirname "$0")/../.."
. t/bench/lib.sh

rounds=${ROUNDS:-5}
many=${MANY:-100000}
read -r -a reasons <<< "${REASONS:-type attribute entity filter}"
receiver=$port
status=$((port + 1))
events=$((8000 * scale / 100))
events_one=$((16000 * scale / 100))
bytes=600
whsec=whsec_bmdpbngtbm90aWZ5LWV4YW1wbGUtc2VjcmV0

start_redis
start_receiver

# NAME PORT: each a worker of its own
notify() {
    api=$2
    start_nginx "notify-$1" "$2" << END
    access_log off;
    client_max_body_size     2m;
    client_body_buffer_size  1m;
    keepalive_timeout        60s;
    notify_redis unix:$socket prefix=$1:;
    notify_profile bench { sign standard; allow 127.0.0.0/8; keepalive 256; }
    notify_channel ten {
        profile            bench;
        attribute          country;
        subscriptions_max  $((many + 1000));
    }
    notify_channel one {
        profile            bench;
        attribute          country;
        subscriptions_max  $((many + 1000));
    }
    server {
        listen 127.0.0.1:$2 backlog=4096;
        location /ten/ { notify_api ten; }
        location /one/ { notify_api one; }
    }
END
    until_ready nginx serves /ten/deltas
}

# CHANNEL SUBSCRIBERS that get what is published
subscribe() {
    local i
    for i in $(seq "$2"); do
        api POST "/$1/subscriptions" "{\"url\":\"http://127.0.0.1:$receiver/$i\",
            \"event\":\"bench.event\",\"inFlight\":$((160 / $2)),
            \"secret\":\"$whsec\"}" > /dev/null
    done
}

others() {
    perl t/bench/many.pl "$api" "/$1" "$2" "$receiver" "${reasons[@]}" \
        || fail "no subscriptions, see $dir"
}

deliveries() {
    perl t/bench/deliver.pl "$api" "$1" "$status" "$2" "$3" $bytes
}

# NAME CHANNEL EVENTS SUBSCRIBERS: microseconds of CPU, and of time, an event
measure() {
    local before rate
    before=$(cpu "notify-$1")
    rate=$(deliveries "$2" "$3" "$4") || fail "no deliveries, see $dir"
    echo "$(($(cpu "notify-$1") - before)) $3" | awk '{ print $1 / $2 }' \
        >> "$dir/cpu-$2-$1"
    echo "$rate $4" | awk '{ print 1e6 / $1 * $2 }' >> "$dir/time-$2-$1"
}

declare -A ports=([few]=$((port + 2)) [many]=$((port + 3)))

for name in few many; do
    notify $name "${ports[$name]}"
    number=100
    [ $name = few ] || number=$many
    subscribe ten 10
    subscribe one 1
    for channel in ten one; do
        before=$(resident "notify-$name")
        others $channel "$number"
        # what is created is known to the worker a moment later
        deliveries $channel 200 $([ $channel = ten ] && echo 10 || echo 1) \
            > /dev/null || fail "no deliveries, see $dir"
        echo "$(($(resident "notify-$name") - before)) $number" \
            | awk '{ print $1 / $2 }' >> "$dir/memory-$name"
    done
done

for ((round = 1; round <= rounds; round++)); do
    if [ $((round % 2)) = 1 ]; then order='few many'
    else order='many few'; fi
    for name in $order; do
        api=${ports[$name]}
        measure $name ten $events 10
        measure $name one $events_one 1
    done
done

no_alerts
machine
printf '\none worker, medians of %d rounds; among 100: ' "$rounds"
printf '%.1f us of CPU an event of ten calls, %.1f of one call\n' \
    "$(median "$dir/cpu-ten-few" | cut -d' ' -f1)" \
    "$(median "$dir/cpu-one-few" | cut -d' ' -f1)"
heading
row "CPU an event of 10 calls, among $many others : 100" \
    cpu-ten-many cpu-ten-few '<= 1.2'
row "CPU an event of 1 call, among $many others : 100" \
    cpu-one-many cpu-one-few '<= 1.2'
row "time an event of 10 calls, among $many others : 100" \
    time-ten-many time-ten-few '<= 1.2'
row "time an event of 1 call, among $many others : 100" \
    time-one-many time-one-few
heading bytes
row 'bytes in the worker for a subscription' memory-many
