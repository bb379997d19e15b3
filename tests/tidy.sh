#!/bin/sh
# House rules that a compiler does not check (see the names of the checks below).
# usage: tidy.sh SOURCE_ROOT
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

present=''
for d in src include data nn gbdt; do
    [ -d "$d" ] && present="$present $d"
done
# shellcheck disable=SC2086
find $present -type f \( -name '*.c' -o -name '*.h' \) | LC_ALL=C sort >"$work/product"

# file:line:code of all product files, without comments and the insides of strings.
while read -r file; do
    awk -v file="$file" '
    {
        line = $0; out = ""
        while (line != "") {
            if (in_comment) {
                at = index(line, "*/")
                if (!at) { line = ""; break }
                line = substr(line, at + 2); in_comment = 0; continue
            }
            if (substr(line, 1, 2) == "/*") { in_comment = 1; line = substr(line, 3); continue }
            if (substr(line, 1, 2) == "//") break
            c = substr(line, 1, 1)
            if (c == "\"" && out !~ /^[ \t]*#[ \t]*include/) {
                line = substr(line, 2)
                while (line != "" && substr(line, 1, 1) != "\"")
                    line = substr(line, substr(line, 1, 1) == "\\" ? 3 : 2)
                line = substr(line, 2); out = out "\"\""; continue
            }
            out = out c; line = substr(line, 2)
        }
        if (out ~ /[^ \t]/) print file ":" NR ":" out
    }' "$file"
done <"$work/product" >"$work/code"

n=0
failed=0
# check NAME: the lines in $work/found break the rule.
check() {
    n=$((n + 1))
    if [ -s "$work/found" ]; then
        echo "not ok $n - $1"
        sed 's/^/# /' "$work/found"
        failed=1
    else
        echo "ok $n - $1"
    fi
}

# lines_of FOLDER...: the code below these folders.
lines_of() {
    for d in "$@"; do
        grep "^$d/" "$work/code" || true
    done
}

# forbidden NAME|NAME: the includes of these headers among the lines on stdin.
forbidden() {
    grep -E "#[ ]*include \"(\.\./)*(include/)?wick/($1)\.h\"" || true
}

libm='exp|exp2|expm1|log|log2|log10|log1p|pow|tanh|sinh|cosh|sin|cos|tan|asin|acos|atan|atan2|cbrt|hypot|erf|erfc|lgamma|tgamma'
{ grep -E "(^|[^A-Za-z0-9_.>])($libm)[fl]?\(" "$work/code" || true; } >"$work/found"
check 'elementary functions come from wick/math.h, never from libm'

{ grep -E '#[ ]*include <([a-z0-9]*intrin|arm_neon|arm_sve)\.h>' "$work/code" | grep -v '/kernels/' || true; } >"$work/found"
check 'intrinsics live in kernels/ only'

# The headers of each folder, in the order of the folders; a folder sees those above it and its own.
data='bars|book|csv|decimal|event|features|flow|fresh|import|instrument|labels|outside|parse|quality|split|store|synthetic|tape'
net='http|ring|sign|websocket'
venue='account|executor|history|live|outside_fetch|recording'
trade='backtest|ledger|sim|trade'
model='forecaster|model|run'
eval='metrics|prove|report|verdict'
bot='alert|bot|engine|journal'
ops='serve|monitor|retrain|publish'
{
    lines_of src/base | forbidden "$data|nn|gbdt|$net|$venue|$trade|forecast|$model|$eval|$bot|$ops|cli"
    lines_of data | forbidden "nn|gbdt|$net|$venue|$trade|$model|$eval|$bot|$ops|cli"
    lines_of nn | forbidden "$data|gbdt|$net|$venue|$trade|forecast|$model|$eval|$bot|$ops|cli"
    lines_of gbdt | forbidden "$data|nn|$net|$venue|$trade|forecast|$model|$eval|$bot|$ops|cli"
    lines_of src/net | forbidden "$data|nn|gbdt|$venue|$trade|forecast|$model|$eval|$bot|$ops|cli"
    lines_of src/venue | forbidden "nn|gbdt|forecast|$model|$eval|alert|bot|engine|$ops|cli"
    lines_of src/trade src/sim | forbidden "nn|gbdt|$net|$venue|$model|$eval|$bot|$ops|cli"
    lines_of src/model | forbidden "$net|$venue|trade|backtest|$eval|$bot|$ops|cli"
    lines_of src/eval | forbidden "$net|$venue|$bot|$ops|cli"
    lines_of src/bot | forbidden "$eval|$ops|cli"
    lines_of src/ops | forbidden 'cli'
} >"$work/found"
check 'includes point up the list of folders'

{ grep -v '^src/cli/' "$work/code" | grep -E '(^|[^A-Za-z0-9_])(printf|puts|putchar|exit)\(' || true; } >"$work/found"
check 'libraries never print or exit'

find src include data nn gbdt tests bench -type f \( -name '*.c' -o -name '*.h' \) 2>/dev/null |
    LC_ALL=C sort | while read -r file; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 900 ] || echo "$file has $lines lines; split it"
done >"$work/found"
check 'no file is longer than 900 lines'

# Brackets keep this line from finding itself.
grep -rnE '(^|[^A-Za-z0-9_.])/(wor[k]|op[t]|roo[t])/' . --include='*' -I --exclude-dir=.git --exclude-dir='build*' \
    --exclude-dir=node_modules --exclude-dir='out*' --exclude-dir=__pycache__ --exclude=.git >"$work/found" || true
check 'no path of one machine'

echo "1..$n"
exit $failed
