#!/usr/bin/env bash
#
# The benchmarks that were named, or those that are quick; each is bounded.
# usage: make -f Makefile.dev bench
#        BENCH="speed sign slow pages waiting cost"     what is run
#        BENCH=dead                                     two minutes
#        BENCH=sessions                                 100,000 of them
#        BENCH_PORT=22200                               the first of a few

set -eu

cd "$(dirname "$0")/../.."

[ $# -gt 0 ] || set -- speed sign slow pages waiting cost

for name in "$@"; do
    [ "$name" = cost ] || [ -f "t/bench/$name.sh" ] \
        || { printf 'bench: there is no "%s"\n' "$name" >&2; exit 1; }
done

status=0
for name in "$@"; do
    run=(t/bench/$name.sh)
    [ "$name" != cost ] || run=(perl -It/lib t/bench/cost.pl)

    printf '\n%s\n\n' "$name"
    # Ctrl-C still reaches it
    timeout --foreground -k 15 220 "${run[@]}" || status=$?
    [ $status = 0 ] || break
done

exit $status
