#!/usr/bin/env bash
#
# Deliveries to an https receiver over connections that are kept, as a ratio
# to the same over http: one nginx worker sends, one receives both.  And what
# a connection that is not kept costs, its TLS session resumed.
# usage: BENCH=tls make -f Makefile.dev bench
#        ROUNDS=5 SCALE=100 (per cent of events) BENCH_PORT=22200

set -eu

cd "$(dirname "$0")/../.."
. t/bench/lib.sh

rounds=${ROUNDS:-5}
receiver=$port
status=$((port + 1))
api=$((port + 2))
secure=$((port + 3))
events=$((16000 * scale / 100))
events_closed=$((400 * scale / 100))
bytes=600
whsec=whsec_bmdpbngtbm90aWZ5LWV4YW1wbGUtc2VjcmV0

# an authority of its own, and a certificate for the address
{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -days 2 -subj '/CN=bench' -keyout "$dir/ca.key" -out "$dir/ca.pem"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -subj '/CN=receiver' -keyout "$dir/receiver.key" \
        -out "$dir/receiver.csr"
    openssl x509 -req -days 2 -in "$dir/receiver.csr" -CA "$dir/ca.pem" \
        -CAkey "$dir/ca.key" -CAcreateserial -out "$dir/receiver.pem" \
        -extfile <(echo 'subjectAltName=IP:127.0.0.1')
} 2> "$dir/openssl.log" || fail "no certificates, see $dir/openssl.log"

start_redis
start_receiver "
    server {
        listen 127.0.0.1:$secure ssl backlog=4096;
        ssl_certificate      $dir/receiver.pem;
        ssl_certificate_key  $dir/receiver.key;
        return 204;
    }"

start_nginx notify "$api" << END
    access_log off;
    client_max_body_size     2m;
    client_body_buffer_size  1m;
    notify_redis unix:$socket;
    notify_profile kept {
        sign       standard;
        allow      127.0.0.0/8;
        keepalive  256;
        ssl_trusted_certificate $dir/ca.pem;
    }
    notify_profile closed {
        sign       standard;
        allow      127.0.0.0/8;
        keepalive  0;
        ssl_trusted_certificate $dir/ca.pem;
    }
    notify_channel plain  { profile kept; }
    notify_channel tls    { profile kept; }
    notify_channel closed { profile closed; }
    server {
        listen 127.0.0.1:$api backlog=4096;
        location /plain/  { notify_api plain; }
        location /tls/    { notify_api tls; }
        location /closed/ { notify_api closed; }
    }
END

# CHANNEL URL
subscribe() {
    local i
    for i in $(seq 10); do
        api POST "/$1/subscriptions" "{\"url\":\"$2/$i\",
            \"event\":\"bench.event\",\"secret\":\"$whsec\"}" > /dev/null
    done
    deliveries "$1" 100 > /dev/null || fail "no deliveries, see $dir"
}

deliveries() {
    perl t/bench/deliver.pl "$api" "$1" "$status" "$2" 10 $bytes
}

# CHANNEL EVENTS: deliveries a second, and CPU of the worker for each
measure() {
    local before
    before=$(cpu notify)
    deliveries "$1" "$2" >> "$dir/$1" || fail "no deliveries, see $dir"
    echo "$(($(cpu notify) - before)) $2" | awk '{ print $1 / $2 / 10 }' \
        >> "$dir/cpu-$1"
}

until_ready nginx serves /plain/deltas
subscribe plain "http://127.0.0.1:$receiver"
subscribe tls "https://127.0.0.1:$secure"
subscribe closed "https://127.0.0.1:$secure"

for ((round = 1; round <= rounds; round++)); do
    if [ $((round % 2)) = 1 ]; then order='plain tls'
    else order='tls plain'; fi
    for channel in $order; do measure "$channel" $events; done
    measure closed $events_closed
done

no_alerts
machine
printf '\none worker, %d-byte bodies, signed, 10 subscribers an event, ' $bytes
printf 'medians of %d rounds\n' "$rounds"
printf 'plain: %.0f deliveries a second, %.1f us of CPU each; ' \
    "$(median "$dir/plain" | cut -d' ' -f1)" \
    "$(median "$dir/cpu-plain" | cut -d' ' -f1)"
printf 'TLS: %.0f, %.1f us\n' "$(median "$dir/tls" | cut -d' ' -f1)" \
    "$(median "$dir/cpu-tls" | cut -d' ' -f1)"
heading
row 'deliveries, https with keepalive : http' tls plain '>= 0.75'
row 'CPU of the worker, https with keepalive : http' cpu-tls cpu-plain
row 'CPU of the worker, https resumed, not kept : http' cpu-closed cpu-plain
