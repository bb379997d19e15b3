#!/usr/bin/env bash
# A model's life around a bot: journal, explain, summary, publish, retrain. usage: test_ops.sh WICK ROOT
set -uo pipefail
source "$(dirname "$0")/../tap.sh"
wick=$1 root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export WICK_HOME=$work/home
unset WICK_DATA

"$wick" train "$root/tests/cli/tiny.json" --out "$work/run" >"$work/log" 2>&1
check $? "a model is trained"
model=$work/run/model
grep -q '"wick_reference": 1' "$model/reference.json"
check $? "it carries the quantiles of its features"
echo "{ \"name\": \"test\", \"models\": [{ \"dir\": \"$model\" }], \"dir\": \"$work/bot\" }" >"$work/bot.json"
"$wick" paper "$work/bot.json" --candles >"$work/log" 2>&1
check $? "a bot trades"

"$wick" journal show "$work/bot" --kind fill --limit 7 >"$work/log" 2>&1
[ "$(wc -l <"$work/log")" -eq 7 ] && ! grep -qv ' fill ' "$work/log"
check $? "journal show prints as many rows of a kind as asked"
"$wick" journal show "$work/bot" --kind fil >"$work/log" 2>&1
[ $? -eq 2 ] && grep -q 'did you mean fill' "$work/log"
check $? "a mistyped kind is told"
"$wick" journal export "$work/bot" --csv --kind fill --out "$work/fills.csv" 2>"$work/log"
columns=$(head -1 "$work/fills.csv" | tr -cd , | wc -c)
[ "$(wc -l <"$work/fills.csv")" -gt 100 ] && [ "$(tail -1 "$work/fills.csv" | tr -cd , | wc -c)" -eq "$columns" ]
check $? "journal export writes a table"
"$wick" journal export "$work/bot" --json --csv >"$work/log" 2>&1
[ $? -eq 2 ]
check $? "two forms at once are refused"

# The last trade of the table, told again by explain. Its entry is the newest signal that was closed.
line=$(tail -1 "$work/bot/paper_trades.csv")
entry=$(echo "$line" | cut -d, -f3) symbol=$(echo "$line" | cut -d, -f1)
id=$(grep ",fill,$symbol," "$work/fills.csv" | grep ",${entry%Z}" | grep ',entry,' | cut -d, -f6 | tail -1)
"$wick" explain "$id" --journal "$work/bot" >"$work/log" 2>&1
grep -q 'p(sell)' "$work/log" && grep -q "gross" "$work/log"
check $? "explain shows an order's signal and result"
net=$("$wick" explain "$id" --journal "$work/bot" --json | awk -F': ' '/"net":/ { sub(/,/, "", $2); print $2 }')
awk -v a="$net" -v b="$(echo "$line" | cut -d, -f13)" 'BEGIN { d = a - b; exit !(a != "" && d < 1e-6 && d > -1e-6) }'
check $? "its net is that of the table of trades ($net)"
"$wick" explain 1234567 --journal "$work/bot" >"$work/log" 2>&1
[ $? -eq 2 ] && grep -q 'not in the journal' "$work/log"
check $? "an unknown order is told"

"$wick" report --live "$work/bot" --model "$model" --from 2021-01-01 --json >"$work/summary.json" 2>"$work/log"
check $? "the summary of a bot"
nets=$(tail -n +2 "$work/bot/paper_trades.csv" | awk -F, '$5 >= "2021-01-01" { s += $13; n++ } END { printf "%d %.4f", n, s }')
got=$(awk '/"trades": \{/ { on = 1 } on && /"trades":|"net":/ { print } /"open"/ { on = 0 }' "$work/summary.json" | tr -dc '0-9.\n-' | awk 'NF { printf s "%s", $1; s = " " }')
echo "got $got, want $nets" >>"$work/log"
awk -v a="$got" -v b="$nets" 'BEGIN { split(a, x, " "); split(b, y, " "); d = x[2] - y[2]; exit !(x[1] == y[1] && x[1] > 0 && d < 0.01 && d > -0.01) }'
check $? "trades and money are those of the table of trades"
grep -q '"psi"' "$work/summary.json" && grep -q '"accuracy": 0\.' "$work/summary.json"
check $? "it has accuracy and drift"

"$wick" publish "$model" "$work/pub/m" >"$work/log" 2>&1 && "$wick" publish --verify "$work/pub/m" >>"$work/log" 2>&1
check $? "a model is published and verified"
cp -r "$model" "$work/other"
echo '{}' >"$work/other/extra.json"
"$wick" publish "$work/other" "$work/pub/m" >"$work/log" 2>&1 && [ -e "$work/pub/m/extra.json" ] &&
    "$wick" publish --rollback "$work/pub/m" >>"$work/log" 2>&1 && [ ! -e "$work/pub/m/extra.json" ]
check $? "another takes its place, and rollback goes back"
# Killed at any moment: what lies there is whole, and is one of the two.
whole=0
for delay in 0.005 0.01 0.015 0.02 0.03 0.04 0.05 0.08; do
    "$wick" publish "$work/other" "$work/pub/m" >/dev/null 2>&1 &
    pid=$!
    sleep $delay
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    "$wick" publish --verify "$work/pub/m" >"$work/log" 2>&1 || whole=1
    "$wick" publish "$model" "$work/pub/m" >"$work/log" 2>&1 || whole=1
done
check $whole "kill -9 while it publishes leaves a whole model"
printf x >>"$work/pub/m/meta.0.xgb.json"
"$wick" predict "$work/pub/m" --out "$work/f.csv" >"$work/log" 2>&1
[ $? -eq 1 ] && grep -q 'meta.0.xgb.json is damaged' "$work/log"
check $? "a damaged one is refused by whatever loads it"
"$wick" publish --rollback "$work/pub/m" >"$work/log" 2>&1 && "$wick" publish --verify "$work/pub/m" >>"$work/log" 2>&1
check $? "and rolled back from"

echo "{ \"run\": \"$root/tests/cli/tiny.json\", \"dir\": \"$work/re\", \"publish\": \"$work/champion\", \"window_days\": 120 }" >"$work/re.json"
"$wick" retrain "$work/re.json" --once >"$work/log" 2>&1 && grep -q 'no usable champion' "$work/log" &&
    "$wick" publish --verify "$work/champion" >/dev/null 2>>"$work/log"
check $? "retrain publishes the first model"
"$wick" retrain "$work/re.json" --once >"$work/log" 2>&1 && grep -q '^kept: auc' "$work/log"
check $? "an equal challenger is not better"
"$wick" retrain "$work/re.json" --once --set 'set=["seed=5", "meta.params.num_boost_round=1"]' --set margin=1 >"$work/log" 2>&1 &&
    grep -q '^kept: auc' "$work/log"
check $? "nor one below the margin"
[ "$(wc -l <"$work/re/retrain.jsonl")" -eq 3 ] && [ "$("$wick" journal show "$work/re" | wc -l)" -eq 3 ]
check $? "each decision is in the log and in the journal"
"$wick" retrain "$work/re.json" --once --set run=none.json >"$work/log" 2>&1
[ $? -ne 0 ] && grep -q 'none.json' "$work/log"
check $? "a configuration that is not there is named"
done_testing
