#!/usr/bin/env bash
# The service over real sockets: usage: test_serve.sh WICK ROOT
set -uo pipefail
source "$(dirname "$0")/../tap.sh"
explain() {
    head -c 400 "$work/answer"
    tail -n 3 "$work/log"
}
wick=$1 root=$2
work=$(mktemp -d)
pid=
trap '[ -n "$pid" ] && kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
export WICK_HOME=$work/home
trap '' PIPE # a server that has refused a head closes while the body is still being written
unset WICK_DATA WICK_SERVE_TOKEN
start() { # start CONFIG...: sets pid and port
    "$wick" serve "$@" >"$work/url" 2>"$work/log" &
    pid=$!
    for _ in $(seq 1200); do
        grep -q http "$work/url" && break
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    port=$(sed 's/.*:\([0-9]*\).*/\1/' "$work/url")
}
raw() { # raw BYTES...: sends them, the answer until the server closes or 60 s pass
    exec 9<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf '%b' "$1" >&9
    timeout "${2:-60}" cat <&9 >"$work/answer"
    exec 9>&- 9<&-
}
ask() { # ask METHOD PATH [BODY [HEADER]]: one request on a connection of its own
    local body=${3-} head=${4-}
    exec 9<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s' "$1" "$2" "${head:+$head$'\r\n'}" >&9
    [ -n "$body" ] && printf 'Content-Length: %d\r\n' "${#body}" >&9
    printf '\r\n%s' "$body" >&9
    timeout 60 cat <&9 >"$work/answer"
    exec 9>&- 9<&-
}
says() { # says STATUS PATTERN NAME
    head -1 "$work/answer" | grep -q "^HTTP/1.1 $1 " && grep -q -- "$2" "$work/answer"
    check $? "$3"
}
step() { printf '{"time":%s,"bars":[[100,102,99,101,5],[50,51,49,50.5,7]]}' "$1"; }

"$wick" train "$root/tests/cli/tiny.json" --out "$work/run" >"$work/log" 2>&1
check $? "a model is trained"
cat >"$work/serve.json" <<JSON
{ "port": 0, "models": [{ "name": "tiny", "dir": "$work/run/model" }], "header_s": 1, "body_s": 1,
  "body_bytes_max": 4096, "sessions_max": 2, "batch_max": 3, "steps_max": 1000 }
JSON
start "$work/serve.json"
kill -0 "$pid"
check $? "it listens on a free port and prints it"

ask GET /healthz; says 200 '"ok"' "healthz"
ask GET /readyz; says 200 '"ready"' "readyz"
ask GET /v1/model; says 200 '"warmup_steps":6096' "the model, with its warm-up"
ask GET /openapi.json; says 200 '/v1/predict' "the OpenAPI file"
ask GET /metrics; says 200 'wick_predict_seconds_count 0' "metrics"
ask GET /; says 200 '<title>wick' "the dashboard"
ask GET /v1/dashboard; says 200 '"records":\[\]' "the dashboard of no journal"
ask HEAD /healthz; says 200 'Content-Length' "HEAD"
ask GET /v1/signal/SYN0; says 404 no_signal "no signal yet"

h=3600000
ask POST /v1/predict "{\"session\":\"a\",\"step\":$(step $((h * 500000)))}"
says 200 '"steps_seen":1,"steps_needed":6096,"warm":false' "the first bar of a session"
ask POST /v1/predict "{\"session\":\"a\",\"step\":$(step $((h * 500000)))}"
says 200 '"steps_seen":1,' "the same bar again changes nothing"
ask POST /v1/predict "{\"session\":\"a\",\"step\":$(step $((h * 500003)))}"
says 200 '"steps_seen":4,' "a hole is filled with absent bars"
ask POST /v1/predict "{\"session\":\"a\",\"step\":$(step $((h * 500001)))}"
says 409 out_of_order "a bar of the past is refused"
ask POST /v1/predict "{\"session\":\"a\",\"step\":$(step $((h * 600000)))}"
says 409 hole "a hole that is too long is refused"
ask GET /v1/signal/SYN0; says 200 '"session":"a"' "the signal of a session"
ask POST /v1/predict "{\"session\":\"a\",\"step\":$(step $((h * 500004 + 1000)))}"
says 422 bad_time "a time off the grid"
ask POST /v1/predict '{"session":"a","step":{"time":"2030-01-01","bars":[null]}}'
says 422 bad_shape "bars of too few markets"
ask POST /v1/predict "{\"candles\":[$(step 0)]}"
says 422 'needs 6096' "fewer candles than the warm-up are told how many are needed"
ask POST /v1/predict '{"candles":[[1704067200,1,1,1,1,1]]}'; says 400 'candles an array of these' "candles of another shape"
ask POST /v1/predict '{"row":[1,2]}'; says 422 bad_shape "a row of another model"
ask POST /v1/predict '{"model":"none","row":[1]}'; says 404 no_model "an unknown model"
ask POST /v1/predict "{\"requests\":[{\"session\":\"b\",\"step\":$(step 0)},{\"row\":[1]}]}"
says 200 '"results":\[{"model":"tiny".*{"error":' "a batch: an answer and an error"
ask POST /v1/predict '{"requests":[{},{},{},{}]}'; says 413 too_large "a batch that is too long"
ask POST /v1/predict "{\"session\":\"c\",\"step\":$(step 0)}"
ask GET /metrics
says 200 'wick_sessions 2' "the oldest session makes room"
grep -q 'wick_sessions_dropped_total 1' "$work/answer"
check $? "and is counted"

for body in '{' '{}' '[]' 'null' '{"session":"a"}' '{"session":"a","step":{}}' '{"x":1,"row":[1]}' \
    '{"row":[1],"row":[1]}' '{"row":[1e999]}' '{"row":["1"]}' '{"session":"a","step":{"time":-1,"bars":[null,null]}}' \
    '{"session":"","row":[1]}' '{"session":"a","step":{"time":0,"bars":[[1,0.5,0.7,1,1],null]}}' \
    "$(printf '[%.0s' $(seq 200))" '{"requests":[]}' '{"row":[1],"candles":[]}'; do
    ask POST /v1/predict "$body"
    says 400 '"error":{"code":"bad_' "refused: ${body:0:50}"
done
ask POST /v1/predict "{\"session\":\"$(printf 'x%.0s' $(seq 5000))\"}"; says 413 too_large "a huge body"
ask PUT /v1/predict '{}'; says 405 'Allow: POST' "the wrong method"
ask POST /healthz '{}'; says 405 'Allow: GET' "the other wrong method"
ask GET /v2; says 404 not_found "an unknown page"
ask GET /v1/stream; says 426 upgrade_required "the stream without an upgrade"
raw 'POST /v1/predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
says 411 length_required "chunks"
raw 'POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n{}'; says 400 'no number' "a length that is none"
raw 'POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}POST /v1/predict HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}' 10
# Where both came in one read the second is told to come again, where they did not it is answered.
[ "$(grep -c '"code":"bad_request"' "$work/answer")" -ge 1 ] && [ "$(grep -o 'HTTP/1.1 400' "$work/answer" | wc -l)" -eq 2 ] &&
    { ! grep -q '"code":"pipelined"' "$work/answer" || grep -q '^Connection: close' "$work/answer"; }
check $? "of two POSTs in one write the first is answered, the second told to come again"
begun=$SECONDS
raw 'GET /heal' 20
[ $((SECONDS - begun)) -lt 15 ]
check $? "a head that never ends is cut off"
begun=$SECONDS
raw 'POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{' 20
[ $((SECONDS - begun)) -lt 15 ]
check $? "a body that never ends is cut off"
ask GET /healthz; says 200 ok "it still serves"

kill -TERM "$pid"
wait "$pid"
check $? "SIGTERM ends it with 0"
pid=

export WICK_SERVE_TOKEN=0123456789abcdef
start "$work/serve.json"
ask GET /v1/model; says 401 unauthorized "without the token"
ask GET /v1/model '' 'Authorization: Bearer 0123456789abcdeX'; says 401 unauthorized "with a wrong one"
ask GET /v1/model '' 'Authorization: Bearer 0123456789abcdef'; says 200 models "with the token"
ask GET /healthz; says 200 ok "health needs none"
kill "$pid"
wait "$pid"
pid=
unset WICK_SERVE_TOKEN
"$wick" serve "$work/serve.json" --set address=0.0.0.0 >"$work/log" 2>&1
[ $? -eq 2 ] && grep -q WICK_SERVE_TOKEN "$work/log"
check $? "an address that others reach needs a token"
"$wick" serve "$work/serve.json" --set models.0.dir=none >"$work/log" 2>&1
[ $? -eq 1 ] && grep -q none "$work/log"
check $? "a model that is not there is named"
done_testing
