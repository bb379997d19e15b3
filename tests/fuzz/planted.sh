#!/bin/sh
# Shows that the fuzz targets of outside bytes can find what they look for: in a copy of the sources a
# read of one byte too many is planted. The seed corpora must not trip over it, and each target must
# find it by itself.
# usage: planted.sh SOURCE_ROOT CLANG...
set -eu
root=$1
shift
compiler=$*
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$root/data" "$root/include" "$root/nn" "$root/src" "$work"
mkdir "$work/tests"
cp -r "$root/tests/fuzz" "$work/tests/fuzz"
ln -s nn/corpus_onnx "$work/tests/fuzz/corpus_onnx"
cd "$work"

# plant FILE FROM TO: the text FROM must be there.
plant() {
    grep -qF -- "$2" "$1" || { echo "not ok - $1 no longer holds: $2"; exit 1; }
    awk -v from="$2" -v to="$3" '{
        at = index($0, from)
        if (at) $0 = substr($0, 1, at - 1) to substr($0, at + length(from))
        print
    }' "$1" >"$1.planted"
    mv "$1.planted" "$1"
}
plant data/json_text.c 'if (n == 0 || left < n)' 'if (n == 0 || left + 1 < n)'
plant data/csv.c 'n >= 3 && !memcmp' 'n >= 2 && !memcmp'
plant data/columns.c 'while (n && (to[n - 1] ==' 'while ((to[n - 1] =='
plant data/zip.c 'if (size_bytes - *at < whole)' 'if (size_bytes - *at + 1 < whole)'
plant src/venue/history/spans.c "if (end == text || *end != '-')" "if (end == text || end[*end != '-'] != '-')"
# The parser of JSON keeps a string with the room of its quotes.
plant src/venue/history/outside_parse.c 'problem = text ? wk_number_parse(' \
    "problem = text ? text[strlen(text) + 3 * (*text == '-')] ? \"is odd\" : wk_number_parse("
plant src/venue/live/recording_read.c 'int got = n < sizeof line - 1 ?' 'int got = n <= sizeof line ?'
plant src/venue/live/live_note.c 'memcpy(text, note->bytes, note->n);' \
    'memcpy(text, note->bytes, note->n + (note->n == 9));'
plant src/net/http_header.c 'memcpy(line, bytes, length);' 'memcpy(line, bytes, length + (n == 3));'
plant src/base/protobuf.c 'n <= wk_pb_left(*view);' 'n <= wk_pb_left(*view) + 1;'
plant data/decimal.c "int is_below = p < end && *p == '-';" "int is_below = *p == '-';"

sources='data/json_scan.c data/json_text.c data/decimal.c data/parse.c data/parse_read.c data/parse_delta.c
    data/parse_delta_public.c data/parse_kraken.c data/parse_kraken_v1.c data/parse_kraken_futures.c
    data/book.c data/book_checksum.c data/book_follow.c data/bars.c data/columns.c data/csv.c data/flow.c
    data/flow_row.c data/number.c data/outside.c data/panel.c data/tape.c data/zip.c
    src/base/arena.c src/base/clock.c src/base/config.c src/base/config_dump.c src/base/config_override.c
    src/base/config_position.c src/base/err.c src/base/file.c src/base/log.c src/base/math.c src/base/text.c
    src/net/http_header.c src/net/websocket_url.c src/venue/history/outside_parse.c
    src/venue/history/spans.c src/venue/live/clock_offset.c src/venue/live/closer.c
    src/venue/live/closer_streams.c src/venue/live/config_live.c src/venue/live/exact.c src/venue/live/live.c
    src/venue/live/live_events.c src/venue/live/live_flow.c src/venue/live/live_note.c src/venue/live/plan.c
    src/venue/live/recording_read.c
    nn/conv.c nn/history.c nn/kernels/ops_c.c nn/layer.c nn/layer_activation.c nn/layer_conv1d.c nn/layer_gru.c
    nn/layer_lstm.c nn/layer_mean.c nn/layer_norm.c nn/layer_tcn.c nn/onnx_math.c nn/onnx_plan.c nn/onnx_product.c
    nn/onnx_read.c nn/onnx_recurrent.c nn/onnx_reduce.c nn/onnx_shape.c src/base/protobuf.c src/base/rng.c
    tests/fuzz/nn/ops_c_only.c'
flags='-std=c11 -D_GNU_SOURCE -I. -Iinclude -Isrc/venue/history -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'
mkdir objects
for source in $sources; do
    # shellcheck disable=SC2086
    $compiler $flags -c "$source" -o "objects/$(basename "$source").o"
done
n=0
failed=0
# target NAME SOURCE FLAGS: fails within 200,000 runs, with the sanitizer's report.
target() {
    name=$1
    source=$2
    flags_more=$3
    n=$((n + 1))
    # shellcheck disable=SC2086
    $compiler $flags $flags_more -fsanitize=fuzzer "tests/fuzz/$source" objects/*.o \
        -lcurl -ljansson -lz -lm -o "$name"
    if ! "./$name" tests/fuzz/corpus_"$name"/* >"$name.log" 2>&1; then
        echo "not ok $n - $name: the corpus alone trips over the planted byte"
        failed=1
    elif "./$name" -runs=200000 -max_total_time=60 -seed=1 "tests/fuzz/corpus_$name" >"$name.log" 2>&1; then
        echo "not ok $n - $name does not find the planted byte"
        failed=1
    elif grep -q 'SUMMARY: \(Address\|UndefinedBehavior\)Sanitizer' "$name.log"; then
        echo "ok $n - $name: $(grep -m1 -o '[A-Z][a-zA-Z]*Sanitizer: [a-z-]*' "$name.log")"
    else
        echo "not ok $n - $name fails otherwise"
        tail -20 "$name.log" | sed 's/^/# /'
        failed=1
    fi
}
target decimal fuzz_decimal.c ''
target json fuzz_json.c ''
for dialect in kraken kraken_v1 kraken_futures delta; do
    target $dialect fuzz_parse.c \
        "-DWICK_FUZZ_DIALECT=WK_DIALECT_$(echo $dialect | tr '[:lower:]' '[:upper:]')"
done
target csv fuzz_csv.c ''
target zip fuzz_zip.c ''
target recording fuzz_recording.c tests/fuzz/memory_gz.c
target note fuzz_note.c ''
target tape fuzz_tape.c tests/fuzz/memory_gz.c
target outside_json fuzz_outside_json.c ''
target spans fuzz_spans.c ''
target header fuzz_header.c ''
target onnx nn/fuzz_onnx.c ''
echo "1..$n"
exit $failed
