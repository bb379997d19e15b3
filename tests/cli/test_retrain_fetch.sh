#!/usr/bin/env bash
# A renewal that begins at the venue: `wick retrain` fetches every market of the experiment into the store, drops what has
# left the window there, trains and publishes; the next round asks only for what is new.
# usage: test_retrain_fetch.sh WICK TEST_VENUE
set -uo pipefail
source "$(dirname "$0")/../tap.sh"
wick=$1 test_venue=$2
work=$(mktemp -d)
venue=
trap '[ -n "$venue" ] && kill $venue; wait; rm -rf "$work"' EXIT
export WICK_HOME=$work/home
unset WICK_DATA
mkdir "$work/venue"
"$test_venue" --venue delta --dir "$work/venue" --history-s 259200 --rate-scale -1 --port-file "$work/venue/port" \
    --seconds 250 </dev/null >"$work/venue/out" 2>"$work/venue/err" &
venue=$!
for _ in $(seq 300); do
    [ -s "$work/venue/port" ] && break
    sleep 0.1
done
url=https://localhost:$(cat "$work/venue/port")
cat >"$work/run.json" <<JSON
{ "name": "renewed", "seed": 3,
  "data": { "source": "store", "venue": "delta-india", "symbols": ["BTCUSD", "ETHUSD"], "timeframe": "1m" },
  "features": { "families": ["momentum", "volatility"], "anchor_bars": 256, "warmup_bars": 200, "warmup_valid_bars": 50 },
  "labels": { "judge_bars": 4 },
  "split": { "forecast_from_fraction": 0.5, "refit_months": 1, "row_stride": 1, "branch_generations": 0,
             "early_stop_fraction": 0, "calibration_fraction": 0, "policy_fraction": 0 },
  "branches": [],
  "meta": { "score": "targets", "targets": [{ "kind": "bounded", "horizon_bars": 4, "bound": 0.0003 }],
            "scale_days": 0.2, "scale_min_days": 0.02, "seeds": 1, "params": { "num_boost_round": 10, "max_depth": 3 } },
  "trade": { "policy": "threshold", "threshold": 0.1 } }
JSON
since=$(date -u -d '-60 hours' +%Y-%m-%dT%H:00:00Z)
cat >"$work/re.json" <<JSON
{ "run": "$work/run.json", "dir": "$work/re", "publish": "$work/champion", "window_days": 2, "block_days": 0.2,
  "fetch": ["--venue", "delta-india", "--since", "$since", "--host", "$url", "--ca-file", "$work/venue/ca.pem"],
  "prune": "1m=2d" }
JSON
"$wick" retrain "$work/re.json" --once >"$work/log" 2>&1 && "$wick" publish --verify "$work/champion" >"$work/log" 2>&1
check $? "a model is published from what was fetched"
"$wick" store list >"$work/log" 2>&1
[ "$(grep -c '1m ' "$work/log")" -eq 2 ]
check $? "of both markets"
awk '$3 == "1m" && ($4 < 2700 || $4 > 2882) { bad = 1 } END { exit bad }' "$work/log"
check $? "and what left the window is dropped"
before=$(wc -l <"$work/re/train.log")
"$wick" retrain "$work/re.json" --once --set margin=1 >"$work/log" 2>&1 && grep -q '^kept' "$work/log"
check $? "another round"
tail -n +$((before + 1)) "$work/re/train.log" | grep -o '^[0-9]* rows: [0-9]* new' >"$work/rows"
[ "$(wc -l <"$work/rows")" -eq 2 ] && awk '$3 > 900 { bad = 1 } END { exit bad }' "$work/rows"
check $? "asks for what is new, and for little else"
"$wick" retrain "$work/re.json" --once --set 'fetch=["--venue", "delta-india", "--since", "yesterday"]' >"$work/log" 2>&1
[ $? -eq 1 ] && grep -q "wick fetch ended with exit code 2; see .*train.log" "$work/log"
check $? "a fetch that fails is told"
done_testing
