#!/usr/bin/env bash
# The service over TLS: usage: test_serve_tls.sh WICK ROOT
set -uo pipefail
trap "" PIPE # a server that hangs up fails a check, not the script
source "$(dirname "$0")/../tap.sh"
explain() {
    head -c 400 "$work/answer"
    tail -n 3 "$work/log"
}
wick=$1 root=$2
work=$(mktemp -d)
pid=
trap '[ -n "$pid" ] && kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
export WICK_HOME=$work/home WICK_SERVE_TOKEN=0123456789abcdef
unset WICK_DATA
command -v openssl >/dev/null || { echo "1..0 # SKIP there is no openssl"; exit 0; }
for name in ours other; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$name" \
        -addext "subjectAltName=IP:127.0.0.1" -keyout "$work/$name.key" -out "$work/$name.pem" >"$work/log" 2>&1
done
[ -s "$work/ours.pem" ] && [ -s "$work/other.key" ]
check $? "two certificates"
"$wick" train "$root/tests/cli/tiny.json" --out "$work/run" --set data.synthetic.bars=3000 --set branches=[] >"$work/log" 2>&1
check $? "a model is trained"
config() { # config CERT KEY
    echo "{ \"port\": 0, \"models\": [{ \"name\": \"tiny\", \"dir\": \"$work/run/model\" }], \"header_s\": 2,
        \"tls_cert\": \"$1\", \"tls_key\": \"$2\" }" >"$work/serve.json"
}
refused() { # refused PATTERN NAME: it does not start
    timeout 20 "$wick" serve "$work/serve.json" >"$work/url" 2>"$work/log"
    status=$?
    [ $status -ne 0 ] && [ $status -lt 124 ] && [ ! -s "$work/url" ] && grep -q "$1" "$work/log"
    check $? "$2"
}
config "$work/ours.pem" "$work/other.key"
refused 'certificate and key' "a key of another certificate is refused"
config "$work/none.pem" "$work/ours.key"
refused 'none.pem' "a certificate that is not there is named"
config "$work/ours.pem" ""
refused 'belong together' "a certificate without a key is refused"
echo nonsense >"$work/nonsense.pem"
config "$work/nonsense.pem" "$work/ours.key"
refused 'certificate and key' "a file that is no certificate is refused"

config "$work/ours.pem" "$work/ours.key"
"$wick" serve "$work/serve.json" >"$work/url" 2>"$work/log" &
pid=$!
for _ in $(seq 400); do
    grep -q http "$work/url" && break
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
done
grep -q '^https://' "$work/url"
check $? "it says https"
port=$(sed 's/.*:\([0-9]*\).*/\1/' "$work/url")
ask() { # ask CA HEAD...: an answer over TLS, if the certificate is trusted
    printf 'GET /v1/model HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n' "${2-}" |
        timeout 20 openssl s_client -connect "127.0.0.1:$port" -CAfile "$1" -verify_ip 127.0.0.1 -verify_return_error -quiet \
            >"$work/answer" 2>"$work/tls"
}
ask "$work/ours.pem" "Authorization: Bearer 0123456789abcdef"$'\r\n'
grep -q '^HTTP/1.1 200' "$work/answer" && grep -q '"warmup_steps"' "$work/answer"
check $? "an answer over TLS"
ask "$work/ours.pem"
grep -q '^HTTP/1.1 401' "$work/answer"
check $? "the token is needed there, too"
ask "$work/other.pem" "Authorization: Bearer 0123456789abcdef"$'\r\n'
! grep -q HTTP "$work/answer" && grep -qi 'verif' "$work/tls"
check $? "a client that trusts another certificate gets nothing"
timeout 20 openssl s_client -connect "127.0.0.1:$port" -tls1_1 </dev/null >"$work/answer" 2>&1
! grep -q 'Cipher is [A-Z]' "$work/answer"
check $? "TLS 1.1 is refused"
exec 9<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /v1/model HTTP/1.1\r\nHost: x\r\n\r\n' >&9
timeout 10 cat <&9 >"$work/answer"
exec 9>&- 9<&-
! grep -q warmup "$work/answer"
check $? "plain HTTP tells nothing"
ask "$work/ours.pem" "Authorization: Bearer 0123456789abcdef"$'\r\n'
grep -q '^HTTP/1.1 200' "$work/answer"
check $? "it still serves"
kill "$pid"
wait "$pid"
check $? "and ends when told"
pid=
done_testing
