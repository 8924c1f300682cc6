#!/usr/bin/env bash
#
# One hanging subscriber among a thousand: how late the others get their events
# and how much memory the worker takes, as ratios to the same with none.  The
# other thousandth is made anew before each measure, hanging or not; who is
# first changes from round to round.
# usage: BENCH=slow make -f Makefile.dev bench
#        ROUNDS=3 RATE=6 (events a second) SECONDS_EACH=4 BENCH_PORT=22200

set -eu

cd "$(dirname "$0")/../.."
. t/bench/lib.sh

rounds=${ROUNDS:-3}
rate=${RATE:-6}
seconds=${SECONDS_EACH:-4}
subscribers=${SUBSCRIBERS:-1000}
receiver=$port
hanging=$((port + 1))
api=$((port + 2))

start_redis
start perl t/bench/client.pl hang "$hanging"

start_logging_receiver

start_nginx notify "$api" << END
    access_log off;
    notify_redis unix:$socket;
    notify_profile bench {
        sign    standard;
        header  X-Sent \$notify_entity_id;
        allow   127.0.0.0/8;
    }
    notify_channel shop { profile bench; }
    server {
        listen 127.0.0.1:$api;
        location /shop/ { notify_api shop; }
    }
END

# URL ARGUMENT...: subscriptions, one for each argument
subscribe() {
    local url=$1
    shift
    printf "{\"event\":\"*\",\"url\":\"$url\"}\n" "$@" \
        | perl t/bench/client.pl post "http://127.0.0.1:$api/shop/subscriptions"
}

publish() {
    perl t/bench/client.pl pace "http://127.0.0.1:$api/shop/events" e "$@"
}

# EVENTS: each of the others has had as many
arrived() {
    [ "$(grep -vc '^/last ' "$log")" -ge $(($1 * (subscribers - 1))) ]
}

# HOW: one measure with the last subscriber like that
measure() {
    local how=$1 events=$((rate * seconds)) id
    case $how in
    with)    id=$(subscribe "http://127.0.0.1:$hanging/%s" last) ;;
    without) id=$(subscribe "http://127.0.0.1:$receiver/%s" last) ;;
    esac
    id=$(sed 's/.*"id":"\([^"]*\)".*/\1/' <<< "$id")
    # it is in its place
    publish "$rate" 1
    until_ready 'a delivery' arrived $((total + rate))
    total=$((total + rate))

    publish "$rate" "$seconds"
    until_ready 'all deliveries' arrived $((total + events))
    total=$((total + events))

    late $((events * (subscribers - 1))) -v '^/last ' > "$dir/late"
    perl t/bench/client.pl p 0.99 < "$dir/late" >> "$dir/p99-$how"
    perl t/bench/client.pl p 0.5 < "$dir/late" >> "$dir/p50-$how"
    resident notify >> "$dir/memory-$how"
    api DELETE "/shop/subscriptions/$id"
}

total=0
until_ready nginx serves /shop/deltas
subscribe "http://127.0.0.1:$receiver/%s" $(seq $((subscribers - 1))) \
    > /dev/null
publish "$rate" 1
until_ready 'all deliveries' arrived "$rate"
total=$rate

for ((round = 1; round <= rounds; round++)); do
    if [ $((round % 2)) = 1 ]; then order='without with'
    else order='with without'; fi
    for how in $order; do measure "$how"; done
done

tail -n 1 "$dir/memory-with" > "$dir/memory-last"
head -n 1 "$dir/memory-with" > "$dir/memory-first"

no_alerts
machine
printf '\n%d subscribers, %d events a second, %d rounds of %d s; ' \
    "$subscribers" "$rate" "$rounds" "$seconds"
printf 'p99 without it %.1f ms, worker %.1f MB\n' \
    "$(median "$dir/p99-without" | cut -d' ' -f1)" \
    "$(median "$dir/memory-without" | awk '{ print $1 / 1e6 }')"
heading
row 'p99 of the others, one hangs : none does' p99-with p99-without '<= 1.2'
row 'p50 of the others, one hangs : none does' p50-with p50-without
row "memory of the worker, one hangs : none does" memory-with memory-without \
    '<= 1.2'
row "memory of the worker, one hangs: last round : first" memory-last \
    memory-first '<= 1.1'
