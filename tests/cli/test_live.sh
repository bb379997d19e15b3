#!/usr/bin/env bash
# A bot at the local venue: what it refuses, a rehearsal killed on the way, and that its books, the
# venue's and the table of trades agree. usage: test_live.sh WICK VENUE ROOT
set -uo pipefail
source "$(dirname "$0")/../tap.sh"
wick=$1 venue=$2 root=$3
work=$(mktemp -d)
venue_pid=
finish() {
    [ -n "$venue_pid" ] && kill "$venue_pid" 2>/dev/null
    wait 2>/dev/null
    [ -n "${KEEP:-}" ] || rm -rf "$work"
}
trap finish EXIT
export WICK_HOME=$work/home
unset WICK_DATA WICK_DELTA_INDIA_KEY WICK_DELTA_INDIA_SECRET

# Two markets that wander; the model learns them by heart, and that makes it trade.
mkdir -p "$work/data/somewhere"
for market in 1:AAAUSD:100 2:BBBUSD:20; do
    IFS=: read -r seed name price <<<"$market"
    awk -v seed="$seed" -v price="$price" 'BEGIN {
        srand(seed)
        print "time,open,high,low,close,volume"
        for (t = 0; t < 2600; t++) {
            o = price; hi = o; lo = o
            for (k = 0; k < 8; k++) {
                price *= 1 + (rand() - 0.5) * 0.004
                if (price > hi) hi = price
                if (price < lo) lo = price
            }
            printf "%d,%.2f,%.2f,%.2f,%.2f,%.1f\n", 1704067200 + 900 * t, o, hi, lo, price, 100 * rand() + 1
        }
    }' | gzip >"$work/data/somewhere/$name-15m.csv.gz"
done
cat >"$work/experiment.json" <<JSON
{ "name": "heart", "seed": 3,
  "data": { "source": "files", "root": "$work/data", "venue": "somewhere", "symbols": ["AAAUSD", "BBBUSD"],
            "timeframe": "15m", "ticks": [0.01, 0.01], "lots": [0.001, 0.001] },
  "features": { "families": ["momentum", "volatility", "calendar"], "anchor_bars": 512, "warmup_bars": 400,
                "warmup_valid_bars": 100 },
  "labels": { "judge_bars": 8 },
  "split": { "forecast_from_fraction": 0.5, "refit_months": 2, "row_stride": 1, "branch_generations": 1 },
  "branches": [],
  "meta": { "score": "direction", "params": { "num_boost_round": 30, "max_depth": 5 } },
  "trade": { "policy": "threshold", "threshold": 0.1, "stop_kind": "sigma24", "stop_loss": 0.5, "take_profit": 0.7,
             "hold_bars": 12, "slots": 2 },
  "sim": { "fees": "futures", "slippage_bps": 1 } }
JSON
"$wick" train "$work/experiment.json" --out "$work/run" >"$work/log" 2>&1
check $? "a model is trained"

mkdir "$work/venue"
"$venue" --trade delta --dir "$work/venue" --candles "$work/data/somewhere" --virtual-time --rate-scale -1 \
    --stop-after 600 >"$work/venue.json" 2>"$work/log" </dev/zero &
venue_pid=$!
for _ in $(seq 300); do
    [ -s "$work/venue.json" ] && break
    sleep 0.1
done
url=$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' "$work/venue.json")
[ -n "$url" ]
check $? "the local venue is up"

# bot FILE JSON... : the rest of the configuration comes first, so that a key may be left out there
bot() {
    cat >"$work/$1.json" <<JSON
{ "name": "test", "models": [{ "dir": "$work/${MODEL:-run/model}" }], "dir": "$work/$1", "reload_s": 0,
  "venue": "delta-india", "initial_cash": 10000, $2
  "account": { "name": "mine", "rest": "${URL:-$url}", "ca_file": "$work/venue/ca.pem", "leverage": 10$3 } }
JSON
}
live() { "$wick" live "$work/$1.json" --candles "${@:2}" >"$work/log" 2>&1; }
refused() { # STATUS TEXT NAME
    [ "$1" -ne 0 ] && grep -q -- "$2" "$work/log"
    check $? "refused: $3"
}

export KEYS_KEY=WICKTESTKEY KEYS_SECRET=7b6f39dcf660ec1c7c664f612c60410a2bd0c258416b498bf0311f94228f
prefix=', "key_prefix": "KEYS"'
bot plain "" "$prefix"
live plain
refused $? "this trades real money: say so with --real-money mine" "real money that nobody asked for"
live plain --real-money other
refused $? "the configuration's account is \"mine\"" "another account's name"
live plain --real-money mine
refused $? "has no verdict" "a model without a verdict"
echo '{ "useful": false }' >"$work/run/model/verdict.json"
live plain --real-money mine
refused $? "NOT USEFUL" "a model that is NOT USEFUL"
echo '{ "useful": true }' >"$work/run/model/verdict.json"
bot nokeys "" ""
live nokeys --real-money mine
refused $? "WICK_DELTA_INDIA_KEY is neither in the environment" "missing keys"
bot nofile "" ", \"env_file\": \"$work/none\""
live nofile --real-money mine
refused $? "none: No such file or directory, and the environment lacks the keys" "a file of keys that is not there"
printf 'WICK_DELTA_INDIA_KEY=%s\nWICK_DELTA_INDIA_SECRET=%s\n' "$KEYS_KEY" "$KEYS_SECRET" >"$work/env"
chmod 644 "$work/env"
bot readable "" ", \"env_file\": \"$work/env\""
live readable --real-money mine
refused $? "chmod 600" "keys that others can read"
bot unknown '"markets": [{ "symbol": "AAAUSD", "trade": "NONEUSD" }, { "symbol": "BBBUSD" }],' "$prefix"
live unknown --real-money mine
refused $? "does not know the market NONEUSD" "an unknown symbol"
bot small '"markets": [{ "symbol": "AAAUSD", "lot_min": 1e-9 }, { "symbol": "BBBUSD" }],' "$prefix"
live small --real-money mine
refused $? "a size below the venue's minimum" "a size below the venue's minimum"
URL=https://api.example.org bot far "" "$prefix"
live far --real-money mine
refused $? "must be hosts of this machine" "a rehearsal at another machine"
URL=http://api.example.org bot plaintext "" "$prefix"
live plaintext --real-money mine
refused $? "account.rest is http://api.example.org; write https" "keys and orders without TLS"
for host in api.india.delta.exchange API.kraken.com:443; do
    URL=https://$host bot mainnet '"testnet": true,' "$prefix"
    "$wick" live "$work/mainnet.json" >"$work/log" 2>&1
    refused $? "testnet: true, but account.rest is https://$host, where orders cost real money" "a testnet that is none"
done
URL=https://localhost:1 bot away "" "$prefix"
live away --real-money mine
refused $? "delta-india does not tell its markets: .*Connection refused" "a venue that is away, by its name"
live plain --real-money mine --speed 5
refused $? "--speed is of a --replay" "a speed of nothing"
cp -r "$work/run/model" "$work/other"
sed -i 's/"feature_hash": "../"feature_hash": "zz/' "$work/other/model.json"
MODEL=other bot features "" "$prefix"
live features --real-money mine
refused $? "feature" "a model of other features"
bot bad '"venue_name": 1,' "$prefix"
live bad --real-money mine
refused $? "venue_name" "an unknown key"
bot full "" "$prefix"
(
    trap '' XFSZ
    ulimit -f 40
    live full --real-money mine
)
refused $? "journal" "a disk that is full under the journal"
curl -s --cacert "$work/venue/ca.pem" "$url/control/state" >"$work/state.json"
grep -q '"orders":\[\]' "$work/state.json"
check $? "no order was sent by then"

# The rehearsal, killed on the way; a wish of a person; the end.
bot real "" "$prefix"
for pause in 0.4 0.7 1.1; do
    # timeout -s KILL dies with its child and before it: only our own child's end can be waited for.
    "$wick" live "$work/real.json" --real-money mine --candles >>"$work/all" 2>&1 &
    bot=$!
    sleep "$pause"
    kill -9 $bot
    wait $bot
done 2>/dev/null
live real --real-money mine --json
check $? "a rehearsal that was killed three times goes on to its end"
cat "$work/log" >>"$work/all"
curl -s --cacert "$work/venue/ca.pem" "$url/control/state" >"$work/state.json"
"$wick" journal export "$work/real" --csv --kind fill --out "$work/fills.csv" >"$work/log" 2>&1
column() { awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print $c }' "$1"; }
fills=$(column "$work/fills.csv" venue_id | wc -l)
[ "$fills" -gt 100 ] && [ "$fills" -eq "$(column "$work/fills.csv" venue_id | sort -u | wc -l)" ] &&
    grep -q "\"fills\":" "$work/state.json"
check $? "every fill is in the journal once ($fills)"
# The wallet moves when a trip ends, and by every fee.
ours=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) col[$i] = i; next }
    { m = $col["symbol"]; s = $col["side"] == "buy" ? -1 : 1; fees += $col["fee"]
      cash[m] += s * $col["quantity"] * $col["price"]; held[m] -= s * $col["quantity"]
      if (held[m] < 1e-9 && held[m] > -1e-9) { total += cash[m]; cash[m] = 0 } }
    END { printf "%.2f", 10000 + total - fees }' "$work/fills.csv")
theirs=$(sed -n 's/.*"balances":{"USD":"\([0-9.]*\)".*/\1/p' "$work/state.json")
[ "$ours" = "$(printf '%.2f' "$theirs")" ]
check $? "journal and venue agree to the cent ($ours and $theirs)"
table=$(awk -F, 'NR > 1 { net += $13 } END { printf "%.2f", 10000 + net }' "$work/real/trades.csv")
trips=$(awk 'END { print NR - 1 }' "$work/real/trades.csv")
# A trip that is open has paid a fee and stands in no table yet.
[ "$trips" -gt 100 ] && awk -v a="$table" -v b="$ours" 'BEGIN { d = a - b; exit !(d > -0.02 && d < 20) }'
check $? "the table of trades agrees ($trips trades, $table)"
[ "$(sed 's/"fills":.*//' "$work/state.json" | grep -o '"client_id":"wk[0-9a-f]*"' | sort | uniq -d | wc -l)" -eq 0 ]
check $? "no order was sent twice"
[ "$(grep -vc "NONEUSD" "$work/venue/violations.txt")" -eq 0 ]
check $? "the venue found nothing wrong with any request"
"$wick" explain last --journal "$work/real" >"$work/log" 2>&1 && grep -q "life of the order" "$work/log"
check $? "an order at the venue is explained"
cp "$work/real/trades.csv" "$work/before.csv"
head -c -20 "$work/before.csv" >"$work/real/trades.csv"
live real --real-money mine --json && cmp -s "$work/before.csv" "$work/real/trades.csv" && grep -q '"steps": 0,' "$work/log"
check $? "a second start trades nothing twice and mends the table"
! grep -rqF -e "$KEYS_SECRET" -e "$KEYS_KEY" "$work/real" "$work/all" "$work/log"
check $? "the keys are in no output"

# `wick paper` with testnet: true: real orders at the testnet, here a fresh venue, with neither flag nor verdict.
kill "$venue_pid" 2>/dev/null
wait "$venue_pid" 2>/dev/null
rm -rf "$work/venue" "$work/run/model/verdict.json"
mkdir "$work/venue"
"$venue" --trade delta --dir "$work/venue" --candles "$work/data/somewhere" --virtual-time --rate-scale -1 \
    --port-file "$work/venue/port" --stop-after 600 >"$work/venue.json" 2>"$work/log" </dev/zero &
venue_pid=$!
for _ in $(seq 300); do
    [ -s "$work/venue/port" ] && break
    sleep 0.1
done
url=https://localhost:$(cat "$work/venue/port")
bot testnet '"testnet": true,' ""
export WICK_DELTA_INDIA_TESTNET_KEY=$KEYS_KEY WICK_DELTA_INDIA_TESTNET_SECRET=$KEYS_SECRET
"$wick" paper "$work/testnet.json" --candles --json >"$work/log" 2>&1
status=$?
curl -s --cacert "$work/venue/ca.pem" "$url/control/state" >"$work/state.json"
there=$(sed 's/"fills":.*//' "$work/state.json" | grep -o '"client_id":"wk[0-9a-f]*"' | sort -u | wc -l)
[ $status -eq 0 ] && [ "$there" -gt 100 ] && [ "$(wc -l <"$work/testnet/trades.csv")" -gt 100 ]
check $? "wick paper with testnet: true sends its orders there ($there)"
[ ! -s "$work/venue/violations.txt" ]
check $? "and the venue found nothing wrong with any"
kill "$venue_pid" 2>/dev/null
done_testing
