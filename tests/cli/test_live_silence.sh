#!/usr/bin/env bash
# A feed that falls silent while entries wait at the venue: `wick live` takes them back, says so, and goes on when bars
# come again. Then it dies for good. The feed is a venue of its own, so that it can be stopped and killed alone.
# usage: test_live_silence.sh WICK TEST_VENUE
set -uo pipefail
wick=$1 test_venue=$2 venue=delta entry=limit
source "$(dirname "$0")/live_seconds.sh"
script=()
feed_pid=
trap 'exec 2>/dev/null; kill -9 $feed_pid; for p in $bot $venue_pid; do kill $p; done; wait; rm -rf "$work"' EXIT # a stopped feed hears nothing else
feed_up() { # OPTION...: its streams, at $feed_port
    rm -rf "$work/feed"
    mkdir "$work/feed"
    "$test_venue" --trade delta --dir "$work/feed" --busy 600 --history-s 3600 --ahead-s 900 --port-file "$work/feed/port" \
        --seconds 250 "$@" </dev/null >"$work/feed/out" 2>"$work/feed/err" &
    feed_pid=$!
    until_ 30 test -s "$work/feed/port"
    check $? "the feed runs"
    feed_port=$(cat "$work/feed/port")
}
entries() { resting | grep -c none; }
waits() { ! alive || [ "$(entries)" -ge 1 ]; }
waits_no_more() { ! alive || [ "$(entries)" -eq 0 ]; }

venue_up
feed_up
history
# Limits so far away that they wait for ever.
configure silent ', "trade.stale_bars=5", "trade.limit_offset_sigma=8", "trade.limit_expiry_bars=0", "trade.cancel_on_flip=false"'
sed -i "s#wss://localhost:$port#wss://localhost:$feed_port#; s#venue/ca.pem#feed/ca.pem#; s#\"ping_s\"#\"silence_s\": 3, \"ping_s\"#" "$work/feed.json"
start
until_ 60 waits && alive
check $? "entries wait at the venue"
grep -q "topic=bot.warm_up steps=.* newest_missing=" "$work/log$runs" && ! grep -q "forecasts begin later" "$work/log$runs"
check $? "a start after the newest bar's close is no lack of history"
kill -STOP $feed_pid # its connections stay, and say nothing
silence="topic=trade.feed no bar since .*waiting entries are taken back"
until_ 60 logged "$silence" && alive
check $? "the feed's silence is told"
until_ 30 waits_no_more && alive
check $? "and nothing waits at the venue any more"
"$wick" journal show "$work/silent" --kind alert 2>/dev/null | grep -q "no bar since" &&
    "$wick" journal show "$work/silent" --kind note | grep -q "feed: no bar since"
check $? "the journal has it, people too"
! grep -q "bars come again" "$work/log$runs"
check $? "until then nobody is told of bars"
kill -CONT $feed_pid
until_ 60 logged "topic=trade.feed bars come again, after [0-9]* s without one" && alive
check $? "when bars come again that is told"
until_ 60 waits && alive
check $? "and entries wait at the venue again"
"$wick" journal show "$work/silent" --kind alert 2>/dev/null | grep -q "bars come again"
check $? "people know that too"
times=$(grep -c "$silence" "$work/log$runs")
kill -9 $feed_pid
wait $feed_pid 2>/dev/null
anew() { ! alive || [ "$(grep -c "$silence" "$work/log$runs")" -gt "$times" ]; }
until_ 60 anew && until_ 30 waits_no_more && alive
check $? "a feed that dies is told anew, and what waits is taken back"
kill -TERM $bot
wait $bot
check $? "it stops when it is told to"
bot=
venue_down
check $? "the venue saw no violation"
done_testing
