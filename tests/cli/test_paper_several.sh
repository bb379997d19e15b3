#!/usr/bin/env bash
# Two models of different timeframes, one on two markets and one on the first of them only, in one `wick paper` on live
# streams: both decide, each decision names the model whose doing it is, and every second has its step. usage: test_paper_several.sh WICK TEST_VENUE
set -uo pipefail
wick=$1 test_venue=$2 venue=delta entry=market
source "$(dirname "$0")/live_seconds.sh"

for market in $markets; do # the same walk in bars of two seconds
    zcat "$work/data/walk/$market-1s.csv.gz" | awk -F, 'NR == 1 { print; next }
        $1 % 2 == 0 { t = $1; o = $2; hi = $3; lo = $4; v = $6 }
        $1 % 2 == 1 && t == $1 - 1 { printf "%d,%s,%s,%s,%s,%s\n", t, o, ($3 > hi ? $3 : hi), ($4 < lo ? $4 : lo), $5, v + $6 }' |
        gzip >"$work/data/walk/$market-2s.csv.gz"
done
sed 's/"timeframe": "1s"/"timeframe": "2s"/; s/"name": "seconds"/"name": "slow"/' "$work/model.json" >"$work/slow.json"
sed "s/\"symbols\": \[[^]]*\]/\"symbols\": [\"${markets%% *}\"]/; s/\[0.01, 0.01\]/[0.01]/; s/\[0.001, 0.001\]/[0.001]/" \
    "$work/model.json" >"$work/fast.json"
"$wick" train "$work/slow.json" --out "$work/run2" >"$work/log" 2>&1 &&
    "$wick" train "$work/fast.json" --out "$work/run1" >"$work/log" 2>&1 &&
    "$wick" publish "$work/run1/model" "$work/fast" >"$work/log" 2>&1 && "$wick" publish "$work/run2/model" "$work/slow" >"$work/log" 2>&1
check $? "a model of one market and one of another timeframe are trained"
version() { "$wick" publish --verify "$1" 2>/dev/null | sed 's/^version \([0-9a-f]\{16\}\).*/\1/'; }
fast=$(version "$work/fast") slow=$(version "$work/slow")

venue_up
history
configure several
sed -i "s#{ \"dir\": \"$work/run/model\" }#{ \"dir\": \"$work/fast\" }, { \"dir\": \"$work/slow\" }#; s#\"venue\": \"$named\"#\"venue\": \"paper\", \"decisions\": \"all\"#" \
    "$work/several.json"
sed -i 's#"timeframes": \["1s"\]#"timeframes": ["1s", "2s"]#' "$work/feed.json"
runs=1
"$wick" paper "$work/several.json" --json >"$work/out1" 2> >(cat >"$work/log1") </dev/null &
bot=$!
rows() { "$wick" journal export "$work/several" --csv --kind "$1" 2>/dev/null; }
spoken() { ! alive || [ "$(rows decision | grep "$1" | grep -c "$2")" -ge 2 ]; }
until_ 60 spoken BTCUSD "$fast" && until_ 60 spoken ETHUSD "$slow" && alive
check $? "each of the two has had its say"
[ "$(rows decision | grep ETHUSD | grep -c "$fast")" -eq 0 ]
check $? "the market that one model does not know is the other's alone"
traded() { ! alive || [ "$(wc -l <"$work/several/paper_trades.csv")" -ge 4 ]; }
until_ 60 traded && alive
check $? "round trips are in paper_trades.csv"
stepped() { ! alive || [ "$(rows equity | wc -l)" -ge 8 ]; }
until_ 60 stepped && alive
kill -TERM $bot
wait $bot
check $? "it stops when it is told to"
bot=
"$wick" report --live "$work/several" --weekly >"$work/log" 2>&1 && grep -q "by day of the exit" "$work/log" &&
    awk '/^by model/ { on = 1; next } /^[a-z]/ { on = 0 } on { n += $3 } /^trades/ { all = $2 + 0 } END { exit !(n == all && n > 0) }' "$work/log"
check $? "the weekly report credits each trade to a model"
awk '/^by strategy/ { on = 1; next } /^[a-z]/ { on = 0 } on { n += $4; odd += $1 " " $2 != "seconds 1s" && $1 " " $2 != "slow 2s" }
    /^trades/ { all = $2 + 0 } END { exit !(n == all && n > 0 && !odd) }' "$work/log"
check $? "and to the experiment whose model decided its entry"
"$wick" explain last --journal "$work/several" >"$work/log" 2>&1 && grep -qE 'strategy (seconds 1s|slow 2s)$' "$work/log"
check $? "explain says which it was"
rows equity | tail -n +2 | cut -d, -f3 | awk 'NR > 1 && $1 - last > 1.5e9 { bad = 1 } { last = $1 } END { exit bad || NR < 4 }'
check $? "every second has its step"
venue_down
check $? "the venue saw no violation"
done_testing
