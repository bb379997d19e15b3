#!/bin/sh
# The example in every command's help and every wick command line of the README work as printed. Prints TAP.
# usage: test_examples.sh WICK SOURCE_DIR LOCAL_VENUE
set -u
wick=$(realpath "$1")
source=$(realpath "$2")
server=$(realpath "$3")
dir=$(mktemp -d)
servers=''
# shellcheck disable=SC2064,SC2154
trap 'kill $servers 2>/dev/null; rm -rf "$dir"' EXIT
# The files that examples name, in a place that may be written.
mkdir "$dir/tests"
cp -r "$source/configs" "$dir/"
cp -r "$source/tests/cli" "$source/tests/golden" "$dir/tests/"
cd "$dir" || exit 1
# The commands stay as printed; the market of the demo gets smaller, since the demo itself is ./setup demo's.
sed -i 's/"symbols": [0-9]*, "bars": [0-9]*/"symbols": 2, "bars": 12000/' configs/demo.json
grep -q '"bars": 12000' configs/demo.json || echo "# configs/demo.json has another form now: the whole demo runs, twice"
unset WICK_DATA
export WICK_HOME="$dir/home"

# No test asks a venue: these answer in their place.
config=''
for name in kraken kraken-futures delta amberdata; do
    mkdir "$dir/$name"
    "$server" --venue $name --dir "$dir/$name" --rate-scale -1 </dev/null >"$dir/$name/out" &
    servers="$servers $!"
done
for name in kraken kraken-futures delta amberdata; do
    tries=0
    until [ -s "$dir/$name/out" ] || [ $tries -ge 300 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    url=$(sed 's/.*"url":"\([^"]*\)".*/\1/' "$dir/$name/out")
    key=$(echo $name | sed 's/^delta$/delta_india/; s/-/_/')
    config="$config${config:+,}\"$key\":{\"host\":\"$url\",\"ca_file\":\"$dir/$name/ca.pem\"}"
done
printf '{"venues":{%s}}' "$config" >"$dir/fetch.json"
export WICK_FETCH_CONFIG="$dir/fetch.json" WICK_AMBERDATA_KEY=UAKtest
# The outside series is the clock of the local Kraken.
url=$(sed 's/.*"url":"\([^"]*\)".*/\1/' "$dir/kraken/out")
sed -i -e "s#\"url\": \"[^\"]*\"#\"url\": \"$url/0/public/Time\"#" -e 's#"/data"#"/result"#' \
    -e 's#"/timestamp"#"/unixtime"#' -e 's#"/value"#"/unixtime"#' \
    -e "s#\"every_s\": [0-9]*#\"ca_file\": \"$dir/kraken/ca.pem\"#" configs/outside.json

# Some read what others leave, so these come first, in this order.
first='import
run
train
paper
publish
nn train
gbdt train'
# Minutes of work each: run by hand before a release.
slow='bench backtest.bars
bench box.footprint
prove'
# Trades at a venue, which test_live.sh plays.
elsewhere='live'
all=$("$wick" --help | awk '/^commands:/ { on = 1; next } !NF { on = 0 } on { sub(/^  /, ""); sub(/  .*/, ""); print }')
printf '%s\n' "$first" >first
printf '%s\n' "$slow" "$elsewhere" >slow
{
    echo "$first"
    echo "$all" | grep -vxF -f first | grep -vxF -f slow
} >order

n=0
failed=0
while read -r name; do
    n=$((n + 1))
    # shellcheck disable=SC2086
    example=$("$wick" $name --help | awk 'on; /^example:/ { on = 1 }')
    if [ -n "$example" ] && sh -c "$example" >output 2>&1 </dev/null; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name:$example"
        tail -n 3 output | sed 's/^/# /'
        failed=1
    fi
done <order

# The README's begin with the path that ./setup build leaves the program at.
mkdir -p build/src/cli
ln -s "$wick" build/src/cli/wick
grep '^    build/src/cli/wick ' "$source/README.md" >order
[ -s order ] || echo 'false # README.md names no command' >order
while read -r line; do
    n=$((n + 1))
    if sh -c "$line" >output 2>&1 </dev/null; then
        echo "ok $n - README: ${line%%#*}"
    else
        echo "not ok $n - README: ${line%%#*}"
        tail -n 3 output | sed 's/^/# /'
        failed=1
    fi
done <order
echo "1..$n"
exit $failed
