#!/bin/sh
# The long proof: each target runs N times (10,000,000 unless RUNS says else) from a copy of its corpus, two at a
# time, and says how many it ran. What it finds is left in the folder OUT.
# usage: long.sh BUILD_OF_CLANG SOURCE_ROOT OUT [TARGET...]
set -eu
build=$1
root=$2
out=$3
shift 3
runs=${RUNS:-10000000}
[ $# -gt 0 ] || set -- account_delta account_kraken alerts book checkpoint config csv decimal delta forest header reply json \
    kraken kraken_futures kraken_v1 lightgbm live note npy onnx outside_json recording rest serve spans table tape \
    ubjson url weights zip
mkdir -p "$out"
# A small quarantine that is kept: several times as fast where a reader allocates large buffers.
options=quarantine_size_mb=1:thread_local_quarantine_size_kb=64:allocator_release_to_os_interval_ms=-1:malloc_context_size=0

# one TARGET
one() {
    rm -rf "$out/$1"
    cp -r "$(find "$root/tests/fuzz" -type d -name "corpus_$1")" "$out/$1"
    program=$(find "$build/tests" -type f -name "fuzz_$1")
    if ASAN_OPTIONS=$options nice -n 15 "$program" "-runs=$runs" -max_len=4096 \
        -rss_limit_mb=2000 -print_final_stats=1 "-artifact_prefix=$out/$1-" "$out/$1" >"$out/$1.log" 2>&1; then
        echo "ok - $1: $(grep -o 'executed_units: *[0-9]*' "$out/$1.log" | tr -dc 0-9) runs"
    else
        echo "not ok - $1: $(grep -m1 SUMMARY "$out/$1.log"); see $out/$1.log"
    fi
}
while [ $# -gt 0 ]; do
    one "$1" &
    if [ $# -gt 1 ]; then
        shift
        one "$1" &
    fi
    wait
    shift
done
