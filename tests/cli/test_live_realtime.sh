#!/usr/bin/env bash
# `wick live` in real time: bars of one second from the local venue's public stream, orders over its REST,
# fills over its private stream. Entries with their exits at rest, a kill -9 while a position is open, a
# person who wants to be flat, an orderly end; then venue, journal and table of trades agree to the cent.
# The venue's prices are a walk, the model has learned another one by heart: it trades, and it loses.
# With `limit` entries rest, and the venue and its streams have faults. WICK_KILLS says how often it is killed.
# usage: test_live_realtime.sh WICK TEST_VENUE AGREE delta|kraken [limit]
set -uo pipefail
wick=$1 test_venue=$2 agree=$3 venue=$4 entry=${5:-market}
work=$(mktemp -d)
venue_pid= bot=
trap 'exec 2>/dev/null; for p in $bot $venue_pid; do kill $p; done; wait; [ -n "${WICK_KEEP:-}" ] && cp -r "$work" "$WICK_KEEP"; rm -rf "$work"' EXIT
export WICK_HOME=$work/home
unset WICK_DATA
n=0 failed=0 runs=0
check() {
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        failed=1
        echo "not ok $n - $2"
        tail -5 "$work/log" 2>/dev/null | sed 's/^/# /'
        [ -f "$work/log$runs" ] && tail -8 "$work/log$runs" | sed 's/^/# /'
    fi
}
done_testing() {
    echo "1..$n"
    exit $failed
}

if [ "$venue" = delta ]; then
    orders=/v2/orders fills=/v2/fills all=/v2/ told=v2/user_trades
    named=delta-india dialect=delta_public path=/
    secret=7b6f39dcf660ec1c7c664f612c60410a2bd0c258416b498bf0311f94228f
    markets="BTCUSD ETHUSD" stream='["BTCUSD", "ETHUSD"], "contract_values": [0.001, 0.01]'
    list='{ "symbol": "BTCUSD" }, { "symbol": "ETHUSD" }'
    longest=0 near=0.0002
else
    orders=/0/private/AddOrder fills=/0/private/TradesHistory all=/0/private/ told=executions
    named=kraken dialect=kraken path=/v2
    secret='kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=='
    markets="XXBTZUSD XETHZUSD" stream='["BTC/USD", "ETH/USD"]'
    list='{ "symbol": "XXBTZUSD", "feed": "kraken:BTCUSD", "trade": "BTCUSD" },
          { "symbol": "XETHZUSD", "feed": "kraken:ETHUSD", "trade": "ETHUSD" }'
    near=0.00002 # its ticks are smaller
    longest=30 # between an entry's fill and its stop, and while the bot is dead
fi
poll=600 # the private stream has to do
[ "$entry" = limit ] && poll=1 # but frames are lost
first=90234.5 second=3123.45

# ---- a model ----

walk() { # SEED PRICE STEP END: bars of a second up to END, ten trades each
    awk -v seed="$1" -v price="$2" -v tick="$3" -v end="$4" 'BEGIN {
        srand(seed)
        print "time,open,high,low,close,volume"
        for (t = end - 2400; t < end; t++) {
            o = price; hi = o; lo = o
            for (k = 0; k < 10; k++) {
                price += (int(rand() * 15) - 7) * tick
                if (price > hi) hi = price
                if (price < lo) lo = price
            }
            printf "%d,%.2f,%.2f,%.2f,%.2f,%.1f\n", t, o, hi, lo, price, 100 * rand() + 1
        } }'
}
mkdir -p "$work/data/walk"
set -- $markets
walk 1 $first 0.5 1750000000 | gzip >"$work/data/walk/$1-1s.csv.gz"
walk 2 $second 0.05 1750000000 | gzip >"$work/data/walk/$2-1s.csv.gz"
cat >"$work/model.json" <<JSON
{ "name": "seconds", "seed": 3,
  "data": { "source": "files", "root": "$work/data", "venue": "walk", "symbols": ["$1", "$2"], "timeframe": "1s",
            "ticks": [0.01, 0.01], "lots": [0.001, 0.001] },
  "features": { "families": ["momentum", "volatility"], "anchor_bars": 256, "warmup_bars": 200, "warmup_valid_bars": 50 },
  "labels": { "judge_bars": 4 },
  "split": { "forecast_from_fraction": 0.5, "refit_months": 1, "row_stride": 1, "branch_generations": 0,
             "early_stop_fraction": 0, "calibration_fraction": 0, "policy_fraction": 0 },
  "branches": [],
  "meta": { "score": "targets", "targets": [{ "kind": "bounded", "horizon_bars": 4, "bound": 0.0003 }],
            "scale_days": 0.005, "scale_min_days": 0.0005, "seeds": 1, "params": { "num_boost_round": 30, "max_depth": 5 } },
  "trade": { "policy": "threshold", "threshold": 0.02, "stop_kind": "fraction", "stop_loss": $near, "take_profit": $near,
             "hold_bars": 6, "slots": 4 },
  "sim": { "fees": "futures", "slippage_bps": 1 } }
JSON
"$wick" train "$work/model.json" --out "$work/run" >"$work/log" 2>&1
check $? "a model is trained"
[ $failed -eq 0 ] || done_testing

# ---- the venue ----

mkdir "$work/venue"
script=()
if [ "$entry" = limit ]; then
    cat >"$work/faults.json" <<JSON
{ "rest": [ { "path": "$orders", "method": "POST", "every": 7, "fault": "timeout-after" },
            { "path": "$orders", "method": "POST", "every": 11, "fault": "cut-before" },
            { "path": "$orders", "method": "POST", "nth": [3, 13], "fault": "partial", "share": 0.4, "seconds": 1 },
            { "path": "$fills", "every": 5, "fault": "503" },
            { "path": "$all", "every": 23, "fault": "cut-body" } ],
  "ws": [ { "channel": "$told", "nth": [4, 40], "fault": "close" }, { "channel": "$told", "every": 6, "fault": "drop" },
          { "channel": "$told", "every": 9, "fault": "duplicate" } ] }
JSON
    script=(--script "$work/faults.json")
fi
"$test_venue" "${script[@]}" --trade "$venue" --dir "$work/venue" --busy 600 --history-s 3600 --ahead-s 900 --rate-scale 10 --port-file "$work/venue/port" \
    --state-file "$work/venue/state.json" --seconds 200 </dev/null >"$work/venue/out" 2>"$work/venue/err" &
venue_pid=$!
# until SECONDS COMMAND...: true as soon as the command is
until_() {
    local end=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt $end ] || return 1
        sleep 0.1
    done
}
until_ 30 test -s "$work/venue/port"
check $? "the venue runs"
[ $failed -eq 0 ] || done_testing
port=$(cat "$work/venue/port")

# ---- the bot ----

now=$(date +%s)
mkdir "$work/csv"
walk 11 $first 0.5 "$now" >"$work/csv/$1-1s.csv"
walk 12 $second 0.05 "$now" >"$work/csv/$2-1s.csv"
if [ "$venue" = kraken ]; then
    mv "$work/csv/$1-1s.csv" "$work/csv/BTCUSD-1s.csv"
    mv "$work/csv/$2-1s.csv" "$work/csv/ETHUSD-1s.csv"
fi
"$wick" import "$work"/csv/BTCUSD-1s.csv "$work"/csv/ETHUSD-1s.csv --venue $named --store "$work/store" >"$work/log" 2>&1
check $? "there is history to warm up on"
cat >"$work/feed.json" <<JSON
{ "venues": [{ "name": "$named", "dialect": "$dialect", "url": "wss://localhost:$port$path",
    "symbols": $stream, "candles": false, "ping_s": 1, "backoff_min_ms": 50, "connects_max": 1000 }],
  "timeframes": ["1s"], "close_grace_ms": 200, "store": "$work/store", "ca_file": "$work/venue/ca.pem", "repair": false }
JSON
cat >"$work/live.json" <<JSON
{ "name": "seconds", "models": [{ "dir": "$work/run/model" }], "dir": "$work/bot", "venue": "$named", "initial_cash": 10000,
  "markets": [$list], "feed": "$work/feed.json", "patience_s": 0.3,
  "set": ["trade.entry=$entry", "trade.limit_offset_sigma=0", "trade.limit_expiry_bars=2", "trade.reprice_max=1"],
  "account": { "name": "mine", "rest": "https://localhost:$port", "stream": "wss://localhost:$port",
               "ca_file": "$work/venue/ca.pem", "key_prefix": "WICK_NOW", "timeout_s": 1, "poll_s": $poll } }
JSON
export WICK_NOW_KEY=WICKTESTKEY WICK_NOW_SECRET=$secret
start() {
    runs=$((runs + 1))
    "$wick" live "$work/live.json" --real-money mine --i-accept-not-useful --json >"$work/out$runs" 2>"$work/log$runs" </dev/null &
    bot=$!
}
alive() { kill -0 "$bot" 2>/dev/null; }
state() { curl -s --max-time 5 --cacert "$work/venue/ca.pem" "https://localhost:$port/control/state"; }
fills() { state | grep -o '"fills":.*"markets":' | grep -o '"trigger":' | wc -l; }
has_fills() { ! alive || [ "$(fills)" -ge "$1" ]; }
position() { state | grep -o '"symbol":"[A-Z]*","position":"[-0-9.]*"' | grep -v '"position":"0"'; }
is_open() { ! alive || [ -n "$(position)" ]; }
is_flat() { ! alive || [ -z "$(position)" ]; }
resting() { state | sed 's/"fills":.*//' | grep -o '"trigger":"[a-z_]*","state":"\(open\|pending\)"'; }
has_exit() { ! alive || state | grep -o '"fills":.*"markets":' | grep -qE '"trigger":"(stop_loss|take_profit)"'; }
logged() { ! alive || grep -q "$1" "$work/log$runs"; }
told() { "$wick" journal export "$work/bot" --csv --kind fill 2>/dev/null | tail -n +2 | wc -l; }
all_told() { ! alive || [ "$(told)" -ge "$(fills)" ]; }
steps() { "$wick" journal export "$work/bot" --csv --kind equity 2>/dev/null | wc -l; }
has_steps() { ! alive || [ "$(steps)" -ge "$1" ]; }
ctl() { "$wick" ctl "$work/live.json" "$@" >"$work/log" 2>&1; }

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
before=$(steps)
until_ 30 has_steps $((before + 4)) && alive && is_flat && [ -z "$(resting)" ]
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

kill $venue_pid
wait $venue_pid
check $? "the venue saw no violation"
venue_pid=
sort "$work/venue/err" | uniq -c | sort -rn | head -5 | cut -c1-200 | sed 's/^/# /'
"$wick" journal export "$work/bot" --json --out "$work/journal.json" 2>"$work/log"
check $? "the journal is exported"
"$agree" "$work/venue/state.json" "$work/journal.json" "$work/bot/trades.csv" $longest 10000 >"$work/agreed" 2>&1
check $? "venue, journal and table of trades agree"
sed 's/^/# /' "$work/agreed"
[ "$(awk 'END { print NR - 1 }' "$work/bot/trades.csv")" -ge 3 ]
check $? "there was something to agree on"
done_testing
