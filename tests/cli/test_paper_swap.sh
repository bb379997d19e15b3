#!/usr/bin/env bash
# `wick publish` into a `wick paper` that runs on live data (bars of a second from the local venue): the new
# model, and after a rollback the old one again, speak from the next bar on, and no bar is missing.
# usage: test_paper_swap.sh WICK TEST_VENUE
set -uo pipefail
wick=$1 test_venue=$2 venue=delta entry=market
source "$(dirname "$0")/live_seconds.sh"

"$wick" train "$work/model.json" --out "$work/run2" --set meta.params.num_boost_round=20 >"$work/log" 2>&1 &&
    "$wick" publish "$work/run/model" "$work/served" >"$work/log" 2>&1
check $? "another model is trained, and the first one published"
version() { "$wick" publish --verify "$work/served" 2>/dev/null | sed 's/^version \([0-9a-f]\{16\}\).*/\1/'; }
old=$(version)

venue_up
history
configure paper
sed "s#$work/run/model#$work/served#; s#\"venue\": \"$named\"#\"venue\": \"paper\", \"decisions\": \"all\", \"reload_s\": 0.1#" \
    "$work/paper.json" >"$work/swap.json"
runs=1
"$wick" paper "$work/swap.json" --json >"$work/out1" 2> >(cat >"$work/log1") </dev/null &
bot=$!
spoken() { "$wick" journal export "$work/paper" --csv --kind decision 2>/dev/null | grep -c "$1"; }
speaks() { ! alive || [ "$(spoken "$1")" -ge "$2" ]; }
until_ 60 speaks "$old" 8 && alive
check $? "it decides with the first model"
"$wick" publish "$work/run2/model" "$work/served" >"$work/log" 2>&1
new=$(version)
[ -n "$old" ] && [ -n "$new" ] && [ "$old" != "$new" ]
check $? "the second one is published while it runs"
until_ 60 speaks "$new" 8 && alive
check $? "and is what decides from then on"
before=$(spoken "$old")
"$wick" publish --rollback "$work/served" >"$work/log" 2>&1 && [ "$(version)" = "$old" ]
check $? "it is rolled back"
until_ 60 speaks "$old" $((before + 8)) && alive
check $? "and the first one decides again"
kill -TERM $bot
wait $bot
check $? "it stops when it is told to"
bot=
venue_down
check $? "the venue saw no violation"

# Each decision in its order: first, second, first; and two a second without a hole.
"$wick" journal export "$work/paper" --csv --kind decision >"$work/decisions" 2>"$work/log"
spans=$(grep -oE "$old|$new" "$work/decisions" | uniq | sed "s/$old/1/; s/$new/2/" | tr '\n' ' ')
[ "$spans" = "1 2 1 " ]
check $? "no bar went back to the other model ($spans)"
"$wick" journal export "$work/paper" --json --kind equity 2>"$work/log" | grep -o '"time": "[^"]*"' | cut -d'"' -f4 |
    while read -r time; do date -u -d "$time" +%s; done >"$work/seconds"
awk 'NR > 1 && $1 != last + 1 { bad = 1 } { last = $1 } END { exit bad || NR < 10 }' "$work/seconds"
check $? "every second has its bar ($(wc -l <"$work/seconds"))"
"$wick" journal export "$work/paper" --csv --kind model >"$work/models" 2>"$work/log"
[ "$(grep -c "$new" "$work/models")" -ge 1 ]
check $? "the swaps are rows of the journal"
done_testing
