#!/bin/sh
# Bad input through the real command: each is one clear error that names the place and the fix, exit 1 or 2,
# and nothing that was there before changes: the store, the models and earlier results keep every byte, and
# no half-written file stays behind. Prints TAP.
# usage: test_bad_input.sh WICK SOURCE_DIR
set -u
. "$(dirname "$0")/../tap.sh"
explain() { :; }
wick=$(realpath "$1")
source=$(realpath "$2")
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
unset WICK_DATA
export WICK_HOME="$dir/home"
cd "$dir" || exit 1
# What stands before a bad input comes: it must be the same afterwards, names and bytes.
mkdir keep in

fingerprint() {
    find keep -type d | sort
    find keep -type f | sort | xargs sha256sum
}

within_limits() { # COMMAND...: under the limit or the right that `restrict` holds
    if [ -n "$restrict" ]; then
        sh -c "$restrict"' "$@"' sh "$@"
    else
        "$@"
    fi
}

# The message is one line, apart from the log; it holds TEXT (a basic regular expression: the place, then
# what to do) and the exit code is EXIT.
restrict=
refused() { # EXIT TEXT DESCRIPTION COMMAND...
    want=$1; text=$2; what=$3
    shift 3
    fingerprint >before
    within_limits "$@" >stdout 2>stderr </dev/null
    got=$?
    fingerprint >after
    grep -v '^ts=' stderr >message
    status=0
    [ "$got" -eq "$want" ] || { echo "# exit $got, not $want"; status=1; }
    [ "$(wc -l <message)" -eq 1 ] || { echo "# $(wc -l <message) lines of message, not 1"; status=1; }
    grep -q -- "$text" message || { echo "# no \"$text\" in the message"; status=1; }
    cmp -s before after || { diff before after | sed 's/^/# /'; status=1; }
    [ "$status" -eq 0 ] || head -n 3 message | sed 's/^/# /'
    check "$status" "$what"
}

# ---- what stands: a store, a run with its model, a model of trees ----

candles() { # rows of hourly candles, from row $1 to $2
    awk -v from="$1" -v to="$2" 'BEGIN {
        for (i = from; i <= to; i++)
            printf "%d,%.2f,%.2f,%.2f,%.2f,%.3f\n", 1514764800 + 3600 * i, 100 + i % 7, 103 + i % 7,
                   98 + i % 7, 101 + i % 7, 5 + i % 3 }'
}
header=time,open,high,low,close,volume
{ echo $header; candles 0 199; } >in/GOOD-1h.csv
"$wick" import in/GOOD-1h.csv --venue v --store keep/store >/dev/null 2>log &&
    "$wick" train "$source/tests/cli/tiny.json" --out keep/run --set data.synthetic.bars=4000 \
        --set data.synthetic.symbols=1 --set features.anchor_bars=1024 >/dev/null 2>log &&
    "$wick" gbdt train "$source/tests/cli/gbdt.json" --data "$source/tests/golden/gbdt/softprob_missing.csv" \
        --out keep/trees.json >/dev/null 2>log &&
    "$wick" gbdt predict keep/trees.json --data "$source/tests/golden/gbdt/softprob_missing.csv" \
        --out keep/predictions.csv >/dev/null 2>log &&
    "$wick" predict keep/run/model --out keep/forecasts.csv >/dev/null 2>log
check $? "good input is taken: a store, a run, a model of trees"
tail -n 1 log | sed 's/^/# /'
find keep -type f | sort | xargs sha256sum >first

# ---- candles ----

import() { # TEXT DESCRIPTION FILE
    refused 1 "$1" "import: $2" "$wick" import "$3" --venue v --symbol GOOD --timeframe 1h --store keep/store
}
{ echo $header; candles 300 319; } >in/good.csv
spoil() { # FILE TEXT: good.csv with TEXT as its fifth line
    sed "5s/.*/$2/" in/good.csv >"in/$1"
}
time=$((1514764800 + 3600 * 303))
: >in/empty.csv
import 'in/empty.csv is empty; fetch it again' "an empty file" in/empty.csv
echo $header >in/header.csv
import 'in/header.csv:1: no candle in the file; fetch it again' "a header alone" in/header.csv
spoil text.csv "$time,100,103,98,abc,5"
import 'in/text.csv:5: close "abc" is not a number; correct or delete the row' "text in a number" in/text.csv
spoil nan.csv "$time,100,nan,98,101,5"
import 'in/nan.csv:5: high "nan" is not a number; correct or delete the row' "NaN" in/nan.csv
spoil infinite.csv "$time,100,1e999,98,101,5"
import 'in/infinite.csv:5: high "1e999" .*; correct or delete the row' "infinity" in/infinite.csv
spoil negative.csv "$time,100,103,-98,101,5"
import 'in/negative.csv:5: a price is zero or negative .*; correct or delete the row' "a negative price" in/negative.csv
spoil zero.csv "$time,0,103,0,101,5"
import 'in/zero.csv:5: a price is zero or negative .*; correct or delete the row' "a price of zero" in/zero.csv
spoil inverted.csv "$time,100,97,98,101,5"
import 'in/inverted.csv:5: high below .*; correct or delete the row' "high below low" in/inverted.csv
spoil short.csv "$time,100,103"
import 'in/short.csv:5: 3 fields where the first row has 6; .*fetch it again' "a row cut short" in/short.csv
spoil unsorted.csv "$(candles 301 301)"
import 'in/unsorted.csv:5: .* comes after .*; sort the file by time' "unsorted rows" in/unsorted.csv
spoil twice.csv "$((time - 3600)),1,2,1,2,5"
import 'in/twice.csv:5: a second bar .*; keep one' "two bars of one time" in/twice.csv
spoil grid.csv "$((time + 60)),100,103,98,101,5"
import 'in/grid.csv: .*off the grid' "a bar between the hours" in/grid.csv
{ echo $header; candles 300 5000; } | gzip >in/whole.csv.gz
head -c 20000 in/whole.csv.gz >in/cut.csv.gz
import 'in/cut.csv.gz:[0-9][0-9][0-9]*: the gzip file ends too early; fetch it again' "a truncated gzip" in/cut.csv.gz
{ head -c 20000 in/whole.csv.gz; head -c 3000 /dev/zero; tail -c +23001 in/whole.csv.gz; } >in/hole.csv.gz
import 'in/hole.csv.gz:[0-9]*: .*\(damaged\|;\)' "a damaged gzip" in/hole.csv.gz
head -c 100000 "$wick" >in/binary.csv
import 'in/binary.csv:1: ' "a program in place of candles" in/binary.csv
import 'cannot open in/absent.csv: No such file' "a file that is not there" in/absent.csv
refused 1 'in/text.csv:5: ' "import: one bad file among good ones stores none of them" \
    "$wick" import in/good.csv in/text.csv --venue v --timeframe 1h --store keep/store
refused 2 'cannot name a folder' "import: a symbol that would leave the store" \
    "$wick" import in/good.csv --venue v --symbol ../x --store keep/store
refused 2 'timeframe 7x: write 1m' "import: an unknown timeframe" \
    "$wick" import in/good.csv --venue v --timeframe 7x --store keep/store

# ---- a damaged store ----

cp -r keep/store in/store
h5=$(find in/store -name '2018.h5')
head -c 3000 "$h5" >in/part && mv in/part "$h5"
refused 1 "2018.h5: HDF5 says .*store check --repair" "import: a damaged store file is not written over" \
    "$wick" import in/good.csv --venue v --symbol GOOD --timeframe 1h --store in/store
[ "$(wc -c <"$h5")" -eq 3000 ]
check $? "the damaged file is as it was"
"$wick" store check --store in/store >stdout 2>&1
[ $? -eq 1 ] && grep -q '2018.h5' stdout
check $? "store check names the damaged file and exits with 1"

# ---- rights and a full disk ----

# Root is above file modes: it gives that up first.
restrict=
[ "$(id -u)" -ne 0 ] || restrict='exec setpriv --bounding-set=-dac_override,-dac_read_search \
    --inh-caps=-dac_override,-dac_read_search'
mkdir in/closed && chmod 555 in/closed
no_rights="a directory without rights"
within_limits sh -c 'echo >in/closed/x' 2>/dev/null && no_rights=
if [ -n "$no_rights" ]; then
    chmod -R a-w keep
    refused 1 'keep/.*Permission denied' "import: $no_rights" \
        "$wick" import in/good.csv --venue v --symbol GOOD --timeframe 1h --store keep/store
    refused 1 'in/closed/.*Permission denied' "run: $no_rights" \
        "$wick" run "$source/tests/cli/tiny.json" --out in/closed/run --set data.synthetic.bars=4000
    refused 1 'keep/trees.json.*Permission denied' "gbdt train: $no_rights" "$wick" gbdt train \
        "$source/tests/cli/gbdt.json" --data "$source/tests/golden/gbdt/softprob_leaves.csv" --out keep/trees.json
    refused 1 'keep/forecasts.csv.*Permission denied' "predict: $no_rights" \
        "$wick" predict keep/run/model --out keep/forecasts.csv --set data.synthetic.seed=9
    chmod -R u+w keep
    chmod 000 in/good.csv
    import 'cannot open in/good.csv: Permission denied' "a file that may not be read" in/good.csv
    chmod 644 in/good.csv
else
    skip "a directory without rights" "this user cannot give up root's rights"
fi
restrict=
: >in/file
refused 1 'in/file' "run: a file where the directory should be" \
    "$wick" run "$source/tests/cli/tiny.json" --out in/file --set data.synthetic.bars=4000

# A limit on the size of files stands for the full disk: writes fail half-way in the same calls. (512-byte blocks)
restrict='ulimit -f 4; exec'
full='\(File too large\|No space left\)'
import "keep/store.*$full" "a full disk" in/whole.csv.gz
refused 1 "keep/trees.json: $full" "gbdt train: a full disk" "$wick" gbdt train \
    "$source/tests/cli/gbdt.json" --data "$source/tests/golden/gbdt/softprob_leaves.csv" --out keep/trees.json
refused 1 "keep/predictions.csv: $full" "gbdt predict: a full disk" "$wick" gbdt predict keep/trees.json \
    --data "$source/tests/golden/gbdt/softprob_leaves.csv" --out keep/predictions.csv
refused 1 "keep/forecasts.csv: $full" "predict: a full disk" \
    "$wick" predict keep/run/model --out keep/forecasts.csv --set data.synthetic.seed=9
for blocks in 12 1000; do
    restrict="ulimit -f $blocks; exec"
    refused 1 "keep/run/.*$full" "train: a disk full after $((blocks / 2)) KiB a file" \
        "$wick" train "$source/tests/cli/tiny.json" --out keep/run --set data.synthetic.bars=4000 \
        --set data.synthetic.symbols=1 --set features.anchor_bars=1024 --set data.synthetic.seed=9
done
restrict=

# ---- configurations ----

configured() { # EXIT TEXT DESCRIPTION FILE
    refused "$1" "$2" "run: $3" "$wick" run "$4" --out keep/run
}
: >in/empty.json
configured 2 'in/empty.json' "an empty configuration" in/empty.json
head -c 200 "$source/tests/cli/tiny.json" >in/cut.json
configured 2 'in/cut.json:[0-9]*' "a configuration cut off" in/cut.json
sed 's/"row_stride"/"row_strid"/' "$source/tests/cli/tiny.json" >in/unknown.json
configured 2 'in/unknown.json:[0-9]*.*row_strid.*row_stride' "an unknown key, with the nearest one" in/unknown.json
sed 's/"edge": 0.2/"edge": NaN/' "$source/tests/cli/tiny.json" >in/nan.json
configured 2 'in/nan.json:[0-9]*' "NaN in a configuration" in/nan.json
sed 's/"row_stride": 2/"row_stride": -2/' "$source/tests/cli/tiny.json" >in/range.json
configured 2 'in/range.json:[0-9]*.*row_stride' "a value out of range" in/range.json
refused 2 'row_strid' "run: an unknown key of --set" \
    "$wick" run "$source/tests/cli/tiny.json" --out keep/run --set split.row_strid=2
refused 2 'params' "gbdt train: an unknown key of --set" "$wick" gbdt train "$source/tests/cli/gbdt.json" \
    --data "$source/tests/golden/gbdt/squared.csv" --out keep/trees.json --set params.ate=1
mkdir -p in/data/v
for bad in text nan negative unsorted; do
    gzip -c "in/$bad.csv" >in/data/v/GOOD-1h.csv.gz
    refused 1 'in/data/v/GOOD-1h.csv.gz:5: .*;' "run: candles with $bad" "$wick" run "$source/tests/cli/tiny.json" \
        --out keep/run --set data.source=files --set data.root=in/data --set data.venue=v --set 'data.symbols=["GOOD"]'
done
cp in/cut.csv.gz in/data/v/GOOD-1h.csv.gz
refused 1 'in/data/v/GOOD-1h.csv.gz:[0-9]*: the gzip' "run: a truncated gzip" "$wick" run "$source/tests/cli/tiny.json" \
    --out keep/run --set data.source=files --set data.root=in/data --set data.venue=v --set 'data.symbols=["GOOD"]'
refused 1 'ABSENT.*' "run: a symbol that the store lacks" "$wick" run "$source/tests/cli/tiny.json" \
    --out keep/run --set data.source=store --set data.root=keep/store --set data.venue=v \
    --set 'data.symbols=["ABSENT"]'
refused 1 '.*' "run: too few candles" "$wick" run "$source/tests/cli/tiny.json" \
    --out keep/run --set data.source=store --set data.root=keep/store --set data.venue=v \
    --set 'data.symbols=["GOOD"]'

# ---- models ----

model() { # EXIT TEXT DESCRIPTION: of the model in in/model, which starts as a copy of the good one
    refused "$1" "$2" "predict: $3" "$wick" predict in/model --out keep/forecasts.csv
    rm -rf in/model
    cp -r keep/run/model in/model
}
cut_file() { # FILE BYTES
    head -c "$2" "$1" >in/part
    mv in/part "$1"
}
cp -r keep/run/model in/model
refused 1 'feature_hash differs' "predict: a model of another feature set" \
    "$wick" predict keep/run/model --out keep/forecasts.csv --set features.anchor_bars=3000
refused 1 'model.json: No such file' "predict: no model there" "$wick" predict in --out keep/forecasts.csv
cut_file in/model/model.json 500
model 1 'in/model/model.json:[0-9]*: ' "a truncated description"
cut_file in/model/branch.lstm.safetensors 2000
model 1 'in/model/branch.lstm.safetensors' "a truncated network"
cut_file in/model/meta.0.xgb.json 2000
model 1 'in/model/meta.0.xgb.json' "truncated trees"
: >in/model/meta.0.xgb.json
model 1 'in/model/meta.0.xgb.json' "an empty file of trees"
rm in/model/branch.tcn.safetensors
model 1 'in/model/branch.tcn.safetensors: No such file' "a network that is not there"
cp in/model/magnitude.xgb.json in/model/meta.0.xgb.json
model 1 'in/model/meta.0.xgb.json: .* train the model again' "trees of another objective"
cp keep/trees.json in/model/meta.0.xgb.json
model 1 'in/model/meta.0.xgb.json: the trees see' "trees of another table"
head -c 5148 /dev/zero >in/model/branch.lstm.safetensors
model 1 'in/model/branch.lstm.safetensors' "zeros in place of a network"
sed 's/"columns": \[ *$/&\n    999999,/; s/"columns": \[\([0-9]\)/"columns": [999999, \1/' keep/run/model/model.json >in/model/model.json
model 1 'model.json' "one more column, which the features lack"
# The number of entries stays, so only the check of their range stands between them and memory.
awk '/"columns"/ { print; getline; sub(/[0-9]+/, "999999") } { print }' keep/run/model/model.json >in/model/model.json
model 1 'model.json: .* sees column 999999' "columns that the features lack"

# ---- models of trees ----

table=$source/tests/golden/gbdt/softprob_missing.csv
trees() { # EXIT TEXT DESCRIPTION: of in/trees.json
    refused "$1" "$2" "gbdt predict: $3" "$wick" gbdt predict in/trees.json --data "$table" --out keep/predictions.csv
}
head -c 3000 keep/trees.json >in/trees.json
trees 1 'in/trees.json' "a truncated model"
: >in/trees.json
trees 1 'in/trees.json' "an empty model"
echo '{}' >in/trees.json
trees 1 'in/trees.json' "a model without trees"
sed 's/"left_children": *\[[0-9]*,/"left_children":[0,/' keep/trees.json >in/trees.json
trees 1 'in/trees.json' "a tree that turns in a circle"
sed 's/"left_children": *\[[0-9]*,/"left_children":[2000000000,/' keep/trees.json >in/trees.json
trees 1 'in/trees.json' "a tree that points outside itself"
sed 's/"split_indices": *\[[0-9]*,/"split_indices":[70000,/' keep/trees.json >in/trees.json
trees 1 'in/trees.json' "a split on a feature that is not there"
sed 's/"num_class": *"3"/"num_class":"1000000000"/' keep/trees.json >in/trees.json
trees 1 'in/trees.json' "a thousand million classes"
cp keep/trees.json in/trees.json
table=in/good.csv
trees 1 'in/good.csv has no\|in/good.csv has .* columns' "a table of other columns"
table=in/empty.csv
trees 1 'in/empty.csv' "an empty table"
printf '1,2,3\n4,x,6\n' >in/table.csv
table=in/table.csv
trees 1 'in/table.csv line 2 column' "text in a number"
refused 1 'in/table.csv line 2 column' "gbdt train: text in a number" \
    "$wick" gbdt train "$source/tests/cli/gbdt.json" --data in/table.csv --out keep/trees.json
printf '1,2\n,3\n0,1\n' >in/table.csv
refused 1 'in/table.csv .*row 1 has label nan; drop' "gbdt train: a missing label" \
    "$wick" gbdt train "$source/tests/cli/gbdt.json" --data in/table.csv --out keep/trees.json
printf '1,2\n7,3\n0,1\n' >in/table.csv
refused 1 'in/table.csv .*row 1 has label 7; .* 0 to 2' "gbdt train: a class that is not among num_class" \
    "$wick" gbdt train "$source/tests/cli/gbdt.json" --data in/table.csv --out keep/trees.json

# ---- afterwards ----

find keep -type f | sort | xargs sha256sum | cmp -s first -
check $? "at the end the store, the run, the trees and the predictions have the bytes of the beginning"
"$wick" store check --store keep/store >/dev/null 2>&1
check $? "the store is sound"
done_testing
