#!/usr/bin/env bash
# Every documented path of the service, with a bot's journal behind it: usage: test_openapi.sh WICK CHECK ROOT
set -uo pipefail
trap "" PIPE # a server that hangs up fails a check, not the script
wick=$1 checker=$2 root=$3
work=$(mktemp -d)
pid=
trap '[ -n "$pid" ] && kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
export WICK_HOME=$work/home
unset WICK_DATA WICK_SERVE_TOKEN
fail() {
    echo "not ok 1 - $1"
    tail -3 "$work/log" | sed 's/^/# /'
    echo 1..1
    exit 1
}
"$wick" train "$root/tests/cli/tiny.json" --out "$work/run" --set data.synthetic.bars=3000 --set branches=[] \
    --set features.anchor_bars=256 --set features.warmup_bars=200 --set features.warmup_valid_bars=100 >"$work/log" 2>&1 ||
    fail "no model"
echo "{ \"name\": \"bot\", \"models\": [{ \"dir\": \"$work/run/model\" }], \"dir\": \"$work/bot\" }" >"$work/bot.json"
"$wick" paper "$work/bot.json" --candles >"$work/log" 2>&1 || fail "no journal"
echo "{ \"port\": 0, \"models\": [{ \"name\": \"tiny\", \"dir\": \"$work/run/model\" }], \"journal\": \"$work/bot\",
    \"body_bytes_max\": 100000 }" >"$work/serve.json"
"$wick" serve "$work/serve.json" >"$work/url" 2>"$work/log" &
pid=$!
for _ in $(seq 400); do
    grep -q http "$work/url" && break
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
done
port=$(sed 's/.*:\([0-9]*\).*/\1/' "$work/url")
exec 9<>"/dev/tcp/127.0.0.1/$port" || fail "no service"
exec 9>&- 9<&-
awk 'function step(i) { return sprintf("{\"time\":%.0f,\"bars\":[[100,102,99,%.2f,5],[50,51,49,50.5,7]]}", 1.8e12 + i * 3.6e6, 100 + i % 3 / 2) }
    BEGIN {
        print "200 {\"session\":\"a\",\"step\":" step(0) "}"
        print "200 {\"session\":\"a\",\"steps\":[" step(1) "," step(2) "],\"all\":true}"
        print "409 {\"session\":\"a\",\"step\":" step(0) "}"
        for (i = 0; i < 460; i++)
            all = all (i ? "," : "") step(i)
        print "200 {\"candles\":[" all "]}"
        print "200 {\"candles\":[" all "],\"all\":true}"
        print "422 {\"candles\":[" step(0) "]}"
        print "422 {\"row\":[1,2]}"
        print "404 {\"model\":\"none\",\"row\":[1]}"
        print "400 {\"row\":"
        print "200 {\"requests\":[{\"session\":\"b\",\"step\":" step(0) "},{\"row\":[1]}]}"
    }' >"$work/requests"
echo "413 {\"row\":[$(head -c 120000 /dev/zero | tr '\0' ' ')1]}" >>"$work/requests"
# A row of the model has as many numbers as it has features.
exec 9<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /v1/model HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&9
row=$(timeout 10 cat <&9 | grep -o '"features":\[[^]]*' | grep -o '"[^"]*"' | tail -n +2 | sed 's/.*/0.1/' | paste -sd,)
exec 9>&- 9<&-
echo "200 {\"rows\":[[$row],[$row]],\"sigma\":[0.01,0.02]}" >>"$work/requests"
"$checker" "$port" SYN0 "$work/requests"
