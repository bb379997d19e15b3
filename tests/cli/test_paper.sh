#!/usr/bin/env bash
# A bot on paper against the backtest of the same model: usage: test_paper.sh WICK ROOT
set -uo pipefail
wick=$1 root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export WICK_HOME=$work/home
unset WICK_DATA
n=0 failed=0
check() {
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        failed=1
        echo "not ok $n - $2"
        tail -5 "$work/log" | sed 's/^/# /'
    fi
}

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
"$wick" paper "$work/bot.json" --candles --events "$work/bot" --json >"$work/c.json" 2>"$work/log"
[ "$(digests "$work/a.json")" = "$(digests "$work/c.json")" ]
check $? "the recorded fills fed back lead to the same intents"
sed "s#$work/bot\"#$work/twin\"#" "$work/bot.json" >"$work/twin.json"
for pause in 0.3 0.5 0.4; do
    timeout -s KILL "$pause" "$wick" paper "$work/twin.json" --candles >"$work/log" 2>&1
done 2>/dev/null
"$wick" paper "$work/twin.json" --candles >"$work/log" 2>&1 && cmp -s "$work/first.csv" "$work/twin/paper_trades.csv"
check $? "a bot that was killed three times ends with the trades of its twin"
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
    "$wick" paper "$work/moody.json" --candles >"$work/log" 2>&1
check $? "a model with an outside series trades on candles"
"$wick" paper "$work/moody.json" >"$work/log" 2>&1
[ $? -eq 2 ] && grep -q "trained with outside series, which a feed does not bring" "$work/log"
check $? "and is refused on a feed, which would not bring it"
printf 'no database' >"$work/bot/journal.sqlite"
"$wick" paper "$work/bot.json" --candles >"$work/log" 2>&1
[ $? -eq 1 ] && grep -q "move it aside" "$work/log"
check $? "a damaged journal stops the start"
echo "1..$n"
exit $failed
