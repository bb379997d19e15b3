#!/usr/bin/env bash
# A bot on paper against the backtest of the same model: usage: test_paper.sh WICK ROOT
set -uo pipefail
source "$(dirname "$0")/../tap.sh"
wick=$1 root=$2
work=$(mktemp -d)
mkdir "$work/kraken"
trap 'rm -rf "$work"' EXIT
export WICK_HOME=$work/home
unset WICK_DATA

"$wick" train "$root/tests/cli/tiny.json" --out "$work/run" >"$work/log" 2>&1
check $? "a model is trained"
cat >"$work/bot.json" <<JSON
{ "name": "test", "models": [{ "dir": "$work/run/model" }], "dir": "$work/bot" }
JSON
"$wick" backtest "$work/run/config.json" --model "$work/run/model" --out "$work/backtest" --json >"$work/a.json" 2>"$work/log"
check $? "the backtest of the model"
"$wick" paper "$work/bot.json" --candles --json >"$work/b.json" 2>"$work/log"
check $? "the bot on the same candles"
digests() { grep -o '"inputs": "[0-9a-f]*", "intents": "[0-9a-f]*"' "$1"; }
[ -n "$(digests "$work/a.json")" ] && [ "$(digests "$work/a.json")" = "$(digests "$work/b.json")" ]
check $? "features, forecasts and order intents have the same digests"
# The backtest sells what is open at the end; the bot keeps it. All round trips before are the same.
head -n "$(wc -l <"$work/bot/paper_trades.csv")" "$work/backtest/trades.csv" | cmp -s - "$work/bot/paper_trades.csv"
check $? "the tables of trades are the same, byte for byte"
cp "$work/bot/paper_trades.csv" "$work/first.csv"
"$wick" paper "$work/bot.json" --candles --json >"$work/c.json" 2>"$work/log" && grep -q '"steps": 0,' "$work/c.json" &&
    cmp -s "$work/first.csv" "$work/bot/paper_trades.csv"
check $? "a second start goes on at the end: nothing is traded twice"
money() { grep -o '"equity": [0-9.]*' "$1"; }
[ -n "$(money "$work/b.json")" ] && [ "$(money "$work/b.json")" = "$(money "$work/c.json")" ]
check $? "and says the money that there is, not that of the beginning"
decided=$("$wick" journal export "$work/bot" --csv --kind decision | tail -n +2 | wc -l)
"$wick" paper "$work/bot.json" --candles --set decisions=all --set dir="$work/all" --json >"$work/all.json" 2>"$work/log" &&
    [ "$("$wick" journal export "$work/all" --csv --kind decision | tail -n +2 | wc -l)" -eq \
        $(($(sed -n 's/.*"steps": \([0-9]*\),.*/\1/p' "$work/all.json") * 2)) ] && [ "$decided" -gt 100 ]
check $? "what became of each market at each bar is in the journal, or each change of it ($decided rows)"
"$wick" journal export "$work/all" --csv --kind decision | grep -q ",weak," && "$wick" journal export "$work/all" --csv --kind decision | grep -q ",hold,"
check $? "HOLD with its reason too"
"$wick" paper "$work/bot.json" --candles --events "$work/bot" --json >"$work/c.json" 2>"$work/log"
[ "$(digests "$work/a.json")" = "$(digests "$work/c.json")" ]
check $? "the recorded fills fed back lead to the same intents"
sed "s#$work/bot\"#$work/twin\"#" "$work/bot.json" >"$work/twin.json"
for pause in 0.3 0.5 0.4; do
    timeout -s KILL "$pause" "$wick" paper "$work/twin.json" --candles >"$work/log" 2>&1
done 2>/dev/null
"$wick" paper "$work/twin.json" --candles >"$work/log" 2>&1 && cmp -s "$work/first.csv" "$work/twin/paper_trades.csv"
check $? "a bot that was killed three times ends with the trades of its twin"
# A day that a kill fell into may be told by the dead and by the living: in the same words.
days() { "$wick" journal export "$1" --csv --kind note | grep -o '[^,"]*day 20.*\|day week to .*' | tr -d '"' | uniq; }
days "$work/bot" >"$work/days" && days "$work/twin" >"$work/twin-days" && [ "$(grep -c 'day week to' "$work/days")" -gt 3 ] &&
    cmp "$work/days" "$work/twin-days" >"$work/log"
check $? "and sums up the same days and weeks"
# A halt is told once, and the telling changes none of the intents.
rule=trade.max_drawdown_stop=0.02
"$wick" backtest "$work/run/config.json" --model "$work/run/model" --set $rule --out "$work/halted-test" --json >"$work/d.json" 2>"$work/log" &&
    "$wick" paper "$work/bot.json" --candles --set 'set=["'$rule'"]' --set dir="$work/halted" --json >"$work/e.json" 2>>"$work/log"
check $? "a model with a drawdown stop"
[ -n "$(digests "$work/d.json")" ] && [ "$(digests "$work/d.json")" = "$(digests "$work/e.json")" ] &&
    [ "$(digests "$work/d.json")" != "$(digests "$work/a.json")" ] &&
    [ "$("$wick" journal export "$work/halted" --csv --kind note | grep -c 'halted for good by max_drawdown_stop: equity .* limit 2 %')" -eq 1 ] &&
    [ "$(grep -c 'topic=trade.halt halted for good' "$work/log")" -eq 1 ]
check $? "is halted where the backtest is, and it is told once"
"$wick" paper "$work/bot.json" --candles --replay x >"$work/log" 2>&1
[ $? -eq 2 ] && grep -q "choose one" "$work/log"
check $? "two sources of bars are refused"
"$wick" paper "$work/bot.json" >"$work/log" 2>&1
[ $? -eq 2 ] && grep -q "feed is empty" "$work/log"
check $? "a bot without a feed says what is missing"
sed 's/"inputs"/x/; s#/run/model#/run/none#' "$work/bot.json" >"$work/none.json"
"$wick" paper "$work/none.json" --candles >"$work/log" 2>&1
[ $? -eq 1 ] && grep -q "model.json" "$work/log"
check $? "a model that is not there is named"
printf 'time,value\n2021-01-01,1\n2021-06-01,2\n' >"$work/mood.csv"
"$wick" train "$root/tests/cli/tiny.json" --out "$work/moody" --set branches=[] --set data.outside.0.name=mood \
    --set data.outside.0.file="$work/mood.csv" --set data.outside.0.delay_s=0 \
    --set 'features.families=["momentum", "outside"]' >"$work/log" 2>&1 &&
    sed "s#/run/model#/moody/model#; s#/bot\"#/moody-bot\"#" "$work/bot.json" >"$work/moody.json" &&
    "$wick" paper "$work/moody.json" --candles --no-journal >"$work/log" 2>&1
check $? "a model with an outside series trades on candles"

# A model with order flow and an outside series on a feed: history before the recording, then its bars.
begin=1795237592 live=$root/tests/golden/live_busy
awk -v end=$begin 'BEGIN {
    print "time,price,size,side" > "'"$work"'/t.csv"; print "time,ask_price_1,ask_size_1,bid_price_1,bid_size_1" > "'"$work"'/b.csv"
    print "time,open,high,low,close,volume" > "'"$work"'/kraken/BTCUSD-1s.csv"; srand(4); p = 30000
    for (s = end - 2400; s < end; s++) {
        o = p; p += int(rand() * 21) - 10
        printf "%d,%d,%.2f,%s\n", s, p, 0.1 + rand(), rand() < 0.5 ? "buy" : "sell" > "'"$work"'/t.csv"
        printf "%d,%d,%.2f,%d,%.2f\n", s, p + 1, 1 + rand(), p - 1, 1 + rand() > "'"$work"'/b.csv"
        printf "%d,%d,%d,%d,%d,1\n", s, o, (o > p ? o : p), (o < p ? o : p), p > "'"$work"'/kraken/BTCUSD-1s.csv"
    } }'
printf 'time,value\n%d,1\n%d,2\n' $((begin - 2300)) $((begin - 1000)) >"$work/mood.csv"
export WICK_DATA=$work
train_flow() { # train_flow OUT OPTION...
    "$wick" train "$root/configs/experiments/btc-tick-1s.json" --out "$@" \
    --set data.venue=kraken --set 'data.symbols=["BTCUSD"]' --set data.tape.trades=t.csv --set data.tape.book=b.csv \
    --set data.outside.0.name=mood --set data.outside.0.file="$work/mood.csv" --set data.outside.0.delay_s=0 \
    --set 'features.outside_forms=["level","missing"]' --set features.anchor_bars=600 --set meta.seeds=1 \
    >"$work/log" 2>&1
}
train_flow "$work/flow" &&
    "$wick" import "$work/kraken/BTCUSD-1s.csv" --venue kraken --store "$work/store" >"$work/log" 2>&1
check $? "a model with flow features and an outside series"
cat >"$work/record.json" <<JSON
{ "venues": [{ "name": "kraken", "symbols": ["BTC/USD", "ETH/USD"], "candles": false }], "timeframes": ["1s", "2s"] }
JSON
cat >"$work/flow.json" <<JSON
{ "name": "flow", "models": [{ "dir": "$work/flow/model" }], "dir": "$work/flow-bot", "store": "$work/store",
  "feed": "$work/record.json", "markets": [{ "symbol": "BTCUSD", "feed": "kraken:BTCUSD", "tick": 0.1, "lot": 0.0001 }] }
JSON
replay() { rm -rf "$work/flow-bot"; "$wick" paper "$work/flow.json" --replay "$live" --no-journal --json >"$1" 2>"$work/log"; }
replay "$work/c.json" && replay "$work/d.json" && [ -n "$(digests "$work/c.json")" ] && [ "$(digests "$work/c.json")" = "$(digests "$work/d.json")" ]
check $? "trades on a recording, each time the same"
grep -q "level=info topic=bot.warm_up steps=\([0-9]*\) wanted=\1 holes=2 newest_missing=2$" "$work/log"
check $? "that the newest two bars are not stored yet is no reason to warn"
with() { # COMMAND...: with the lines of the history that COMMAND leaves
    { head -1 "$work/kraken/BTCUSD-1s.csv"; tail -n +2 "$work/kraken/BTCUSD-1s.csv" | "$@"; } >"$work/BTCUSD-1s.csv"
    rm -rf "$work/flow-bot" "$work/part"
    "$wick" import "$work/BTCUSD-1s.csv" --venue kraken --store "$work/part" >"$work/log" 2>&1 &&
        "$wick" paper "$work/flow.json" --replay "$live" --no-journal --set store="$work/part" >"$work/log" 2>&1
}
with head -n -200 && grep -q 'level=warn topic=bot.warm_up .*newest_missing=202 note="the newest bars are not in the store' "$work/log"
check $? "that two hundred are not is one"
with tail -n 300 && grep -q 'level=warn topic=bot.warm_up steps=302 .*note="forecasts begin later' "$work/log"
check $? "so is a history that is too short"
begun=$(date +%s%N)
rm -rf "$work/flow-bot"
"$wick" paper "$work/flow.json" --replay "$live" --speed 20 --no-journal --json >"$work/d.json" 2>"$work/log"
took=$((($(date +%s%N) - begun) / 1000000)) # the recording is of 14 seconds
[ "$(digests "$work/c.json")" = "$(digests "$work/d.json")" ] && [ $took -ge 600 ]
check $? "at twenty times its speed too ($took ms)"
printf '%d,5\n' $((begin + 3)) >>"$work/mood.csv"
replay "$work/e.json" && [ "$(digests "$work/c.json")" != "$(digests "$work/e.json")" ]
check $? "and sees what becomes known while it runs"
"$wick" backtest "$work/flow/config.json" --model "$work/flow/model" --out "$work/flow-test" --json >"$work/a.json" 2>"$work/log"
sed 's#, "markets": .*# }#' "$work/flow.json" >"$work/taped.json"
rm -rf "$work/flow-bot"
"$wick" paper "$work/taped.json" --candles --no-journal --json >"$work/b.json" 2>>"$work/log"
[ -n "$(digests "$work/a.json")" ] && [ "$(digests "$work/a.json")" = "$(digests "$work/b.json")" ]
check $? "on its tape it does what the backtest does"
train_flow "$work/other" --set data.outside.0.stale_s=60
sed 's#"models": \[#"models": [{ "dir": "'"$work"'/other/model" }, #' "$work/flow.json" >"$work/two.json"
rm -rf "$work/flow-bot"
"$wick" paper "$work/two.json" --replay "$live" --no-journal >"$work/log" 2>&1
[ $? -eq 2 ] && grep -q "have different flow features or outside series" "$work/log"
check $? "models that want different columns are refused"
unset WICK_DATA
printf 'no database' >"$work/bot/journal.sqlite"
"$wick" paper "$work/bot.json" --candles >"$work/log" 2>&1
[ $? -eq 1 ] && grep -q "move it aside" "$work/log"
check $? "a damaged journal stops the start"
done_testing
