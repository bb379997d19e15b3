#!/bin/sh
# Networks on arrays of one's own, through the real command. Prints TAP.
# usage: test_nn.sh WICK SOURCE_DIR
set -u
. "$(dirname "$0")/../tap.sh"
wick=$(realpath "$1")
source=$(realpath "$2")
golden=$source/tests/golden/nn
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
cp "$source/tests/cli/nn.json" conf.json

train() { "$wick" nn train conf.json --data "$golden/arrays.h5" "$@" >log 2>&1; }
predict() { "$wick" nn predict "$1" --data "$golden/arrays.h5" --out "$2" >log 2>&1; }
says() { # WORDS COMMAND...: fails and the message holds the words
    words=$1
    shift
    "$@"
    [ $? -ne 0 ] && grep -q -- "$words" log
}

train --out a --threads 1
check $? "classes from HDF5"
train --out b --threads 2
cmp -s a/weights.safetensors b/weights.safetensors && cmp -s a/training.json b/training.json
check $? "the same bytes for two threads"
"$wick" nn train conf.json --data "$golden/arrays_x.npy" --targets "$golden/arrays_y.npy" --out c >log 2>&1
cmp -s a/weights.safetensors c/weights.safetensors
check $? "the same bytes from .npy files"
predict a p.csv
[ "$(head -n 1 p.csv)" = p1,p3 ] && [ "$(wc -l <p.csv)" -eq 97 ]
check $? "a line a sequence, columns named by the labels"
# The labels follow from the sign of a slope; noise leaves a few of 96 undecided.
"$wick" nn predict a --data "$golden/arrays_x.npy" --out q.csv >log 2>&1 && cmp -s p.csv q.csv
check $? "the same predictions of the .npy file"
grep -q '"train_loss"' a/training.json && grep -q '"epochs": 30' a/config.json
check $? "curves and the resolved configuration lie beside the weights"
[ "$(grep -c '<path fill="none"' a/training.svg)" -eq 2 ] && grep -q 'loss by epoch' a/training.svg && grep -q 'best: ' a/training.svg
check $? "the curves as a picture, of training and validation"

# ---- killed and resumed ----
train --out whole --set fit.patience=0
# The shorter run would have another schedule, so the long one is killed, again and again.
i=0
while [ $i -lt 40 ] && [ ! -f cut/network.json ]; do
    timeout -s KILL 0.$((i % 4 + 1)) "$wick" nn train conf.json --data "$golden/arrays.h5" --out cut \
        --set fit.patience=0 --resume >log 2>&1
    i=$((i + 1))
done
[ -f cut/network.json ] || train --out cut --set fit.patience=0 --resume
cmp -s whole/weights.safetensors cut/weights.safetensors && cmp -s whole/training.json cut/training.json
check $? "killed and resumed equals never killed"
[ ! -e cut.checkpoint.safetensors ]
check $? "the checkpoint goes when the training is done"
train --out d --checkpoint --set fit.epochs=2 && [ ! -e d.checkpoint.safetensors ]
check $? "a checkpoint is written when asked for"

# ---- other losses and targets ----
for loss in mse huber pinball gaussian student_t; do
    train --out r_$loss --set fit.loss=$loss --set y=slope --set fit.epochs=5 && predict r_$loss $loss.csv
    check $? "$loss of a target a sequence"
done
[ "$(head -n 1 pinball.csv)" = y0_q0.1,y0_q0.5,y0_q0.9 ] && [ "$(head -n 1 gaussian.csv)" = y0_mean,y0_scale ]
check $? "columns name quantiles, mean and scale"
train --out s --set fit.loss=mse --set y=steps --set targets=step --set fit.epochs=5 && predict s s.csv &&
    [ "$(head -n 1 s.csv)" = sequence,bar,y0 ] && [ "$(wc -l <s.csv)" -eq 1921 ]
check $? "a target at every bar"
train --out f --set fit.loss=focal --set fit.balanced=true --set standardize=true --set fit.epochs=5
check $? "focal loss, balanced classes, scaled inputs"

# ---- ONNX ----
"$wick" export a --onnx-window w.onnx --onnx-step s.onnx >log 2>&1 && "$wick" nn predict --onnx w.onnx \
    --data "$golden/arrays.h5" --out o.csv >log 2>&1
# The same numbers to 1e-5 under other names.
paste -d, p.csv o.csv | awk -F, 'NR > 1 { for (i = 1; i <= 2; i++) if (($i - $(i + 2)) ^ 2 > 1e-10) bad = 1 }
    END { exit bad || NR != 97 }' && [ "$(head -n 1 o.csv)" = Y_0,Y_1 ]
check $? "a network exported as ONNX predicts what it did"
says 'has 6 inputs' "$wick" nn predict --onnx s.onnx --data "$golden/arrays.h5" --out o.csv >log 2>&1
check $? "the one-bar form is not taken for a window"
"$wick" nn predict --onnx "$golden/onnx/lstm_dynamo.onnx" --data "$golden/onnx/lstm_dynamo.x.npy" --out o.csv >log 2>&1 &&
    [ "$(wc -l <o.csv)" -eq 4 ]
check $? "a network that PyTorch exported"
"$wick" nn predict --onnx "$golden/onnx/lstm_dynamo.onnx" --data "$golden/arrays_x.npy" --out o.csv >log 2>&1
[ $? -eq 1 ] && grep -q 'dimension 2 is 3; the data have 2' log
check $? "data of other channels than the graph's"
head -c 600 w.onnx >cut.onnx
"$wick" nn predict --onnx cut.onnx --data "$golden/arrays.h5" --out o.csv >log 2>&1
[ $? -eq 1 ] && grep -q 'cut.onnx: .*cut short' log
check $? "a cut ONNX file"
"$wick" nn predict a --onnx w.onnx --data "$golden/arrays.h5" --out o.csv >log 2>&1
[ $? -eq 2 ] && "$wick" export a --onnx-window x.onnx --c x.c >log 2>&1
[ $? -eq 2 ]
check $? "two models, or two kinds of export, at once"
"$wick" export "$golden/lstm_1.safetensors" --onnx-window x.onnx >log 2>&1
[ $? -eq 1 ] && grep -q 'lstm_1.safetensors' log && [ ! -e x.onnx ]
check $? "weights that are no network"

# ---- what a plan chose ----
"$wick" nn describe a --bars 20 >log 2>&1 && grep -q '^lstm.0 .*lstm(8)' log && grep -q '^head ' log
check $? "a trained network's layers"
"$wick" nn describe a/weights.safetensors --bars 20 --json >weights.txt 2>log && "$wick" nn describe conf.json --inputs 2 \
    --outputs 2 --bars 20 --json >config.txt 2>log && cmp weights.txt config.txt >log &&
    grep -q '"name": "conv.0", "shape": "conv1d(8, 3, 1)", "kernels": "gemm with relu", "in": 2, "out": 8' config.txt
check $? "the same of its weights and of its configuration, as JSON"
"$wick" nn describe conf.json >log 2>&1
[ $? -eq 2 ] && grep -q -- '--inputs' log
check $? "a configuration alone does not know its inputs"
says 'cut.onnx' "$wick" nn describe cut.onnx >log 2>&1
check $? "what is no network is named"

# ---- the configurations that come with wick ----
"$wick" nn train "$source/configs/bench/nn/reference.json" --data "$golden/arrays.h5" --out ref \
    --set fit.loss=mse --set y=slope --set fit.epochs=1 --json >log 2>&1 && grep -q '"epochs": 1,' log
check $? "the reference network"
: >none.jsonl
for config in "$source"/configs/experiments/nn/*.json; do
    "$wick" nn reproduce "$config" --results none.jsonl --show >log 2>&1 && grep -q 'not run yet' log
    check $? "$(basename "$config")"
done
"$wick" nn reproduce "$source/configs/experiments/nn/copy-500.json" --model TCN --set bars=4 --set train_sequences=40 \
    --set test_sequences=20 --set models.0.fit.epochs=2 --json >log 2>/dev/null && grep -q '"loss": ' log
check $? "a score and the published one beside it"
few="$source/configs/experiments/nn/adding-200.json --set bars=12 --set train_sequences=40 --set test_sequences=20
    --set models.1.fit.epochs=1 --set models.2.fit.epochs=1 --results results.jsonl"
"$wick" nn reproduce $few --model GRU >first 2>log && "$wick" nn reproduce $few --model GRU >again 2>log2 &&
    cmp first again && grep -q 'epoch=1' log && ! grep -q 'epoch=' log2
check $? "a row that the file of results has is not run again"
"$wick" nn reproduce $few --show >shown 2>log && grep -q 'TCN *not run yet' shown &&
    [ "$(grep GRU shown)" = "$(grep GRU first)" ] && ! grep -q 'epoch=' log
check $? "the table as far as it is"
echo 'no json' >>results.jsonl
says 'results.jsonl:2' "$wick" nn reproduce $few --show >log 2>&1
check $? "a damaged file of results"
printf '%s\n' 0,1,2,3,4 1,4,3,2,1 0,1,2,3,5 1,5,3,2,1 0,0,2,3,5 1,5,3,2,0 | gzip >Toy_TRAIN.csv.gz
cp Toy_TRAIN.csv.gz Toy_TEST.csv.gz
"$wick" nn reproduce "$source/configs/experiments/nn/ucr-gunpoint.json" --data . --set dataset=Toy --folds 3 --seeds 2 \
    --set models.0.fit.epochs=20 --set models.0.ensemble=2 --json 2>log >folds &&
    grep -q '"cross-validated": .*"ensemble": 2, "single": ' folds && [ "$(grep -c 'epoch=20 ' log)" -eq 12 ]
check $? "cross-validation of an ensemble: three folds, two seeds, two networks"
says 'with task ucr' "$wick" nn reproduce $few --folds 3 >log 2>&1
check $? "folds of what has none"

# ---- benches: every row is there and counts ----
"$wick" bench nn.stream --samples 20 >bench 2>log && grep -c '"p50": [0-9.]*[1-9]' bench >count && [ "$(cat count)" -eq 4 ] &&
    grep -q 'new bar to output after 2 MB of other memory' bench
check $? "bench nn.stream: both paths, with hot caches and after 2 MB of other memory"
[ "$(grep -c '"allocs": 0,' bench)" -eq 4 ]
check $? "bench nn.stream: no allocation in any bar"
"$wick" bench nn.window --samples 5 2>log | grep -q '"p50".*"allocs": 0,'
check $? "bench nn.window, without an allocation"
"$wick" bench kernels --samples 1 >bench 2>log && grep -q 'gemm 16x64x64.*"of_peak": .*"openblas": ' bench
check $? "bench kernels: beside the peak and OpenBLAS"

# ---- what is refused ----
"$wick" config reference --kind nn >log && grep -q '^  fit.learning_rate ' log && grep -q 'layers.N.type .*lstm' log &&
    "$wick" config check conf.json --kind nn --set fit.epochs=4 | grep -q '"epochs": 4'
check $? "the reference has every key"
says 'no configuration given has a model' "$wick" nn reproduce $few --model NONE >log 2>&1 && [ "$(wc -l <log)" -eq 1 ]
check $? "a model that no configuration has, without a table's head before the error"
says 'there is no file' "$wick" nn reproduce $few --results absent.jsonl --show >log 2>&1
check $? "results shown of no file"
: >file
says '--out file: there is a file' train --out file && ! grep -q epoch= log
check $? "a file in the directory's place, before the training"
says 'no array named Z' train --out e --set x=Z
check $? "a missing array is named"
says 'do not fit inputs' train --out e --set y=X
check $? "targets that do not fit"
says 'fit.los' train --out e --set fit.los=mse
check $? "an unknown key"
head -c 300 "$golden/arrays_x.npy" >cut.npy
"$wick" nn predict a --data cut.npy --out e.csv >log 2>&1
[ $? -eq 1 ] && grep -q 'shape needs' log
check $? "a cut array"
says 'absent: no network of nn train' predict absent e.csv
check $? "a directory that is none"
"$wick" export a --onnx e.onnx >log 2>&1
[ $? -eq 2 ] && grep -q 'a: a network .*--onnx-window' log && [ ! -e e.onnx ]
check $? "export of a network as if it were trees"
cp -r a broken && head -c 500 a/weights.safetensors >broken/weights.safetensors
predict broken e.csv
[ $? -eq 1 ] && grep -q 'broken/weights.safetensors' log
check $? "cut weights"

# ---- the edges ----
npy() { # SHAPE: the head of a file of floats
    printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': ($1), }"
}
zeros() { head -c "$1" /dev/zero; }
fit() { # X Y ARGUMENTS...
    x=$1
    y=$2
    shift 2
    "$wick" nn train conf.json --data "$x" --targets "$y" --out e --set fit.loss=mse "$@" >log 2>&1
}
{ npy '4,' && printf '\0\0\0\0\0\0\200\077\0\0\0\0\0\0\200\077'; } >y.npy
{ npy '4, 1, 2' && zeros 32; } >one.npy
fit one.npy y.npy && "$wick" nn predict e --data one.npy --out one.csv >log 2>&1 && [ "$(wc -l <one.csv)" -eq 5 ]
check $? "sequences of one bar"
rm -r e
npy '0, 5, 2' >none.npy
npy '0,' >none_y.npy
says 'none.npy: .*0 x 5 x 2.*none 0' fit none.npy none_y.npy
check $? "no sequence at all"
{ npy '4, 0, 2'; } >empty.npy
says 'empty.npy: .*4 x 0 x 2.*none 0' fit empty.npy y.npy
check $? "sequences without a bar"
{ npy '4, 1, 2' && zeros 20 && printf '\0\0\300\177' && zeros 8; } >nan.npy
says 'nan.npy, y.npy .*training data: X of sequence 2, bar 0, channel 1 is nan; fill or drop it' fit nan.npy y.npy
check $? "a NaN in the inputs"
{ npy '4, 1, 2' && zeros 28 && printf '\0\0\300\177'; } >last.npy
says 'validation data: X of sequence 3, bar 0, channel 1 is nan' fit last.npy y.npy
check $? "a NaN behind those that train is counted from the file's first sequence"
says 'X of sequence 2, bar 0, channel 1 is nan' "$wick" nn predict a --data nan.npy --out nan.csv >log 2>&1
check $? "a NaN in the inputs of a prediction"
{ npy '4,' && printf '\0\0\0\0\0\0\200\177\0\0\0\0\0\0\200\077'; } >inf.npy
says 'target 0 of sequence 1, bar 0 is inf; want a finite number' fit one.npy inf.npy
check $? "an infinite target"
{ npy '4,' && printf '\0\0\0\0\0\0\200\077\0\0\0\100\0\0\100\100'; } >four.npy
fit one.npy four.npy --set fit.loss=cross_entropy && grep -q 'level=warn .*classes=4 targets=4 .*mse' log && rm -r e
check $? "real targets taken for classes are warned of"
# Inputs of 1e38 are finite, their sums are not.
{ npy '4, 1, 2' && for k in 1 2 3 4 5 6 7 8; do printf '\231\166\226\176'; done; } >huge.npy
says 'diverged in epoch .*: the loss is nan; lower learning_rate' fit huge.npy y.npy
check $? "a training that diverges says so"
[ ! -e e ]
check $? "and what is refused leaves nothing behind"

done_testing
