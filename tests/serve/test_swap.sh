#!/usr/bin/env bash
# A model is renewed under load: no request fails. usage: test_swap.sh WICK ROOT
set -uo pipefail
trap "" PIPE # a server that hangs up fails a check, not the script
source "$(dirname "$0")/../tap.sh"
wick=$1 root=$2
work=$(mktemp -d)
pid=
trap '[ -n "$pid" ] && kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
export WICK_HOME=$work/home
unset WICK_DATA WICK_SERVE_TOKEN
get() { # get PATH: the answer's head and body
    exec 9<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf 'GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$1" >&9
    timeout 60 cat <&9
    exec 9>&- 9<&-
}
# A client with a session of its own: one bar after the other until the file `stop` is there.
client() { # client NAME
    local time=1800000000 body answer
    exec 8<>"/dev/tcp/127.0.0.1/$port" || { echo "no connection" >>"$work/bad"; return; }
    while [ ! -e "$work/stop" ]; do
        time=$((time + 3600))
        body="{\"session\":\"$1\",\"step\":{\"time\":${time}000,\"bars\":[[100,102,99,101,5],[50,51,49,50.5,7]]}}"
        printf 'POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s' "${#body}" "$body" >&8
        local length=0 line status
        IFS= read -r -t 60 status <&8 || { echo "no answer" >>"$work/bad"; return; }
        while IFS= read -r -t 60 line <&8 && [ "$line" != $'\r' ]; do
            case $line in Content-Length:*) length=${line//[^0-9]/} ;; esac
        done
        IFS= read -r -t 60 -N "$length" answer <&8
        case $status in *" 200 "*) ;; *) echo "$status $answer" >>"$work/bad" ;; esac
        echo "$answer" | grep -o '"version":"[0-9a-f]*"' >>"$work/$1.versions"
    done
}
version() { get /v1/model | grep -o '"version":"[0-9a-f]*"'; }

"$wick" train "$root/tests/cli/tiny.json" --out "$work/a" --set branches=[] >"$work/log" 2>&1 &&
    "$wick" train "$root/tests/cli/tiny.json" --out "$work/b" --set branches=[] --set meta.params.max_depth=3 >"$work/log" 2>&1
check $? "two models are trained"
"$wick" publish "$work/a/model" "$work/live" >"$work/log" 2>&1
check $? "one is published"
echo "{ \"port\": 0, \"models\": [{ \"name\": \"m\", \"dir\": \"$work/live\" }], \"reload_s\": 0.1, \"poll_s\": 0.1 }" >"$work/serve.json"
"$wick" serve "$work/serve.json" >"$work/url" 2>"$work/log" &
pid=$!
for _ in $(seq 1200); do
    grep -q http "$work/url" && break
    sleep 0.05
done
port=$(sed 's/.*:\([0-9]*\).*/\1/' "$work/url")
for name in one two three; do client $name & done
for _ in $(seq 1200); do
    [ -s "$work/one.versions" ] && [ -s "$work/two.versions" ] && [ -s "$work/three.versions" ] && break
    sleep 0.05
done
seen=0
for model in b a b; do
    before=$(version)
    "$wick" publish "$work/$model/model" "$work/live" >"$work/out" 2>&1
    for _ in $(seq 600); do
        [ "$(version)" != "$before" ] && break
        sleep 0.1
    done
    [ "$(version)" != "$before" ] && seen=$((seen + 1))
done
[ $seen -eq 3 ]
check $? "each publication is taken over ($seen of 3)"
newest=$(version)
moved=1
for _ in $(seq 600); do
    moved=0
    for name in one two three; do
        [ "$(tail -1 "$work/$name.versions")" = "$newest" ] || moved=1
    done
    [ $moved -eq 0 ] && break
    sleep 0.1
done
check $moved "every session moves to the newest"
touch "$work/stop"
wait $(jobs -p | grep -v "^$pid$")
[ ! -e "$work/bad" ]
check $? "no request failed of $(cat "$work"/*.versions | wc -l)"
[ -e "$work/bad" ] && head -3 "$work/bad" | sed 's/^/# /'
get /metrics | grep -q 'wick_models_swapped_total 3'
check $? "the metrics count the swaps"
printf x >>"$work/live/model.json"
for _ in $(seq 600); do
    grep -q 'refused=.*model.json is damaged' "$work/log" && break
    sleep 0.1
done
grep -q 'refused=.*model.json is damaged' "$work/log" && [ "$(version)" = "$newest" ]
check $? "a damaged one is refused in one line, the one before serves on"
kill "$pid"
wait "$pid"
check $? "it stops"
pid=
done_testing
