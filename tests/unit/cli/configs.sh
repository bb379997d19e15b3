#!/bin/sh
# Every configuration of the repository is valid, and its resolved form reads back to itself.
# usage: configs.sh WICK SOURCE_ROOT
set -eu
wick=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0
failed=0
for file in "$2"/configs/*.json "$2"/configs/*/*.json; do
    [ -f "$file" ] || continue
    n=$((n + 1))
    kind=run
    case ${file##*/} in
    record*.json) kind=record ;;
    paper*.json | live*.json) kind=bot ;;
    serve*.json) kind=serve ;;
    fetch*.json) kind=fetch ;;
    retrain*.json) kind=retrain ;;
    outside*.json) kind=outside ;;
    esac
    if "$wick" config check "$file" --kind $kind >"$work/once.json" &&
        "$wick" config check "$work/once.json" --kind $kind >"$work/twice.json" &&
        cmp "$work/once.json" "$work/twice.json"; then
        echo "ok $n - ${file#"$2"/}"
    else
        echo "not ok $n - ${file#"$2"/}"
        failed=1
    fi
done
echo "1..$n"
[ "$n" -gt 0 ] || failed=1
exit $failed
