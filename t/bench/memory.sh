#!/usr/bin/env bash
#
# What a call takes of the worker's memory while its answer is awaited: 5,000
# of them at a receiver that takes connections and never answers, signed, 600
# bytes each, ten subscribers an event.  All that grows is counted: events,
# connections, timers.
# usage: BENCH=memory make -f Makefile.dev bench
#        CALLS=5000 BENCH_PORT=22200

set -eu

cd "$(dirname "$0")/../.."
. t/bench/lib.sh

calls=${CALLS:-5000}
hanging=$port
api=$((port + 1))
bytes=600

open_files "$calls" calls

worker_connections=$((2 * calls + 1000))
start_redis
start perl t/bench/client.pl hang "$hanging"

start_nginx notify "$api" << END
    access_log off;
    client_max_body_size     2m;
    client_body_buffer_size  1m;
    notify_redis unix:$socket;
    notify_profile bench {
        sign       standard;
        allow      127.0.0.0/8;
        in_flight  1000;
        timeout    60s;
        breaker    off;
    }
    notify_channel shop { profile bench; }
    server {
        listen 127.0.0.1:$api;
        location /shop/  { notify_api shop; }
        location /metrics { notify_metrics; }
    }
END

until_ready nginx serves /shop/deltas
seq 10 | sed "s|.*|{\"event\":\"*\",\"inFlight\":1000,\"url\":\"http://127.0.0.1:$hanging/&\"}|" \
    | perl t/bench/client.pl post "http://127.0.0.1:$api/shop/subscriptions" \
    > /dev/null

in_flight() {
    [ "$(curl -s "http://127.0.0.1:$api/metrics" \
        | sed -n 's/^notify_in_flight_deliveries{.*} \([0-9]*\)$/\1/p')" = "$1" ]
}

# EVENTS in one array
publish() {
    perl -e 'print "[", join(",", map {
                 "{\"eventType\":\"bench.event\",\"entityID\":$_,"
                 . "\"data\":{\"text\":\"" . "x" x $ARGV[1] . "\"}}"
                 } 1 .. $ARGV[0]), "]\n"' "$1" $((bytes - 85)) \
        | perl t/bench/client.pl post "http://127.0.0.1:$api/shop/events" \
        > /dev/null
}

# what the first ones need besides is not counted
publish 10
until_ready 'the first calls' in_flight 100
before=$(resident notify)
publish $((calls / 10 - 10))
until_ready 'all calls' in_flight "$calls"
echo "$(($(resident notify) - before)) $((calls - 100))" \
    | awk '{ printf "%.0f\n", $1 / $2 }' > "$dir/bytes"

no_alerts
machine
printf '\none worker, %d calls in flight, %d-byte bodies\n' "$calls" $bytes
heading bytes
row 'memory of the worker for a call in flight' bytes '' '<= 10240'
