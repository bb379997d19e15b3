#!/usr/bin/env bash
# wickd on a small box: a published model, a configuration, the fresh store and nothing else.
# usage: test_wickd.sh WICK WICKD PUT_BARS ROOT
set -uo pipefail
trap "" PIPE # a server that hangs up fails a check, not the script
source "$(dirname "$0")/../tap.sh"
wick=$(realpath "$1") wickd=$(realpath "$2") put_bars=$(realpath "$3") root=$(realpath "$4")
work=$(mktemp -d)
pid=
trap '[ -n "$pid" ] && kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
export WICK_HOME=$work/home
unset WICK_DATA WICK_SERVE_TOKEN

# ---- what it links ----
ldd "$wickd" >"$work/ldd" 2>&1
! grep -qiE 'hdf5|openblas|libgomp|libomp|libmpi' "$work/ldd" && grep -q libc "$work/ldd"
check $? "neither HDF5 nor OpenBLAS nor OpenMP, not even through another library"
! grep -qE 'lib(curl|gnutls|krb5|gssapi|ldap|ssh2|rtmp|psl|nghttp2)' "$work/ldd"
check $? "nor what comes with a client for all protocols"
nm "$wickd" >"$work/nm" 2>"$work/log"
if grep -q wk_forecaster_push "$work/nm"; then
    ! grep -E ' [TtU] (wk_gbdt_train|wk_nn_fit|wk_nn_train[a-z_]*|wk_stage_[a-z]*|wk_meta_train|wk_branch_train|cblas_[a-z]*|H5[A-Z][a-z0-9]*|GOMP_[a-z_]*)$' \
        "$work/nm" >>"$work/log"
    check $? "no code that trains"
else
    skip "no code that trains" "the program has no symbols"
fi
if grep -q asan "$work/ldd"; then
    skip "its size" "the sanitizers' is larger"
else
    strip -o "$work/stripped" "$wickd" && [ "$(stat -c %s "$work/stripped")" -lt 2000000 ]
    check $? "less than 2 MB stripped ($(stat -c %s "$work/stripped"))"
fi

# ---- a workstation trains and publishes; the box has the rest ----
mkdir "$work/box"
"$wick" train "$root/tests/cli/tiny.json" --out "$work/run" --set 'data.synthetic.bars=3000' --set features.anchor_bars=256 \
    --set features.warmup_bars=200 --set features.warmup_valid_bars=100 >"$work/log" 2>&1 &&
    "$wickd" publish "$work/run/model" "$work/box/model" >"$work/log" 2>&1
check $? "a model is published"
cd "$work/box" || exit 1
echo '{ "name": "box", "models": [{ "dir": "model" }], "dir": "bot" }' >bot.json
"$wickd" paper bot.json --candles --json >"$work/a.json" 2>"$work/log"
check $? "wickd paper"
sed 's/"bot"/"bot2"/' bot.json >bot2.json
"$wick" paper bot2.json --candles --json >"$work/b.json" 2>"$work/log"
grep -q '"intents"' "$work/a.json" && cmp -s "$work/a.json" "$work/b.json" && cmp -s bot/paper_trades.csv bot2/paper_trades.csv
check $? "the same inputs, intents and trades as wick paper"
"$wickd" journal show bot --kind fill --limit 3 >"$work/log" 2>&1 && [ "$(wc -l <"$work/log")" -eq 3 ] &&
    "$wickd" explain last --journal bot >"$work/log" 2>&1
check $? "the journal can be read there"
"$wickd" ctl bot.json flat SYN0 --until 2030-01-31T08:00:00Z >"$work/log" 2>&1 && "$wickd" ctl bot.json block all >"$work/log" 2>&1 &&
    "$wickd" ctl bot.json buy SYN1 >"$work/log" 2>&1 && "$wickd" ctl bot.json flat SYN0 --until 2030-01-31 >"$work/log" 2>&1 &&
    [ "$("$wickd" ctl bot.json show | tr '\n' ';')" = "block all;buy SYN1;flat SYN0 until 2030-01-31T00:00:00Z;" ]
check $? "ctl writes a person's wishes"
sed 's/"bot"/"bot3"/' bot.json >bot3.json
mkdir bot3 && "$wickd" ctl bot3.json block all >"$work/log" 2>&1 && "$wickd" paper bot3.json --candles >"$work/c.json" 2>"$work/log" &&
    grep -q 'orders 0 ' "$work/c.json" && "$wickd" journal export bot3 --csv --kind note --out notes.csv && grep -q 'override block all' notes.csv
check $? "and the bot obeys"
"$wickd" ctl bot.json clear all >"$work/log" 2>&1 && [ ! -s bot/overrides ] && ! "$wickd" ctl bot.json buy all >"$work/log" 2>&1 &&
    ! "$wickd" ctl bot.json sit SYN0 >"$work/log" 2>&1 && ! "$wickd" ctl bot.json flat SYN0 --until soon >"$work/log" 2>&1
check $? "clear, and what ctl refuses"
"$wickd" doctor >"$work/log" 2>&1 && grep -q libwebsockets "$work/log"
check $? "doctor"

# ---- the store ----
bars() { # bars FIRST COUNT: two hourly markets
    awk -v first="$1" -v count="$2" 'BEGIN {
        for (i = first; i < first + count; i++)
            for (s = 0; s < 2; s++) {
                a = 100 + 9 * sin(i / 40 + s) + 2 * sin(i * 1.7 + s)
                b = 100 + 9 * sin((i + 1) / 40 + s) + 2 * sin((i + 1) * 1.7 + s)
                printf "SYN%d %d %.4f %.4f %.4f %.4f %.2f\n", s, 1700000000 - 1700000000 % 3600 + i * 3600,
                    a, (a > b ? a : b) + 0.3, (a < b ? a : b) - 0.3, b, 10 + i % 7
            }
    }'
}
bars 0 1500 | "$put_bars" "$work/box/store" demo 3600
check $? "bars arrive in the fresh store"
store=(--set data.source=store --set "data.root=$work/box/store" --set data.venue=demo --set 'data.symbols=["SYN0","SYN1"]')
"$wickd" predict model --out d.csv "${store[@]}" >"$work/log" 2>&1 && [ "$(wc -l <d.csv)" -gt 100 ]
check $? "wickd predict reads them"
"$wick" predict model --out w.csv "${store[@]}" >"$work/log" 2>&1 && cmp -s d.csv w.csv
check $? "and writes what wick predict writes"
"$wickd" predict model --out none.csv "${store[@]}" --set data.venue=other >"$work/log" 2>&1
[ $? -eq 1 ] && grep -q 'no bars of other SYN0 1h' "$work/log"
check $? "a market that is not there is named"

# ---- serve follows the store ----
cat >serve.json <<JSON
{ "port": 0, "models": [{ "name": "tiny", "dir": "model" }], "store": "$work/box/store", "venue": "demo", "poll_s": 0.1 }
JSON
"$wickd" serve serve.json >"$work/url" 2>"$work/log" &
pid=$!
for _ in $(seq 400); do
    grep -q http "$work/url" && break
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
done
port=$(sed 's/.*:\([0-9]*\).*/\1/' "$work/url")
get() { # get PATH: the body
    exec 9<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf 'GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$1" >&9
    timeout 10 cat <&9
    exec 9>&- 9<&-
}
comes() { # comes PATH PATTERN: within 30 s
    for _ in $(seq 300); do
        get "$1" >"$work/answer" 2>/dev/null
        grep -q "$2" "$work/answer" && return 0
        sleep 0.1
    done
    tail -1 "$work/answer" >>"$work/log"
    return 1
}
time_of() { date -u -d "@$((1700000000 - 1700000000 % 3600 + $1 * 3600))" +%Y-%m-%dT%H:%M:%SZ; }
comes /readyz '"ready"' && comes /v1/signal/SYN0 "\"session\":\"store\",\"time\":\"$(time_of 1499)\",\"warm\":true"
check $? "the signal of the newest stored bar, warm"
before=$(tail -1 "$work/answer")
bars 1500 1 | "$put_bars" "$work/box/store" demo 3600
comes /v1/signal/SYN0 "\"time\":\"$(time_of 1500)\",\"warm\":true"
check $? "a bar that arrives in the store is forecast"
after=$(tail -1 "$work/answer")
[ "$before" != "$after" ] && "$wickd" predict model --out d2.csv "${store[@]}" --from "$(time_of 1400)" >>"$work/log" 2>&1
score=$(echo "$after" | sed 's/.*"score":\([^,]*\).*/\1/')
wanted=$(grep "$(time_of 1500),SYN0," d2.csv | cut -d, -f6)
awk -v a="$score" -v b="$wanted" 'BEGIN { d = a - b; exit !(b != "" && d < 1e-6 && d > -1e-6) }'
check $? "with the score of wickd predict ($score $wanted)"
bars 1503 1 | "$put_bars" "$work/box/store" demo 3600
comes /v1/signal/SYN0 "\"time\":\"$(time_of 1503)\""
check $? "a hole is stepped over"
kill "$pid"
wait "$pid"
check $? "it ends when told"
sed 's/"poll_s"/"stale_bars": 2, "poll_s"/' serve.json >stale.json
"$wickd" serve stale.json >"$work/url" 2>"$work/log" &
pid=$!
for _ in $(seq 400); do
    grep -q http "$work/url" && break
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
done
port=$(sed 's/.*:\([0-9]*\).*/\1/' "$work/url")
comes /readyz '"stale"' && grep -q '^HTTP/1.1 503' "$work/answer" && comes /healthz '"ok"'
check $? "readyz says 503 while the store is behind"
# The bar before the running hour's: on the grid that the bars above begin on.
bars $((($(date +%s) - 1700000000) / 3600 - 1)) 2 | "$put_bars" "$work/box/store" demo 3600
comes /readyz '"ready"' && grep -q '^HTTP/1.1 200' "$work/answer"
check $? "and is ready once it has caught up"
kill "$pid"
wait "$pid"
check $? "that one ends too"
pid=
done_testing
