#!/bin/sh
# Shows that the fuzz targets of the data parsers can find what they look for: in a copy of the sources a
# read of one byte too many is planted. The seed corpora must not trip over it, and each target must
# find it by itself.
# usage: planted.sh SOURCE_ROOT CLANG...
set -eu
root=$1
shift
compiler=$*
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$root/data" "$root/include" "$root/src" "$work"
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
plant data/decimal.c "int is_below = p < end && *p == '-';" "int is_below = *p == '-';"

sources='data/json_scan.c data/json_text.c data/decimal.c data/parse.c data/parse_read.c data/parse_delta.c
    data/parse_delta_public.c data/parse_kraken.c data/parse_kraken_v1.c data/parse_kraken_futures.c
    data/book.c data/book_checksum.c data/book_follow.c src/base/err.c src/base/clock.c'
flags='-std=c11 -D_GNU_SOURCE -Iinclude -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'
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
    $compiler $flags $flags_more -fsanitize=fuzzer "tests/fuzz/$source" objects/*.o -lz -lm -o "$name"
    if ! "./$name" tests/fuzz/corpus_"$name"/* >"$name.log" 2>&1; then
        echo "not ok $n - $name: the corpus alone trips over the planted byte"
        failed=1
    elif "./$name" -runs=200000 -max_total_time=60 -seed=1 "tests/fuzz/corpus_$name" >"$name.log" 2>&1; then
        echo "not ok $n - $name does not find the planted byte"
        failed=1
    elif grep -q 'ERROR: AddressSanitizer' "$name.log"; then
        echo "ok $n - $name: $(grep -m1 -o 'AddressSanitizer: [a-z-]*' "$name.log")"
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
echo "1..$n"
exit $failed
