# Shared by the tests of wick live in real time: a venue whose prices are a walk, a model of seconds that has learned
# another walk by heart (it trades, and it loses), history up to now, and questions to both sides.
# To be sourced with $wick, $test_venue, $venue (delta or kraken) and $entry (market or limit: then there are faults).
source "$(dirname "$0")/../tap.sh"
explain() {
    tail -n 5 "$work/log"
    tail -n 8 "$work/log$runs"
}
work=$(mktemp -d)
venue_pid= bot=
trap 'exec 2>/dev/null; for p in $bot $venue_pid; do kill $p; done; wait; [ -n "${WICK_KEEP:-}" ] && cp -r "$work" "$WICK_KEEP"; rm -rf "$work"' EXIT
export WICK_HOME=$work/home
unset WICK_DATA
runs=0
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

# until SECONDS COMMAND...: true as soon as the command is
until_() {
    local end=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt $end ] || return 1
        sleep 0.1
    done
}

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
# venue_up OPTION...: listens on $port; venue_down ends it.
venue_up() {
    rm -rf "$work/venue"
    mkdir "$work/venue"
    "$test_venue" "${script[@]}" --trade "$venue" --dir "$work/venue" --busy 600 --history-s 3600 --ahead-s 900 --rate-scale 10 \
        --port-file "$work/venue/port" --state-file "$work/venue/state.json" --seconds 250 "$@" </dev/null \
        >"$work/venue/out" 2>"$work/venue/err" &
    venue_pid=$!
    until_ 30 test -s "$work/venue/port"
    check $? "the venue runs"
    [ $failed -eq 0 ] || done_testing
    port=$(cat "$work/venue/port")
}
venue_down() {
    local status
    kill $venue_pid
    wait $venue_pid
    status=$?
    venue_pid=
    return $status
}

history() { # a walk of bars up to now
    local now
    now=$(date +%s)
    rm -rf "$work/csv" "$work/store"
    mkdir "$work/csv"
    walk 11 $first 0.5 "$now" >"$work/csv/BTCUSD-1s.csv"
    walk 12 $second 0.05 "$now" >"$work/csv/ETHUSD-1s.csv"
    "$wick" import "$work"/csv/BTCUSD-1s.csv "$work"/csv/ETHUSD-1s.csv --venue $named --store "$work/store" >"$work/log" 2>&1
    check $? "there is history to warm up on"
}

# configure NAME [SETTINGS]: its configuration, $work/NAME.json; SETTINGS are more strings of `set`
configure() {
    cat >"$work/feed.json" <<JSON
{ "venues": [{ "name": "$named", "dialect": "$dialect", "url": "wss://localhost:$port$path",
    "symbols": $stream, "candles": false, "ping_s": 1, "backoff_min_ms": 50, "connects_max": 1000 }],
  "timeframes": ["1s"], "close_grace_ms": 200, "store": "$work/store", "ca_file": "$work/venue/ca.pem", "repair": false }
JSON
    cat >"$work/$1.json" <<JSON
{ "name": "seconds", "models": [{ "dir": "$work/run/model" }], "dir": "$work/$1", "venue": "$named", "initial_cash": 10000,
  "markets": [$list], "feed": "$work/feed.json", "patience_s": 0.3,
  "set": ["trade.entry=$entry", "trade.limit_offset_sigma=0", "trade.limit_expiry_bars=2", "trade.reprice_max=1"${2:-}],
  "account": { "name": "mine", "rest": "https://localhost:$port", "stream": "wss://localhost:$port",
               "ca_file": "$work/venue/ca.pem", "key_prefix": "WICK_NOW", "timeout_s": 1, "poll_s": $poll } }
JSON
    name=$1
}
export WICK_NOW_KEY=WICKTESTKEY WICK_NOW_SECRET=$secret
# start OPTION...: the bot of the newest configuration, in the background
start() {
    runs=$((runs + 1))
    "$wick" live "$work/$name.json" --real-money mine --i-accept-not-useful --json "$@" >"$work/out$runs" \
        2> >(cat >"$work/log$runs") </dev/null &
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
told() { "$wick" journal export "$work/$name" --csv --kind fill 2>/dev/null | tail -n +2 | wc -l; }
all_told() { ! alive || [ "$(told)" -ge "$(fills)" ]; }
steps() { "$wick" journal export "$work/$name" --csv --kind equity 2>/dev/null | wc -l; }
has_steps() { ! alive || [ "$(steps)" -ge "$1" ]; }
ctl() { "$wick" ctl "$work/$name.json" "$@" >"$work/log" 2>&1; }
