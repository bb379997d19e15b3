#!/usr/bin/env bash
# `wick live` in real time: bars of one second from the local venue's public stream, orders over its REST,
# fills over its private stream. Entries with their exits at rest, a kill -9 while a position is open, a
# person who wants to be flat, an orderly end; then venue, journal and table of trades agree to the cent.
# The venue's prices are a walk, the model has learned another one by heart: it trades, and it loses.
# With `limit` entries rest, and the venue and its streams have faults. WICK_KILLS says how often it is killed.
# usage: test_live_realtime.sh WICK TEST_VENUE AGREE delta|kraken [limit]
set -uo pipefail
wick=$1 test_venue=$2 agree=$3 venue=$4 entry=${5:-market}
source "$(dirname "$0")/live_seconds.sh"

venue_up
history
configure live
start
until_ 60 has_fills 4 && alive
check $? "bars close, signals lead to orders, orders to fills"
until_ 60 has_exit && alive
check $? "an exit that rested at the venue was touched"
until_ 10 all_told && alive && grep -q "topic=account.stream.*open=1" "$work/log$runs"
check $? "the private stream tells the bot of each fill" # polls are further apart than this test is long

for kill in $(seq "${WICK_KILLS:-1}"); do
    until_ 60 is_open && alive
    check $? "a position is open"
    kill -9 $bot
    wait $bot 2>/dev/null
    held=$(position | tr '\n' ' ')
    echo "# killed with $held$(resting | tr '\n' ' ')"
    if [ "$venue" = delta ] && [ -n "$held" ]; then
        resting | grep -q stop_loss
        check $? "its stop rests at the venue while the bot is dead"
    fi
    start
    until_ 60 logged "reconciled:" && alive
    check $? "a bot that was killed asks the venue and goes on"
done
before=$(fills)
until_ 60 has_fills $((before + 2)) && alive
check $? "it trades on"
ctl flat all
check $? "a person wants to be flat"
until_ 30 is_flat && alive
check $? "it is flat"
# An entry may have filled before its cancel came: that is left too.
before=$(steps)
until_ 30 has_steps $((before + 4)) && until_ 30 is_flat && alive
check $? "so is what filled before its cancel came"
before=$(steps)
until_ 30 has_steps $((before + 2)) && alive && is_flat && [ -z "$(resting)" ]
check $? "it stays flat, and nothing rests at the venue"
ctl clear all
until_ 60 is_open && alive
check $? "it trades again when the wish is taken back"
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
bot=
sed 's/^/# /' "$work/out$runs"

# ---- do they agree? ----

venue_down
check $? "the venue saw no violation"
sort "$work/venue/err" | uniq -c | sort -rn | head -5 | cut -c1-200 | sed 's/^/# /'
"$wick" journal export "$work/$name" --json --out "$work/journal.json" 2>"$work/log"
check $? "the journal is exported"
"$agree" "$work/venue/state.json" "$work/journal.json" "$work/$name/trades.csv" $longest 10000 >"$work/agreed" 2>&1
check $? "venue, journal and table of trades agree"
sed 's/^/# /' "$work/agreed"
[ "$(awk 'END { print NR - 1 }' "$work/$name/trades.csv")" -ge 3 ]
check $? "there was something to agree on"
done_testing
