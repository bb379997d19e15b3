#!/bin/sh
# The main job on a small simulated market: the same bytes again, with another thread count, and stage by
# stage; and bad input answered with one clear error and the right exit code. Prints TAP.
# usage: test_run.sh WICK WICKD SOURCE_DIR
set -u
. "$(dirname "$0")/../tap.sh"
explain() { :; }
wick=$1
wickd=$2
source=$3
config=$source/tests/cli/tiny.json
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

refused() { # EXIT TEXT DESCRIPTION COMMAND...: the command fails with EXIT and TEXT in its message
    want=$1; text=$2; what=$3
    shift 3
    "$@" >"$dir/stdout" 2>"$dir/stderr"
    got=$?
    grep -v '^ts=' "$dir/stderr" >"$dir/message"
    [ "$got" -eq "$want" ] && [ "$(wc -l <"$dir/message")" -eq 1 ] && grep -q -- "$text" "$dir/message"
    status=$?
    [ "$status" -eq 0 ] || sed 's/^/# /' "$dir/message"
    (exit "$status")
    check $? "$what"
}

"$wick" run "$config" --out "$dir/a" --threads 2 >"$dir/log" 2>&1
check $? "run ends with exit 0"
sed 's/^/# /' "$dir/log" | tail -n 3
[ -s "$dir/a/report.html" ] && [ -s "$dir/a/metrics.json" ] && [ -s "$dir/a/model/model.json" ]
check $? "run leaves a report, metrics and a model"
grep -q '"permutation": ' "$dir/a/training.json" && grep -q '"of": "the margin of BUY less that of SELL"' \
    "$dir/a/report.json" && grep -q '"permutation_sd": ' "$dir/a/report.json"
check $? "the report has importances by shuffling and SHAP values"
# curve FILE NAME: one learner's losses in a document: "train t1 t2 ... valid v1 v2 ...", to eight digits.
curve() {
    tr -d ' \n' <"$1" | sed -n 's/.*{"name":"'"$2"'","train":\[\([^]]*\)\],"valid":\[\([^]]*\)\]}.*/train,\1,valid,\2/p' |
        tr , '\n' | awk '{ printf("%s ", $1 ~ /^[0-9]/ ? sprintf("%.8f", $1) : $1) }'
}
curves=0
other=
for name in lstm tcn; do
    drawn=$(curve "$dir/a/report.html" $name)
    # Two epochs.
    echo "$drawn" | grep -q '^train \([0-9]*\.[0-9]* \)\{2\}valid \([0-9]*\.[0-9]* *\)\{2\}$' &&
        [ "$drawn" = "$(curve "$dir/a/training.json" $name)" ] && [ "$drawn" != "$other" ] || curves=1
    other=$drawn
done
(exit $curves)
check $? "each network's losses by epoch, of training and validation, stand in the report as in training.json"
[ "$(curve "$dir/a/report.html" gbdt | wc -w)" -eq 22 ]
check $? "so do the trees', by round"
"$wick" run "$config" --out "$dir/b" --threads 1 >/dev/null 2>&1
cmp "$dir/a/metrics.json" "$dir/b/metrics.json"
check $? "one thread gives the same metrics, byte for byte"
same=0
for file in forecasts.h5 training.json trades.csv report.json report.html model/model.json \
    model/meta.0.xgb.json model/branch.lstm.safetensors; do
    cmp "$dir/a/$file" "$dir/b/$file" || same=1
done
(exit $same)
check $? "one thread gives the same forecasts, model and report"
"$wick" train "$config" --out "$dir/c" >/dev/null 2>&1 &&
    "$wick" backtest "$config" --model "$dir/c" --out "$dir/d" >/dev/null 2>&1 &&
    "$wick" report "$dir/d" >/dev/null 2>&1 &&
    cmp "$dir/a/metrics.json" "$dir/d/metrics.json" && cmp "$dir/a/report.html" "$dir/d/report.html"
check $? "the stages one by one give the same bytes"
"$wick" run "$config" --out "$dir/g" --threads 2 --set meta.networks_must_earn=true >/dev/null 2>&1 &&
    "$wick" train "$config" --out "$dir/h" --threads 1 --set meta.networks_must_earn=true >/dev/null 2>&1 &&
    "$wick" backtest "$config" --model "$dir/h" --out "$dir/i" --set meta.networks_must_earn=true >/dev/null 2>&1 &&
    cmp "$dir/g/metrics.json" "$dir/i/metrics.json" && cmp "$dir/g/training.json" "$dir/h/training.json" &&
    cmp "$dir/g/forecasts.h5" "$dir/h/forecasts.h5" && cmp "$dir/g/model/model.json" "$dir/h/model/model.json" &&
    grep -q '"networks": "no record"' "$dir/g/training.json" && grep -q '"networks":' "$dir/g/metrics.json"
check $? "networks earn their place or not the same with any threads and stage by stage"
"$wick" features "$config" --out "$dir/f.csv" >/dev/null 2>&1 && [ "$(wc -l <"$dir/f.csv")" -gt 10000 ]
check $? "features writes a table"
"$wick" predict "$dir/a/model" --out "$dir/p.csv" >/dev/null 2>&1 && [ "$(wc -l <"$dir/p.csv")" -gt 1000 ]
check $? "predict writes forecasts"
"$wickd" predict "$dir/a/model" --out "$dir/pd.csv" >/dev/null 2>&1 && cmp "$dir/p.csv" "$dir/pd.csv"
check $? "wickd predict writes the same bytes as wick predict"
# 180 + 30 days of 24 bars of 2 markets, and the header.
[ "$(wc -l <"$dir/p.csv")" -eq 10081 ]
check $? "predict goes as far back as the score's scale"

same_tail() { # MODEL: a late --from reads fewer bars and gives the last rows of an early one
    "$wick" predict "$1" --out "$dir/early.csv" --set data.synthetic.bars=20000 --from 2021-01-01 >/dev/null 2>&1 &&
        "$wickd" predict "$1" --out "$dir/late.csv" --set data.synthetic.bars=20000 \
            --from 2023-01-31T22:30:00Z >/dev/null 2>&1 &&
        [ "$(sed -n '2s/,.*//p' "$dir/late.csv")" = 2023-01-31T23:00:00Z ] &&
        tail -n "$(($(wc -l <"$dir/late.csv") - 1))" "$dir/early.csv" >"$dir/tail.csv" &&
        sed 1d "$dir/late.csv" | cmp - "$dir/tail.csv"
}
same_tail "$dir/a/model"
check $? "predict --from gives the last rows of the whole"
"$wick" train "$config" --out "$dir/m" --set meta.kind=mlp --set meta.mlp_train.epochs=1 \
    --set 'meta.mlp_layers=[{"type": "gru", "units": 4}]' >/dev/null 2>&1 && same_tail "$dir/m/model"
check $? "predict --from gives the last rows of the whole with a network over the branches"

refused 1 'candles of hash' "forecasts of other candles are not judged" \
    "$wick" backtest "$config" --model "$dir/c" --out "$dir/x" --set data.synthetic.seed=6

"$wick" run "$config" --out "$dir/trees" --set 'branches=[]' >/dev/null 2>&1 &&
    "$wick" run "$config" --out "$dir/imported" --set 'branches=[]' --set meta.seeds=1 \
        --set meta.model="$dir/trees/model/meta.0.xgb.json" >/dev/null 2>&1 &&
    cmp "$dir/trees/model/meta.0.xgb.json" "$dir/imported/model/meta.0.xgb.json" && [ -s "$dir/imported/report.html" ]
check $? "trees from a file are a complete strategy without branches"
refused 1 'the trees see' "trees over other columns are refused" "$wick" run "$config" --out "$dir/x" \
    --set 'branches=[]' --set meta.model="$dir/a/model/meta.0.xgb.json"
refused 2 'branches' "trees from a file do not go with branches" "$wick" run "$config" --out "$dir/x" \
    --set meta.model="$dir/trees/model/meta.0.xgb.json"

sed 's/"row_stride"/"row_strid"/' "$config" >"$dir/unknown.json"
refused 2 'row_stride' "an unknown key names the nearest one" "$wick" run "$dir/unknown.json" --out "$dir/x"
sed 's/"bars": 7000/"bars": "many"/' "$config" >"$dir/type.json"
refused 2 'synthetic.bars' "a wrong type names the key" "$wick" run "$dir/type.json" --out "$dir/x"
refused 2 'row_stride' "a value out of range names the key" "$wick" run "$config" --out "$dir/x" --set split.row_stride=0
refused 1 'cannot open' "a missing configuration is named" "$wick" run "$dir/absent.json" --out "$dir/x"
refused 2 '--out' "a missing --out is wrong usage" "$wick" run "$config"
refused 1 'feature_hash' "a model of other features is refused" \
    "$wick" predict "$dir/a/model" --out "$dir/q.csv" --set features.anchor_bars=3000
refused 2 'after the newest bar' "a --from in the future is refused" \
    "$wickd" predict "$dir/a/model" --out "$dir/q.csv" --from 2030-01-01
refused 2 '2024-06-30' "a --from that is no time is answered with one" \
    "$wickd" predict "$dir/a/model" --out "$dir/q.csv" --from soon
refused 1 "wick store export" "wickd says that its store has no such candles" \
    "$wickd" predict "$dir/a/model" --out "$dir/q.csv" --set data.source=store
[ ! -e "$dir/q.csv" ]
check $? "a refused predict writes nothing"
mkdir -p "$dir/data/v"
printf 'time,open,high,low,close,volume\n1514764800,1,2,0.5,x,1\n' | gzip >"$dir/data/v/A-1h.csv.gz"
refused 1 'A-1h.csv.gz' "text in a number names file and row" "$wick" run "$config" --out "$dir/x" \
    --set data.source=files --set data.root="$dir/data" --set data.venue=v --set 'data.symbols=["A"]'
: >"$dir/data/v/A-1h.csv.gz"
refused 1 'A-1h.csv.gz' "an empty file is named" "$wick" run "$config" --out "$dir/x" \
    --set data.source=files --set data.root="$dir/data" --set data.venue=v --set 'data.symbols=["A"]'
refused 1 'B-1h.csv.gz' "a root without the candles is an error, not a simulation" "$wick" run "$config" \
    --out "$dir/x" --set data.source=auto --set data.root="$dir/data" --set data.venue=v --set 'data.symbols=["B"]'
[ ! -e "$dir/x/model" ]
check $? "refused runs leave no model"
done_testing
