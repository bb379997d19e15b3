#!/bin/sh
# Shows that the fuzz targets of outside bytes can find what they look for: in a copy of the sources a
# read or write of one byte too many is planted. The seed corpora must not trip over it, and each target must
# find it by itself.
# usage: planted.sh SOURCE_ROOT CLANG...
set -eu
root=$1
shift
compiler=$*
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$root/data" "$root/gbdt" "$root/include" "$root/nn" "$root/src" "$work"
mkdir "$work/tests"
cp -r "$root/tests/fuzz" "$work/tests/fuzz"
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
plant src/venue/live/closer_streams.c 'c->ids[id / 64 % (IDS / 64)] |=' 'c->ids[id / 64 % (IDS / 64 + 1)] |='
plant src/net/http_header.c 'memcpy(line, bytes, length);' 'memcpy(line, bytes, length + (n == 3));'
plant src/net/authority.c 'memcpy(host, start, n);' 'memcpy(host, start, n + 2 * (n == 7));'
plant src/net/http_reply.c 'more = end ? taken - 1 : taken;' 'more = end ? taken - 1 : taken + (n == 11);'
plant data/decimal.c "int is_below = p < end && *p == '-';" "int is_below = *p == '-';"
# A bare number that just fills its field, which only replies and frames of accounts hold.
plant src/venue/account/doc.c 'doc->tokens[token].n >= size)' 'doc->tokens[token].n > size)'
plant src/bot/alerts_channel.c 'memcpy(out + at, s, n);' 'memcpy(out + at, s, n + 2 * (n == 3 && s[n] == 0));'
plant src/base/config.c 'const char *at = p->override_paths[i];' \
    'const char *at = p->override_paths[i + 2 * (p->n_overrides == 3)];'
plant gbdt/ubjson.c 'return f->n - f->at < size_of(type) ?' 'return f->n - f->at + 1 < size_of(type) ?'
plant gbdt/xgboost_read.c 'get_int(a->right, i, -1, (long long)n - 1, &right)' \
    'get_int(a->right, i, -1, (long long)n, &right)'
plant gbdt/lightgbm_read.c 'r->next = line + n + (line[n] != 0);' 'r->next = line + n + 1;'
plant gbdt/table.c '(size_t)(r->end - r->at - 1));' '(size_t)(r->end - r->at));'
plant gbdt/table_libsvm.c 'r->line_end = comment ? comment : stop;' \
    'r->line_end = comment ? comment : stop + (stop == r->end);'
plant src/base/protobuf.c 'n <= wk_pb_left(*view);' 'n <= wk_pb_left(*view) + 1;'
plant nn/npy.c 'if ((size_t)(c->end - c->at) < n ||' 'if ((size_t)(c->end - c->at) + 1 < n ||'
plant nn/safetensors.c 'if (size < PREFIX)' 'if (size + 1 < PREFIX)'
plant nn/fit_checkpoint.c 'size - PREFIX - (size_t)n != front + N_VECTORS * vector)' \
    'size - PREFIX - (size_t)n + 1 < front + N_VECTORS * vector)'

base='src/base/arena.c src/base/clock.c src/base/config.c src/base/config_dump.c src/base/config_override.c
    src/base/config_position.c src/base/cpu.c src/base/err.c src/base/file.c src/base/log.c src/base/math.c
    src/base/rng.c
    src/base/text.c data/bars.c data/decimal.c data/json_scan.c data/json_text.c'
data='data/parse.c data/parse_read.c data/parse_delta.c
    data/parse_delta_public.c data/parse_kraken.c data/parse_kraken_v1.c data/parse_kraken_futures.c
    data/book.c data/book_checksum.c data/book_follow.c data/columns.c data/csv.c data/flow.c
    data/flow_row.c data/number.c data/outside.c data/panel.c data/tape.c data/zip.c
    src/net/authority.c src/net/http_body.c src/net/http_header.c src/net/http_reply.c src/net/http_url.c src/net/websocket_url.c src/venue/history/outside_parse.c
    src/venue/history/spans.c src/venue/live/clock_offset.c src/venue/live/closer.c
    src/venue/live/closer_streams.c src/venue/live/config_live.c src/venue/live/exact.c src/venue/live/live.c
    src/venue/live/live_events.c src/venue/live/live_flow.c src/venue/live/live_note.c src/venue/live/plan.c
    src/venue/live/recording_read.c'
account='src/venue/account/delta.c src/venue/account/delta_build.c src/venue/account/delta_read.c
    src/venue/account/doc.c src/venue/account/kraken.c src/venue/account/kraken_build.c
    src/venue/account/kraken_holdings.c src/venue/account/kraken_read.c src/venue/account/kraken_stops.c
    src/venue/account/open.c src/venue/account/reactions.c
    src/venue/account/stream.c src/venue/account/transport.c src/venue/account/units.c src/net/sign_keys.c
    tests/fuzz/fake_venue.c'
alerts='src/bot/alerts_channel.c'
serve='src/ops/serve_request.c src/ops/serve_number.c'
gbdt='gbdt/forest.c gbdt/forest_batch.c gbdt/kinds.c gbdt/lightgbm_read.c gbdt/objective_names.c gbdt/plan.c
    gbdt/slices.c gbdt/ubjson.c gbdt/xgboost_read.c gbdt/kernels/ops.c gbdt/kernels/ops_avx2.c
    gbdt/kernels/ops_avx512.c gbdt/kernels/slice_avx512.c'
table='gbdt/table.c gbdt/table_array.c gbdt/table_libsvm.c gbdt/table_read.c nn/array_file.c nn/npy.c'
nn=$(ls nn/layer*.c nn/recurrent.c nn/history.c nn/conv.c nn/net.c nn/window.c nn/nn.c nn/plan.c nn/config.c nn/npy.c \
    nn/reference.c nn/safetensors.c nn/fit_checkpoint.c nn/log.c nn/kernels/ops*.c)
# The kernels of another kind of machine.
case $(uname -m) in
x86_64) nn=$(echo "$nn" | grep -v _neon) ;;
*) nn=$(echo "$nn" | grep -v _avx) ;;
esac

onnx='nn/onnx_math.c nn/onnx_move.c nn/onnx_plan.c nn/onnx_product.c nn/onnx_read.c nn/onnx_recurrent.c nn/onnx_reduce.c
    nn/onnx_shape.c nn/onnx_tensor.c src/base/protobuf.c'

flags='-std=c11 -D_GNU_SOURCE -ffp-contract=off -I. -Iinclude -Idata -Igbdt -Isrc/venue/history -Isrc/venue/account
    -Isrc/bot '"$(pkg-config --cflags hdf5)"' -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'

# What one file is compiled with besides. Kernels read nothing from outside, and are slow to instrument.
more() {
    case $1 in
    */kernels/*_avx2.c) echo -fno-sanitize=all -mavx2 -mfma ;;
    */kernels/*_avx512.c) echo -fno-sanitize=all -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vbmi -mgfni -mfma ;;
    */kernels/*) echo -fno-sanitize=all ;;
    esac
}
# group NAME SOURCE...: compiles them into a folder.
group() {
    folder=objects/$1
    shift
    mkdir -p "$folder"
    for source; do
        # shellcheck disable=SC2046,SC2086
        $compiler $flags $(more "$source") -c "$source" -o "$folder/$(basename "$source").o"
    done
}
# shellcheck disable=SC2086
{
    group base $base
    group data $data
    group account $account
    group alerts $alerts
    group serve $serve
    group gbdt $gbdt
    group nn $nn
    group table $table
    group onnx $onnx
}
n=0
failed=0
# target NAME SOURCE GROUPS FLAGS: fails within 1,000,000 runs, with the sanitizer's report.
target() {
    name=$1
    source=tests/fuzz/$2
    groups=$3
    flags_more=$4
    n=$((n + 1))
    objects=
    for folder in base $groups; do
        objects="$objects objects/$folder/*.o"
    done
    corpus=$(find tests/fuzz -type d -name "corpus_$name")
    # shellcheck disable=SC2086
    $compiler $flags $flags_more -fsanitize=fuzzer "$source" $objects \
        -ljansson -lz -lcrypto -lpthread -lm -o "$name"
    if ! "./$name" "$corpus"/* >"$name.log" 2>&1; then
        echo "not ok $n - $name: the corpus alone trips over the planted byte"
        grep -m3 -E 'ERROR|runtime error|SUMMARY' "$name.log" | sed 's/^/# /'
        failed=1
    elif "./$name" -runs=1000000 -max_total_time=90 -seed=1 "$corpus" >"$name.log" 2>&1; then
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
target decimal fuzz_decimal.c '' ''
target json fuzz_json.c '' ''
for dialect in kraken kraken_v1 kraken_futures delta; do
    target $dialect fuzz_parse.c data \
        "-DWICK_FUZZ_DIALECT=WK_DIALECT_$(echo $dialect | tr '[:lower:]' '[:upper:]')"
done
target csv fuzz_csv.c data ''
target zip fuzz_zip.c data ''
target recording fuzz_recording.c data tests/fuzz/memory_gz.c
target note fuzz_note.c data ''
target live fuzz_live.c data 'tests/fuzz/live_oracle.c tests/fuzz/live_stage.c tests/fuzz/toy_venue.c'
target tape fuzz_tape.c data tests/fuzz/memory_gz.c
target outside_json fuzz_outside_json.c data ''
target spans fuzz_spans.c data ''
target header fuzz_header.c data ''
target reply fuzz_reply.c data ''
target url fuzz_url.c data ''
target account_delta fuzz_account.c account '-DWICK_FUZZ_VENUE="delta-india"'
target account_kraken fuzz_account.c account '-DWICK_FUZZ_VENUE="kraken"'
target alerts fuzz_alerts.c alerts ''
target config fuzz_config.c '' ''
target serve fuzz_serve.c serve ''
target forest fuzz_forest.c gbdt ''
target ubjson fuzz_ubjson.c gbdt ''
target lightgbm fuzz_forest.c gbdt ''
target table fuzz_table.c table "$(pkg-config --libs hdf5)"
target libsvm fuzz_libsvm.c table "$(pkg-config --libs hdf5)"
target npy nn/fuzz_npy.c nn ''
target weights nn/fuzz_weights.c nn ''
target onnx nn/fuzz_onnx.c 'nn onnx' ''
target checkpoint nn/fuzz_checkpoint.c nn ''
echo "1..$n"
exit $failed
