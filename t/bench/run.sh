#!/usr/bin/env bash
#
# The benchmarks that were named, or all but those that prove no goal; each is
# bounded, all together take some ten minutes.  At the end all figures are in
# one table: what is short of its goal is said to be.
# usage: make -f Makefile.dev bench
#        BENCH="speed tls others many memory sign slow pages waiting cost dead"
#                                                       what is run
#        BENCH=sessions                                 100,000 of them
#        BENCH=trickle                                  few events a second
#        BENCH=latency                                  in_flight auto
#        BENCH=segments                                 memory, what reading costs
#        BENCH=order                                    order key=
#        BENCH=batch                                    calls of 100 events
#        BENCH=known                                    what a uid costs
#        BENCH=idle                                     a channel at rest
#        BENCH=fleet                                    nginx, Redis, partitions
#        BENCH=push                                     Web Push to 10,000
#        BENCH_PORT=22200                               the first of a few

set -eu

cd "$(dirname "$0")/../.."

[ $# -gt 0 ] \
    || set -- speed tls others many memory sign slow pages waiting cost dead

for name in "$@"; do
    [ -f "t/bench/$name.sh" ] || [ -f "t/bench/$name.pl" ] \
        || { printf 'bench: there is no "%s"\n' "$name" >&2; exit 1; }
done

table=$(mktemp -d)
trap 'rm -rf "$table"' EXIT
export BENCH_MACHINE=$table/machine

failed=()
for name in "$@"; do
    run=(t/bench/$name.sh)
    [ -f "$run" ] || run=(perl -It/lib "t/bench/$name.pl")
    export BENCH_ROWS=$table/$name

    printf '\n%s\n\n' "$name"
    status=0
    # Ctrl-C still reaches it
    timeout --foreground -k 15 220 "${run[@]}" || status=$?
    [ $status != 130 ] || exit 130
    [ $status = 0 ] || failed+=("$name")
done

if [ $# -gt 1 ]; then
    printf '\nall of them\n'
    [ ! -f "$BENCH_MACHINE" ] || cat "$BENCH_MACHINE"
    printf '\n\n%-8s %-58s %8s  %-9s  %13s  %5s\n' '' '' figure '' range goal
    for name in "$@"; do
        [ ! -f "$table/$name" ] || while IFS='|' read -r what row; do
            printf '%-8s %s  %-9s%s\n' "$name" "${row:0:67}" "$what" \
                "${row:67}"
        done < "$table/$name"
    done
fi

[ ${#failed[@]} = 0 ] \
    || { printf 'bench: failed: %s\n' "${failed[*]}" >&2; exit 1; }
