#!/bin/sh
# Each public header compiles alone, and twice.
# usage: headers.sh SOURCE_ROOT COMPILER...
set -eu
root=$1
shift
set -- "$@" -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "-I$root/include" -x c -
n=0
failed=0
for header in "$root"/include/wick/*.h; do
    name=wick/${header##*/}
    n=$((n + 1))
    if printf '#include "%s"\n#include "%s"\nint wk_header_check;\n' "$name" "$name" | "$@"; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        failed=1
    fi
done
echo "1..$n"
exit $failed
