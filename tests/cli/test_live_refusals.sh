#!/usr/bin/env bash
# What `wick live` does in real time when it should not, or cannot, trade: a clock that the venue would not take, slots that
# buy less than the venue sells, Kraken's dry run, and a disk that becomes full while a position is open. One clear error, no
# entry, and what is open stays protected. usage: test_live_refusals.sh WICK TEST_VENUE AGREE delta|kraken
set -uo pipefail
wick=$1 test_venue=$2 agree=$3 venue=$4 entry=market
source "$(dirname "$0")/live_seconds.sh"
ended() { ! alive; }
orders_of() { state | sed 's/"fills":.*//' | grep -o '"client_id":"wk' | wc -l; }
refused() { # TEXT NAME
    local status=0
    until_ 30 ended && ! wait $bot && cat "$work/out$runs" "$work/log$runs" | grep -q -- "$1" && [ "$(orders_of)" -eq 0 ]
    status=$?
    bot=
    check $status "refused, and no order sent: $2"
}

venue_up --skew-ms 60000
history
configure clock
start
refused "clock is [0-9.]* s behind that of" "a clock a minute behind the venue's"
venue_down
check $? "the venue saw no violation"
venue_up --skew-ms -60000
configure clock
start
refused "clock is [0-9.]* s ahead of that of" "a clock a minute ahead of it"
venue_down
check $? "the venue saw no violation"

venue_up
configure small ', "trade.slots=5000"'
start
refused "is a size below the venue's minimum" "slots of two dollars"

if [ "$venue" = kraken ]; then
    checked() { ! alive || [ "$(grep -c AddOrder "$work/venue/requests.log")" -ge 3 ]; }
    configure dry
    start --validate
    until_ 60 checked && alive
    check $? "a dry run has its orders checked"
    kill -TERM $bot
    wait $bot
    check $? "and ends when it is told to"
    bot=
    [ "$(orders_of)" -eq 0 ] && [ "$(fills)" -eq 0 ]
    check $? "none of them was placed"
fi

# ---- a disk that is full while a position is open ----

trap '' XFSZ # a full disk is no signal
history
configure full ', "trade.hold_bars=3", "trade.take_profit=0.001", "trade.stop_loss=0.001"'
start
until_ 60 is_open && alive
check $? "a position is open"
prlimit --fsize=1:unlimited --pid $bot
until_ 30 logged "topic=journal.*problem=" && alive
check $? "the journal says that the disk is full"
until_ 30 logged "topic=trade.held_back" && alive
check $? "entries are held back"
# What had its row before the disk was full may still be on its way.
entries() { state | sed 's/"fills":.*//' | grep -o '"client_id":"wk[^}]*"reduce_only":false' | wc -l; }
steady() {
    before=$(entries)
    sleep 1
    [ "$before" -gt 0 ] && [ "$(entries)" -eq "$before" ]
}
until_ 30 steady
ctl flat all
until_ 30 is_flat && alive
check $? "exits go out all the same"
[ "$(entries)" -eq "$before" ]
check $? "and entries do not"
prlimit --fsize=unlimited:unlimited --pid $bot
until_ 30 logged "topic=journal.*problem=none" && alive
check $? "there is room again"
ctl clear all
until_ 60 is_open && alive
check $? "it trades again"
ctl flat all
until_ 30 is_flat && alive
check $? "it is flat for the end"
until_ 30 all_told && alive
check $? "and knows that"
before=$(steps)
until_ 30 has_steps $((before + 2)) && alive
check $? "a step closes on that"
kill -TERM $bot
wait $bot
check $? "it stops when it is told to"
start # the table missed what ended while the disk was full: a start writes it anew
before=$(steps)
until_ 30 has_steps $((before + 1)) && alive
check $? "it starts again"
kill -TERM $bot
wait $bot
check $? "and stops"
bot=
venue_down
check $? "the venue saw no violation"
"$wick" journal export "$work/$name" --json --out "$work/journal.json" 2>"$work/log"
"$agree" "$work/venue/state.json" "$work/journal.json" "$work/$name/trades.csv" $longest 10000 >"$work/agreed" 2>&1
check $? "venue, journal and table of trades agree"
sed 's/^/# /' "$work/agreed"
done_testing
