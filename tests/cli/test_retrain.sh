#!/usr/bin/env bash
# Renewing a model to the end: better, worse, killed, every so often, and back. usage: test_retrain.sh WICK ROOT
set -uo pipefail
trap "" PIPE # a server that hangs up fails a check, not the script
source "$(dirname "$0")/../tap.sh"
wick=$1 root=$2
work=$(mktemp -d)
pids=
trap 'for p in $pids; do kill -9 "$p" 2>/dev/null; done; rm -rf "$work"' EXIT
export WICK_HOME=$work/home
unset WICK_DATA WICK_SERVE_TOKEN WICK_RETRAIN_SPEED
wait_for() { # wait_for COMMAND...: at most two minutes
    for _ in $(seq 1200); do
        "$@" && return 0
        sleep 0.1
    done
    return 1
}
version() { "$wick" publish --verify "$work/champion" 2>>"$work/log" | sed 's/^version \([0-9a-f]*\).*/\1/'; }
lines() { wc -l <"$work/re/retrain.jsonl"; }
weak='"meta.params.num_boost_round=1", "meta.params.max_depth=1", "meta.params.eta=0.01"'
config() { # config NAME CHANGES
    cat >"$work/$1.json" <<JSON
{ "run": "$root/tests/cli/tiny.json", "set": ["branches=[]"${2:+, $2}], "dir": "$work/re",
  "publish": "$work/champion", "window_days": 120, "margin": 0.005, "keep": 2 }
JSON
}
config weak "$weak"
config good ""
config slow '"meta.params.num_boost_round=20000"'
config better '"meta.params.num_boost_round=30"'

"$wick" retrain "$work/weak.json" --once >"$work/log" 2>&1 && first=$(version) && [ -n "$first" ]
check $? "the first model is published"
"$wick" retrain "$work/good.json" --once >"$work/log" 2>&1 && grep -q '^published: auc' "$work/log" && second=$(version) &&
    [ "$second" != "$first" ]
check $? "a better challenger takes its place"
"$wick" retrain "$work/weak.json" --once >"$work/log" 2>&1 && grep -q '^kept: auc' "$work/log" && [ "$(version)" = "$second" ]
check $? "a worse one does not"
grep -q '"published": false' "$work/re/retrain.jsonl" && [ "$("$wick" journal show "$work/re" | wc -l)" -eq 3 ]
check $? "the decisions are on file and in the journal"

# A service runs on the champion meanwhile, and follows.
echo "{ \"port\": 0, \"models\": [{ \"name\": \"m\", \"dir\": \"$work/champion\" }], \"reload_s\": 0.1, \"poll_s\": 0.1 }" >"$work/serve.json"
"$wick" serve "$work/serve.json" >"$work/url" 2>"$work/serve.log" &
serve=$!
pids="$pids $serve"
wait_for grep -q http "$work/url"
port=$(sed 's/.*:\([0-9]*\).*/\1/' "$work/url")
serves() { # serves VERSION
    exec 9<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf 'GET /v1/model HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&9
    timeout 60 cat <&9 | grep -q "\"version\":\"${1:0:16}\""
    local found=$?
    exec 9>&- 9<&-
    return $found
}
wait_for serves "$second"
check $? "a service answers with the champion"
"$wick" retrain "$work/good.json" --rollback >"$work/log" 2>&1 && grep -q 'rolled back' "$work/log" && [ "$(version)" = "$first" ]
check $? "one command goes back to the champion before"
wait_for serves "$first"
check $? "and the service follows while it runs"
"$wick" retrain "$work/good.json" --rollback >"$work/log" 2>&1 && [ "$(version)" = "$second" ] && wait_for serves "$second"
check $? "a second time goes forward again"
tail -1 "$work/re/retrain.jsonl" | grep -q 'rolled back to publication'
check $? "rollbacks are noted"

# The training process dies; it would take long enough to be caught.
child_of() { cat "/proc/$1/task/$1/children" 2>/dev/null | tr -d ' '; }
has_child() { [ -n "$(child_of "$1")" ] || ! kill -0 "$1" 2>/dev/null; }
"$wick" retrain "$work/slow.json" --once >"$work/log" 2>&1 &
retrain=$!
wait_for has_child $retrain
kill -9 "$(child_of $retrain)"
wait $retrain
[ $? -ne 0 ] && grep -q 'ended with signal 9' "$work/log" && [ "$(version)" = "$second" ]
check $? "a killed training leaves the champion, and is told"
"$wick" retrain "$work/good.json" --once --set 'set=["branches=[]", "labels.direction.horizon_bars=100000"]' >"$work/log" 2>&1
[ $? -ne 0 ] && grep -q 'train.log' "$work/log" && [ "$(version)" = "$second" ]
check $? "so does one that fails, with the place of its log"
"$wick" retrain "$work/good.json" --once >"$work/log" 2>&1 && grep -q '^kept' "$work/log"
check $? "the next round works"

# kill -9 of all of it, at any moment: what lies there is whole, and one of the known.
whole=0
for delay in 0.02 0.1 0.2 0.3 0.45 0.6; do
    "$wick" retrain "$work/better.json" --once --set margin=0 >/dev/null 2>&1 &
    retrain=$!
    sleep $delay
    kill -9 $retrain 2>/dev/null
    wait $retrain 2>/dev/null
    [ -n "$(version)" ] || whole=1
done
check $whole "kill -9 of retrain at any moment leaves a whole champion"
"$wick" retrain "$work/better.json" --once --set margin=0 >"$work/log" 2>&1 && [ -n "$(version)" ]
check $? "and the next round works"

# Every so often; a round that fails is followed by others.
before=$(lines)
WICK_RETRAIN_SPEED=14400 "$wick" retrain "$work/weak.json" --every 1h >"$work/log" 2>&1 &
retrain=$!
pids="$pids $retrain"
more() { [ "$(lines)" -ge $((before + $1)) ]; }
wait_for more 1
wait_for has_child $retrain
kill -9 "$(child_of $retrain)" 2>/dev/null
wait_for more 3
check $? "rounds follow each other, also after one that failed"
kill "$retrain"
wait "$retrain"
[ $? -eq 0 ] || [ $? -eq 1 ]
check $? "it stops when it is told to"
for every in 1h 1d 1w; do
    timeout 20 "$wick" retrain "$work/none.json" --every $every >"$work/log" 2>&1
    [ $? -eq 2 ] || [ $? -eq 1 ] || break
    grep -q 'none.json' "$work/log" || break
done
check $? "hours, days and weeks are understood"
"$wick" retrain "$work/good.json" --every 6x >"$work/log" 2>&1
[ $? -ne 0 ] && grep -q '6x' "$work/log"
check $? "anything else is told"
"$wick" retrain "$work/good.json" --once --rollback >"$work/log" 2>&1
[ $? -eq 2 ] && grep -q 'choose one' "$work/log"
check $? "two wishes at once are refused"
# After all of these rounds: the champion, the one before, one older of keep 2; and one challenger at most.
published=$(find "$work" -maxdepth 1 -name 'champion*' -type d | wc -l) runs=$(find "$work/re" -name model.json | wc -l)
[ "$published" -ge 2 ] && [ "$published" -le 3 ] && [ "$runs" -le 1 ]
check $? "old models do not pile up ($published published, $runs trained)"
kill "$serve"
wait "$serve"
check $? "the service stops"
done_testing
