#!/usr/bin/env bash
# The order-flow experiment on recorded ticks, end to end: usage: test_tape.sh WICK ROOT
set -uo pipefail
source "$(dirname "$0")/../tap.sh"
wick=$1 root=$2
market=${WICK_TEST_ROOT:-}/data/market
if [ -z "${WICK_TEST_ROOT:-}" ] || [ ! -d "$market/../tick/lob" ]; then
    skip "order flow on recorded ticks" "WICK_TEST_ROOT is not set or has no data/tick"
    done_testing
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
config=$root/configs/experiments/btc-tick-1s.json

WICK_DATA=$market "$wick" run "$config" --out "$work/run" >"$work/log" 2>&1
check $? "the experiment runs to its report"
auc=$(sed -n 's/.*strategy="gbdt".* auc=\(0\.[0-9]*\).*/\1/p' "$work/log")
awk -v a="${auc:-0}" 'BEGIN { exit !(a > 0.5 && a < 0.8) }'
check $? "order flow foretells the next seconds, and not too well: AUC ${auc:-none}"
WICK_DATA=$market "$wick" run "$config" --out "$work/again" --threads 1 >"$work/log" 2>&1 &&
    cmp -s "$work/run/metrics.json" "$work/again/metrics.json"
check $? "one thread gives the same bytes"
env -u WICK_DATA "$wick" run "$config" --out "$work/none" >"$work/log" 2>&1
[ $? -eq 2 ] && grep -q "WICK_DATA is not set" "$work/log"
check $? "without a data root the message says what to set"
WICK_DATA=$market "$wick" run "$config" --out "$work/none" \
    --set data.outside.0.name=oi --set 'data.outside.0.file=../tick/oi/coinalyze/BTC-oi-1d.csv.gz' \
    --set data.outside.0.value=oi_close >"$work/log" 2>&1
[ $? -eq 2 ] && grep -q "when is a row known" "$work/log"
check $? "an outside series that does not say when its rows are known is refused"
WICK_DATA=$market "$wick" features "$config" --out "$work/f.csv" \
    --set data.outside.0.name=oi --set 'data.outside.0.file=../tick/oi/coinalyze/BTC-oi-1d.csv.gz' \
    --set data.outside.0.value=oi_close --set data.outside.0.delay_s=86400 >"$work/log" 2>&1 &&
    head -1 "$work/f.csv" | grep -q 'flow.ofi_10.*outside.oi'
check $? "flow features and outside series stand side by side"
done_testing
