#!/bin/sh
# Trees through the real command, on tables of every format: the same model from the same data; cross-validation,
# importances, progress and the curve; and what each command says to bad input. Prints TAP.
# usage: test_gbdt_cv.sh WICK PUT_TABLE SOURCE_DIR
set -u
. "$(dirname "$0")/../tap.sh"
wick=$(realpath "$1")
put=$(realpath "$2")
source=$(realpath "$3")
golden=$source/tests/golden/gbdt
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

# ---- one model from the same rows in every format ----

# Label, weight and six columns. LIBSVM leaves out what is missing, and writes zeros.
cp "$golden/softprob_missing.csv" table.csv
awk -F, '{ line = $1 ":" $2; for (i = 3; i <= NF; i++) if ($i != "") line = line " " i - 3 ":" $i; print line }' \
    table.csv >table.libsvm
gzip -c table.libsvm >table.libsvm.gz
tr ',' '\t' <table.csv >table.tsv
gzip -c table.tsv >table.tsv.gz
"$put" table.csv table.npy && "$put" table.csv table.h5 y weight X X X X X X &&
    "$put" table.csv other.hdf5 target loss Z Z Z Z Z Z 2>/dev/null
"$put" table.csv other.hdf5 target loss X X X X X X
cat >conf.json <<'J'
{ "label_column": 0, "weight_column": 1, "valid_fraction": 0.2,
  "params": { "objective": "multi:softprob", "num_class": 3, "num_boost_round": 12, "max_depth": 4 } }
J
sed 's/"weight_column": 1, //' conf.json >apart.json
"$wick" gbdt train conf.json --data table.csv --out csv.json >csv.log 2>&1
# Where the label stands apart, no column of the file held it.
bare() { sed 's/"label_column":"0",\{0,1\}//' "$1"; }
bare csv.json >want
cut -d, -f3- table.csv >features.csv
"$wick" gbdt predict csv.json --data features.csv --out want.csv >log 2>&1
awk 'NR > 1 { $1 = ""; print 0 $0 }' table.libsvm >unlabelled.libsvm
for form in table.tsv table.tsv.gz table.npy; do
    "$wick" gbdt train conf.json --data $form --out model.json >log 2>&1 && cmp model.json csv.json >>log 2>&1
    check $? "$form: training gives the bytes of table.csv's model"
done
for form in table.libsvm table.libsvm.gz table.h5; do
    "$wick" gbdt train apart.json --data $form --out model.json >log 2>&1 && bare model.json | cmp - want >>log 2>&1
    check $? "$form: training gives the model of table.csv"
    rm -f p.csv
    "$wick" gbdt predict model.json --data $form --out p.csv >log 2>&1 && cmp p.csv want.csv >>log 2>&1
    check $? "$form: and predicts the same bits"
    "$wick" gbdt shap model.json --data $form --out shap.$form.csv >log 2>&1 &&
        cmp shap.$form.csv shap.table.libsvm.csv >>log 2>&1
    check $? "$form: and explains the same bits"
done
"$wick" gbdt shap csv.json --data features.csv --out shap.csv >log 2>&1 && cmp shap.csv shap.table.h5.csv >>log 2>&1
check $? "shap: CSV as LIBSVM and HDF5"
"$wick" gbdt train apart.json --data other.hdf5 --set y=target --set weight=loss --out model.json >log 2>&1 &&
    bare model.json | cmp - want >>log 2>&1
check $? "HDF5: the arrays may have other names"
for form in table.csv table.npy table.libsvm table.h5; do
    case $form in *.csv | *.npy) conf=conf.json ;; *) conf=apart.json ;; esac
    "$wick" gbdt cv $conf --data $form --json >cv.$form 2>log && cmp cv.$form cv.table.csv >>log 2>&1
    check $? "$form: cross-validation gives the figures of table.csv"
done
# A prefix of the columns: a LIBSVM file whose rows end early has the others missing.
cut -d, -f3-5 table.csv | sed 's/$/,,,/' >early.csv
awk -F, '{ line = 0; for (i = 3; i <= 5; i++) if ($i != "") line = line " " i - 3 ":" $i; print line }' table.csv |
    sed 's/^0$/0 0:nan/' >early.libsvm
"$wick" gbdt predict csv.json --data early.csv --out a.csv >log 2>&1 &&
    "$wick" gbdt predict csv.json --data early.libsvm --format libsvm --out b.csv >>log 2>&1 && cmp a.csv b.csv >>log 2>&1
check $? "LIBSVM: columns that no line names are missing"

# ---- a ranking ----

awk 'BEGIN { for (q = 0; q < 40; q++) for (i = 0; i < 8; i++) {
        x = (q * 7 + i * 13) % 29; print (x > 20 ? 2 : x > 10) " qid:" q " 1:" x " 2:" (q * i) % 5 } }' >rank.txt
cat >rank.json <<'J'
{ "cv": { "nfold": 4 }, "params": { "objective": "rank:ndcg", "num_boost_round": 8, "max_depth": 3 } }
J
"$wick" gbdt train rank.json --data rank.txt --out rank.model >log 2>&1 &&
    "$wick" gbdt cv rank.json --data rank.txt --json >cv.json 2>>log && grep -q '"test_rows": 80' cv.json
check $? "qid makes the groups of a ranking, which folds keep whole"

# ---- cross-validation in time ----

# Unix seconds, shuffled rows; a label is known an hour after its row, the embargo is two hours.
awk 'BEGIN { print "time,label,a,b"; for (i = 0; i < 600; i++) { r = i * 251 % 600
        print 1700000000 + 600 * r ",", (r * 37 % 101 > 50 != (r * 71 % 13 < 3)) ",", r * 37 % 101 ",", r * 53 % 89 } }' | tr -d ' ' >time.csv
cat >time.json <<'J'
{ "label_column": 1, "time_column": 0,
  "cv": { "nfold": 5, "horizon": 3600, "embargo": 7200 },
  "params": { "objective": "binary:logistic", "num_boost_round": 60, "max_depth": 3, "early_stopping_rounds": 5 } }
J
"$wick" gbdt cv time.json --data time.csv --out rounds.csv --folds folds.csv --svg curve.svg --json >cv.json 2>log
check $? "cv of a table with a time column"
awk -F, 'FILENAME == "time.csv" { if (FNR > 1) time[FNR - 2] = $1; next }
    FNR > 1 && $3 == "test" { n++; if (!($1 in begin) || time[$2] < begin[$1]) begin[$1] = time[$2] }
    FNR > 1 && $3 == "train" { if (!($1 in last) || time[$2] > last[$1]) last[$1] = time[$2] }
    END { for (k = 0; k < 5; k++) if (last[k] + 3600 + 7200 >= begin[k] || last[k] + 3600 + 7200 + 600 < begin[k]) bad = 1
          exit bad || n != 500 }' time.csv folds.csv >log 2>&1
check $? "its folds leave out the last 18 rows before each test block, and no more"
[ "$(head -n 1 rounds.csv)" = round,train-logloss-mean,train-logloss-std,test-logloss-mean,test-logloss-std ] &&
    [ "$(wc -l <rounds.csv)" -lt 61 ] && grep -q "\"best_round\": $(($(wc -l <rounds.csv) - 1))," cv.json
check $? "its rounds are xgboost.cv's frame up to the best one"
grep -q 'logloss by round' curve.svg && grep -q '<polygon' curve.svg && grep -q 'best: ' curve.svg
check $? "its curve has a band and the best round"
"$wick" gbdt cv time.json --data time.csv --json --threads 1 2>log | cmp - cv.json >>log 2>&1
check $? "one thread gives the same figures"

# ---- importances ----

"$wick" gbdt importance time.json --data time.csv --json >importance.json 2>log &&
    grep -q '"features": \[{"name": "a", "mean": [0-9]*\.[0-9]*, .*{"name": "b", "mean": [0-9.e-]*, "std": [0-9.e-]*}\]}' importance.json
check $? "the column that decides is the one whose shuffling hurts"
"$wick" gbdt importance time.json --data time.csv --kind gain 2>log | sed -n 3p | grep -q '^a  *[1-9]'
check $? "and the one with the gain"

# ---- progress ----

"$wick" gbdt train conf.json --data table.csv --out model.json --svg curve.svg --verbose-eval 1 >log 2>&1
[ "$(grep -c 'topic=gbdt.train round=[0-9]* train_mlogloss=[0-9.]* valid_mlogloss=' log)" -eq 12 ] &&
    grep -q '>validation</text>' curve.svg && [ "$(grep -c '<path' curve.svg)" -eq 2 ] && cmp -s model.json csv.json
check $? "--verbose-eval 1 logs the metric of each round, --svg draws it, and the model is the same"
"$wick" gbdt train conf.json --data table.csv --out model.json --verbose-eval 5 >log 2>&1
[ "$(grep -c 'round=\(1\|5\|10\|12\) ' log)" -eq 4 ] && [ "$(grep -c 'round=' log)" -eq 4 ]
check $? "--verbose-eval 5 logs the first, each fifth and the last"

# ---- what a user looks up ----

"$wick" config reference --kind gbdt >log && grep -q '^ *params.max_leaves ' log && grep -q '^ *cv.embargo ' log &&
    grep -q '^ *time_column ' log
check $? "config reference --kind gbdt has the keys of train, cv and importance"
"$wick" config check conf.json --kind gbdt >resolved.json && "$wick" gbdt train resolved.json --data table.csv \
    --out again.json >log 2>&1 && cmp again.json csv.json
check $? "the resolved configuration gives the same model"
"$wick" config reference --kind none 2>log
! tr ',' '\n' <log | sort | uniq -d | grep .
check $? "no kind of configuration is named twice"

# ---- bad input ----

refused() { # EXIT TEXT DESCRIPTION COMMAND...
    want=$1; text=$2; what=$3
    shift 3
    "$@" >stdout 2>log </dev/null
    status=$?
    [ "$status" -eq "$want" ] && [ "$(wc -l <log)" -eq 1 ] && grep -q -- "$text" log && [ ! -e none.json ]
    check $? "$what"
}
train() { refused "$1" "$2" "train: $3" "$wick" gbdt train conf.json --data "$4" --out none.json; }
cv() { refused "$1" "$2" "cv: $3" "$wick" gbdt cv conf.json --data "$4"; }
shap() { refused "$1" "$2" "shap: $3" "$wick" gbdt shap model.json --data "$4" --out none.json; }
predict() { refused "$1" "$2" "predict: $3" "$wick" gbdt predict model.json --data "$4" --out none.json; }
cat >conf.json <<'J'
{ "params": { "objective": "binary:logistic", "num_boost_round": 5, "max_depth": 3 }, "cv": { "nfold": 3 } }
J
good() { awk 'BEGIN { for (i = 0; i < 60; i++) print (i % 2) "," i ",5,," (i * 7 % 11) }'; }
good >good.csv
"$wick" gbdt train conf.json --data good.csv --out model.json >log 2>&1
for command in train cv; do
    good | sed '4s/^1/2/' >bad.csv
    $command 1 'bad.csv .*row 3 has label 2; binary:logistic takes 0 or 1' "a label out of range" bad.csv
    good | sed '4s/^1//' >bad.csv
    $command 1 'bad.csv .*row 3 has label nan; drop rows without a label' "a missing label" bad.csv
    good | sed '4s/^1/inf/' >bad.csv
    $command 1 'row 3 has label inf' "an infinite label" bad.csv
    good | sed 's/^1,/0,/' >one.csv
    good | awk -F, -v OFS=, '{ $2 = $4 = $5 = ""; print }' >empty.csv
    good | sed '5s/,[0-9]*,5/,inf,5/; 7s/,[0-9]*,5/,-inf,5/' >inf.csv
    : >nothing.csv
    $command 1 'nothing.csv has no rows' "an empty table" nothing.csv
    $command 1 'absent.csv' "a table that is not there" absent.csv
    good | cut -d, -f1 >bad.csv
    $command 1 'no column besides the label' "a label alone" bad.csv
    printf '1 1:2\n0 1:2 x:3\n' >bad.txt
    $command 1 'bad.txt line 2: "x:3" is no INDEX:VALUE' "broken LIBSVM" bad.txt
    printf '1 1:2\n0:3 1:2\n' >bad.txt
    $command 1 'bad.txt line 2 has a weight' "weights in some lines of LIBSVM" bad.txt
    head -c 200 table.npy >cut.npy
    $command 1 'cut.npy.*the shape needs' "a cut .npy file" cut.npy
    head -c 2000 table.h5 >cut.h5
    $command 1 'cut.h5: not an HDF5 file, or damaged' "a cut HDF5 file" cut.h5
    for odd in one empty inf; do
        case $command in train) options='--out odd.json' ;; *) options= ;; esac
        # shellcheck disable=SC2086
        "$wick" gbdt $command conf.json --data $odd.csv --json $options >stdout 2>log && ! grep -q 'nan\|inf' stdout
        check $? "$command: one class, columns that are constant or missing throughout, infinite cells are learnt ($odd)"
    done
done
good | awk -F, -v OFS=, '{ print $0, 0 }' >bad.csv
sed 's/{ "params"/{ "weight_column": 5, "params"/' conf.json >weights.json
refused 1 'all rows of the training set have weight 0' "train: weights of zero" \
    "$wick" gbdt train weights.json --data bad.csv --out none.json
refused 1 'fold 1 of 3: all rows of the training set have weight 0' "cv: weights of zero" \
    "$wick" gbdt cv weights.json --data bad.csv
good | awk -F, -v OFS=, '{ print $0, NR == 3 ? -1 : 1 }' >bad.csv
refused 1 'row 2 has weight -1; weights are finite' "train: a negative weight" \
    "$wick" gbdt train weights.json --data bad.csv --out none.json
refused 1 'row 2 has weight -1; weights are finite' "cv: a negative weight" \
    "$wick" gbdt cv weights.json --data bad.csv
refused 2 'weights and weight_column is set too' "train: weights twice" \
    "$wick" gbdt train conf.json --set weight_column=1 --data table.libsvm --out none.json
refused 2 'cv.nfold is 61 for 60 rows' "cv: more folds than rows" "$wick" gbdt cv conf.json --set cv.nfold=61 --data good.csv
refused 2 'name time_column' "cv: by time without times" "$wick" gbdt cv conf.json --set cv.split=expanding --data good.csv
refused 2 'time_column 9 is none of them' "cv: a time column that is not there" \
    "$wick" gbdt cv conf.json --set time_column=9 --data good.csv
refused 1 'row 0 has time nan' "cv: a row without a time" "$wick" gbdt cv conf.json --set time_column=3 --data good.csv
refused 1 'fold 1 of 3 has 15 rows to test and 0 to train on; lower .*cv.horizon' "cv: a fold that the purge leaves empty" \
    "$wick" gbdt cv conf.json --set time_column=1 --set cv.horizon=30 --data good.csv
refused 1 'fold 1 of 3 has 0 rows to test' "cv: one time for all rows" \
    "$wick" gbdt cv conf.json --set time_column=2 --data good.csv
refused 2 'verbose-eval often: write a number' "cv: a progress that is no number" \
    "$wick" gbdt cv conf.json --data good.csv --verbose-eval often
refused 2 'kind shapley: write permutation' "importance: an unknown kind" \
    "$wick" gbdt importance conf.json --data good.csv --kind shapley
refused 2 'repeats 0' "importance: no repeats" "$wick" gbdt importance conf.json --data good.csv --repeats 0
for command in shap predict; do
    $command 1 'nothing.csv has no rows' "an empty table" nothing.csv
    $command 1 'absent.csv' "a table that is not there" absent.csv
    good | sed '4s/5/five/' >bad.csv
    $command 1 'bad.csv line 4 column 3: "five" is not a number' "text in a number" bad.csv
    good | cut -d, -f1-3 >bad.csv
    $command 1 'bad.csv has 3 columns, the model needs 4' "too few columns" bad.csv
    printf '1 0:1 9:2\n' >bad.txt
    $command 1 'bad.txt has 10 columns, the model needs 4' "an index beyond the model's" bad.txt
    refused 2 'format xml: write auto' "$command: an unknown format" \
        "$wick" gbdt $command model.json --data good.csv --out none.json --format xml
    refused 1 'has no array named Q' "$command: an array that is not there" \
        "$wick" gbdt $command model.json --data table.h5 --out none.json --x Q
    head -c 300 model.json >broken.json
    refused 1 'broken.json' "$command: a cut model" "$wick" gbdt $command broken.json --data good.csv --out none.json
    refused 1 'gone.json' "$command: a model that is not there" \
        "$wick" gbdt $command gone.json --data good.csv --out none.json
    refused 2 '--data is missing' "$command: no table" "$wick" gbdt $command model.json --out none.json
done
# Odd cells of a table to explain: each row still sums to its margin.
printf '1,inf,5,,3\n0,-inf,5,7,\n1,,,,\n' >odd.csv
"$wick" gbdt shap model.json --data odd.csv --out odd.shap >log 2>&1 &&
    "$wick" gbdt predict model.json --data odd.csv --out odd.p >>log 2>&1 &&
    tail -n +2 odd.shap | cut -d, -f3- >sums && tail -n +2 odd.p | cut -d, -f2 | paste -d, - sums |
    awk -F, '{ s = 0; for (i = 2; i <= NF; i++) s += $i; d = 1 / (1 + exp(-s)) - $1; if (d > 1e-6 || d < -1e-6) bad = 1 }
        END { exit bad || NR != 3 }'
check $? "shap: infinite and missing cells have contributions that sum to the margin"
"$wick" gbdt train conf.json --data one.csv --out one.json >log 2>&1 &&
    "$wick" gbdt shap one.json --data one.csv --json >stdout 2>>log && ! grep -q 'nan\|inf' stdout &&
    "$wick" gbdt train conf.json --data empty.csv --out empty.json >>log 2>&1 &&
    "$wick" gbdt shap empty.json --data empty.csv --json --svg none.svg >stdout 2>>log && ! grep -q 'nan\|inf' stdout none.svg
check $? "shap: models of one class and of columns without a value"
done_testing
