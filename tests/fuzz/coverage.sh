#!/bin/sh
# Lines of each parser's own file that a corpus reaches: the seeds, or where one stands, what the long
# runs (long.sh) left in the folder OUT. The build holds no sanitizers, only the counters:
#   CC=clang meson setup build-cov --buildtype=plain \
#       -Dc_args='-O1 -g -fprofile-instr-generate -fcoverage-mapping' -Dc_link_args=-fprofile-instr-generate
#   tests/fuzz/coverage.sh build-cov . /tmp/fuzz [TARGET...]
# With MISSED=1 it lists the lines that nothing reached.
set -eu
build=$1
root=$2
out=$3
shift 3
table='
account_delta src/venue/account/delta_read.c src/venue/account/delta.c
account_kraken src/venue/account/kraken_read.c src/venue/account/kraken.c src/venue/account/kraken_holdings.c src/venue/account/kraken_stops.c
account_delta+account_kraken src/venue/account/doc.c src/venue/account/reactions.c src/venue/account/stream.c src/venue/account/transport.c src/venue/account/units.c
alerts src/bot/alerts_channel.c
book data/book.c data/book_checksum.c data/book_follow.c
checkpoint nn/fit_checkpoint.c
config src/base/config.c src/base/config_override.c src/base/config_position.c src/base/config_dump.c src/base/clock.c
csv data/csv.c data/number.c
decimal data/decimal.c
delta data/parse_delta.c data/parse_delta_public.c
delta+kraken+kraken_v1+kraken_futures data/parse.c data/parse_read.c
forest gbdt/xgboost_read.c
header src/net/http_header.c
reply src/net/http_body.c src/net/http_reply.c
json data/json_scan.c data/json_text.c
kraken data/parse_kraken.c
kraken_futures data/parse_kraken_futures.c
kraken_v1 data/parse_kraken_v1.c
libsvm gbdt/table_libsvm.c
lightgbm gbdt/lightgbm_read.c
live src/venue/live/live.c src/venue/live/live_events.c src/venue/live/closer.c src/venue/live/exact.c
note src/venue/live/live_note.c
npy nn/npy.c
onnx nn/onnx_read.c nn/onnx_tensor.c nn/onnx_plan.c nn/onnx_shape.c nn/onnx_move.c nn/onnx_math.c nn/onnx_reduce.c nn/onnx_product.c nn/onnx_recurrent.c src/base/protobuf.c
outside_json src/venue/history/outside_parse.c
recording src/venue/live/recording_read.c
rest src/venue/history/doc.c src/venue/history/judge.c src/venue/history/parse_amberdata.c src/venue/history/parse_delta.c src/venue/history/parse_futures.c src/venue/history/parse_kraken.c src/venue/history/rows.c
serve src/ops/serve_request.c
spans src/venue/history/spans.c
table gbdt/table.c
tape data/columns.c data/tape.c data/outside.c
ubjson gbdt/ubjson.c
url src/net/authority.c src/net/http_url.c src/net/websocket_url.c
weights nn/safetensors.c
zip data/zip.c
'
[ $# -gt 0 ] || set -- $(echo "$table" | cut -d' ' -f1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for target; do
    files=$(echo "$table" | sed -n "s/^$target //p")
    from=seeds
    : >"$work/lcov"
    # Two programs of one parser, a+b, count together.
    for part in $(echo "$target" | tr + ' '); do
        program=$(find "$build/tests" -name "fuzz_${part}_seeds" -type f | head -1)
        corpus=$(find "$root/tests/fuzz" -type d -name "corpus_$part")
        [ -n "$program" ] && [ -n "$corpus" ] || continue
        rm -f "$work"/*.raw
        if [ -d "$out/$part" ]; then
            corpus="$corpus $out/$part"
            from=fuzzed
        fi
        # One profile a program: %m merges those of its runs.
        # shellcheck disable=SC2086
        find $corpus -type f -print0 |
            LLVM_PROFILE_FILE="$work/%m.raw" xargs -0 -n 2000 "$program" >/dev/null 2>"$work/log" ||
            { echo "not ok - $part"; tail -3 "$work/log"; continue; }
        llvm-profdata merge "$work"/*.raw -o "$work/merged"
        llvm-cov export -format=lcov -instr-profile "$work/merged" "$program" >>"$work/lcov" 2>/dev/null
    done
    for file in $files; do
        awk -v want="/$file" -v target="$target" -v from="$from" -v missed="${MISSED:-}" '
            /^SF:/ { is_it = substr($0, length($0) - length(want) + 1) == want }
            is_it && /^DA:/ {
                split(substr($0, 4), at, ",")
                if (!(at[1] in hits) || at[2] > hits[at[1]]) hits[at[1]] = at[2]
                if (at[1] > last) last = at[1]
            }
            END {
                for (line in hits) { n++; reached += hits[line] > 0 }
                if (!n) exit
                printf "%-28s %-7s %5.1f %% %4d of %4d  %s\n", target, from, 100 * reached / n, reached, n, substr(want, 2)
                for (line = 1; missed && line <= last; line++)
                    if (line in hits && hits[line] == 0) print "    " substr(want, 2) ":" line
            }' "$work/lcov"
    done
done
