#!/usr/bin/env bash
# The rolling window of wick record: old bars of all series go, new ones stay. usage: test_record_window.sh WICK WICKD PUT_BARS
set -uo pipefail
source "$(dirname "$0")/../tap.sh"
wick=$1 wickd=$2 put_bars=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export WICK_HOME=$work/home
store=$work/store

awk 'BEGIN {
    print "time,open,high,low,close,volume"
    for (t = 1700006400; t < 1700006400 + 3 * 86400; t += 60) print t ",1,2,0.5,1.5,3" }' >"$work/OLD-1m.csv"
awk -F, 'NR == 1 || $1 % 3600 == 0' "$work/OLD-1m.csv" >"$work/OLD-1h.csv"
"$wick" import "$work/OLD-1m.csv" "$work/OLD-1h.csv" --venue v --store "$store" >"$work/log" 2>&1
check $? "three days are in the store"

program=$wick
record() { # KEEP: from a venue that does not answer
    cat >"$work/record.json" <<JSON
{ "venues": [{ "name": "kraken", "url": "wss://localhost:1/v2", "symbols": ["BTC/USD"] }],
  "store": "$store", "keep": "$1", "repair": false, "status_s": 0.1 }
JSON
    "$program" record "$work/record.json" --seconds 1 >"$work/log" 2>&1
}
bars() { "$wick" store export v OLD "$1" --store "$store" | sed 1d; }

record "" && [ "$(bars 1m | wc -l)" -eq 4320 ]
check $? "without a window all of it stays"
record "1m=1d" && [ "$(bars 1m | wc -l)" -eq 1440 ] && [ "$(bars 1m | sed -n 1p | cut -d, -f1)" -eq $((1700006400 + 2 * 86400)) ]
check $? "the last day of the minutes stays"
grep -q 'topic=store.prune dropped=2880' "$work/log"
check $? "the log says how many went"
[ "$(bars 1h | wc -l)" -eq 72 ]
check $? "hours, which have no window, stay"
! record "1m=soon" && grep -q 'keep: "soon" is no length of time; write 30d' "$work/log" && [ "$(bars 1m | wc -l)" -eq 1440 ]
check $? "a window that is none is named"

# wickd has the fresh end of the store alone.
program=$wickd store=$work/box
mkdir "$store"
awk 'BEGIN { for (t = 1700006400; t < 1700006400 + 3 * 86400; t += 900) print "OLD", t, 1, 2, 0.5, 1.5, 3 }' |
    "$put_bars" "$store" v 900
check $? "three days are on the box"
record "15m=2d" && [ "$(bars 15m | wc -l)" -eq 192 ]
check $? "wickd record keeps the last two"
done_testing
