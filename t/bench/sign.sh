#!/usr/bin/env bash
#
# What each kind of signature costs a delivery, as ratios to none in the same
# run: CPU time of the worker per delivery, everything included.  And what the
# attempt log costs.
# usage: BENCH=sign make -f Makefile.dev bench
#        ROUNDS=3 SCALE=100 (per cent of events) BENCH_PORT=22200

set -eu

cd "$(dirname "$0")/../.."
. t/bench/lib.sh

rounds=${ROUNDS:-3}
receiver=$port
status=$((port + 1))
api=$((port + 2))
events=$((4000 * scale / 100))
bytes=600
whsec=whsec_bmdpbngtbm90aWZ5LWV4YW1wbGUtc2VjcmV0
whsk=whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=

# NAME LABEL DIRECTIVES, each a channel of ten subscriptions
kinds=(
    'none|unsigned|'
    'nolog|unsigned, attempt_log off|attempt_log off;'
    'standard|sign standard, HMAC-SHA256|sign standard;'
    'ed25519|sign standard, Ed25519|sign standard;'
    'hmac|sign hmac, hex|sign hmac header=X-Signature;'
    'both|sign standard, and sign hmac|sign standard; sign hmac header=X-S;'
)
for alg in HS256 RS256 ES256 EdDSA; do
    kinds+=("${alg,,}|jwt $alg|jwt alg=$alg key=$dir/$alg;")
done
for alg in HS256 RS256 ES256 EdDSA; do
    kinds+=("own-${alg,,}|jwt $alg, one for each call|jwt alg=$alg \
key=$dir/$alg 'claims={\"sub\":\"\$notify_event_id\"}';")
done

head -c 32 /dev/urandom | base64 > "$dir/HS256"
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
    -out "$dir/RS256" 2> /dev/null \
    || openssl genrsa -out "$dir/RS256" 2048 2> /dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
    -out "$dir/ES256"
openssl genpkey -algorithm ED25519 -out "$dir/EdDSA"

start_redis
start_receiver

profiles=
locations=
for kind in "${kinds[@]}"; do
    IFS='|' read -r name label directives <<< "$kind"
    profiles+="
    notify_profile $name { allow 127.0.0.0/8; keepalive 256; $directives }
    notify_channel $name { profile $name; }"
    locations+="
        location /$name/ { notify_api $name; }"
done

start_nginx notify "$api" << END
    access_log off;
    client_max_body_size     2m;
    client_body_buffer_size  1m;
    notify_redis unix:$socket;
    $profiles
    server {
        listen 127.0.0.1:$api backlog=4096;
        $locations
    }
END

deliveries() {
    perl t/bench/deliver.pl "$api" "$1" "$status" "$2" 10 $bytes
}

until_ready nginx serves /none/deltas
for kind in "${kinds[@]}"; do
    name=${kind%%|*}
    secret=$whsec
    [ "$name" != ed25519 ] || secret=$whsk
    for i in $(seq 10); do
        api POST "/$name/subscriptions" "{
            \"url\":\"http://127.0.0.1:$receiver/$i\",
            \"event\":\"bench.event\",\"secret\":\"$secret\"}" > /dev/null
    done
    deliveries "$name" 50 > /dev/null || fail "no deliveries, see $dir"
done

for ((round = 1; round <= rounds; round++)); do
    for kind in "${kinds[@]}"; do
        IFS='|' read -r name label directives <<< "$kind"
        n=$events
        # a millisecond each
        [ "$name" != own-rs256 ] || n=$((events / 10))
        before=$(cpu notify)
        rate=$(deliveries "$name" $n) || fail "no deliveries, see $dir"
        printf '%s\n' "$rate" >> "$dir/rate-$name"
        echo "$(($(cpu notify) - before)) $n" \
            | awk '{ print $1 / $2 / 10 }' >> "$dir/cpu-$name"
    done
done

no_alerts
machine
printf '\none worker, %d-byte bodies, 10 subscribers an event, %d rounds\n' \
    $bytes "$rounds"
printf 'unsigned: %.1f us of CPU a delivery, %.0f deliveries a second\n' \
    "$(median "$dir/cpu-none" | cut -d' ' -f1)" \
    "$(median "$dir/rate-none" | cut -d' ' -f1)"

heading 'CPU'
for kind in "${kinds[@]:2}"; do
    IFS='|' read -r name label directives <<< "$kind"
    goal=
    [ "$name" != rs256 ] || goal='<= 1.3'
    row "$label : unsigned" "cpu-$name" cpu-none "$goal"
done
row 'attempt_log all : attempt_log off' cpu-none cpu-nolog '<= 1.05'
