#!/bin/sh
# run_summary on made-up logs: every way a test program can end is counted as what it is.
# usage: run_summary_test.sh SOURCE_ROOT
set -eu
summary=$1/tests/run_summary
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0
failed=0

# block RESULT: one meson test whose output is on stdin, appended to the log.
block() {
    {
        echo '==================================== 1/9 ====================================='
        echo "test:         wick:unit / sample"
        echo "result:       $1"
        echo '----------------------------------- stdout -----------------------------------'
        cat
        echo '=============================================================================='
    } >>"$work/log"
}
# expect NAME SUM EXIT_CODE [BROKEN]
expect() {
    n=$((n + 1))
    code=0
    "$summary" "${4:-0}" "$work/log" >"$work/out" || code=$?
    sum=$(tail -n 1 "$work/out")
    if [ "$sum" = "$2" ] && [ "$code" = "$3" ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1: got \"$sum\" and exit code $code, not \"$2\" and $3"
        failed=1
    fi
    : >"$work/log"
}

printf '1..3\nok 1 - a\nnot ok 2 # SKIP b\nok 3 - c\n' | block 'exit status 0'
expect 'cases and skips are counted' '2 passed, 0 failed, 1 skipped' 0
printf '1..2\nok 1 - a\nnot ok 2 - b\n# result: nonsense\n' | block 'exit status 1'
expect 'a failed case is one failure' '1 passed, 1 failed, 0 skipped' 1
printf '1..9\nok 1 - a\n' | block 'killed by signal 11 SIGSEGV'
expect 'a crash is one failure' '1 passed, 1 failed, 0 skipped' 1
printf '1..9\nok 1 - a\n' | block 'exit status 0'
expect 'missing cases are a failure' '1 passed, 1 failed, 0 skipped' 1
printf 'hello\n' | block 'exit status 0'
expect 'a plain program is one case' '1 passed, 0 failed, 0 skipped' 0
printf '' | block 'exit status 77'
printf 'x\n' | block 'exit status 0'
expect 'exit code 77 skips' '1 passed, 0 failed, 1 skipped' 0
: >"$work/log"
expect 'nothing at all is no success' '0 passed, 0 failed, 0 skipped' 1
printf 'x\n' | block 'exit status 0'
expect 'a broken build is a failure' '1 passed, 1 failed, 0 skipped' 1 1
echo "1..$n"
exit $failed
