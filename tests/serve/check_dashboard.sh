#!/bin/sh
# check_dashboard.sh WICK ROOT [OUT.png]: the dashboard of a bot's journal in headless Chromium; fails
# when the page reports an error or the console shows one. With OUT.png leaves a picture.
set -u
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    echo "no Chromium here: the page was not drawn"
    exit 77
}
work=$(mktemp -d) || exit 1
pid=
trap '[ -n "$pid" ] && kill "$pid"; rm -rf "$work"' EXIT
export WICK_HOME="$work/home"
"$1" train "$2/tests/cli/tiny.json" --out "$work/run" >/dev/null 2>&1 || exit 1
echo "{\"name\": \"bot\", \"models\": [{\"dir\": \"$work/run/model\"}], \"dir\": \"$work/bot\"}" >"$work/bot.json"
echo "{\"port\": 0, \"models\": [{\"dir\": \"$work/run/model\"}], \"journal\": \"$work/bot\", \"poll_s\": 0.2}" >"$work/serve.json"
"$1" serve "$work/serve.json" >"$work/url" 2>"$work/log" &
pid=$!
until grep -q http "$work/url"; do
    kill -0 "$pid" || exit 1
    sleep 0.1
done
failures=0
draw() { # draw WHAT: until the page has had an update over its stream
    for attempt in 1 2 3; do
        HOME=$work timeout 60 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
            --user-data-dir="$work/profile" --no-first-run --disable-background-networking \
            --virtual-time-budget=$((attempt * 4000)) --window-size=1280,1300 --enable-logging=stderr --v=0 \
            --dump-dom "$(cat "$work/url")" >"$work/dom" 2>"$work/console"
        grep -q -E '<html[^>]* data-ready="1"' "$work/dom" && break
    done
    grep -q -E '<html[^>]* data-ready="1"' "$work/dom" || { echo "FAIL $1: not ready"; failures=1; }
    if grep -E '<html[^>]* data-error=' "$work/dom" || grep CONSOLE "$work/console"; then
        echo "FAIL $1: an error"
        failures=1
    fi
}
draw "an empty journal"
grep -q 'The journal has no signal yet' "$work/dom" || { echo "FAIL: it says that there is nothing"; failures=1; }
"$1" paper "$work/bot.json" --candles >/dev/null 2>&1 || exit 1
draw "a journal"
[ "$(grep -o '<tr' "$work/dom" | wc -l)" -gt 50 ] || { echo "FAIL: rows of the journal"; failures=1; }
[ "$(grep -o '<canvas ' "$work/dom" | wc -l)" -ge 3 ] || { echo "FAIL: charts"; failures=1; }
if [ -n "${3-}" ]; then
    HOME=$work timeout 60 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
        --hide-scrollbars --user-data-dir="$work/profile" --no-first-run --virtual-time-budget=5000 \
        --window-size=1280,1300 --screenshot="$3" "$(cat "$work/url")" 2>/dev/null
fi
exit $failures
