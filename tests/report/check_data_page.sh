#!/bin/sh
# check_data_page.sh WICK: a store with planted faults, its data report drawn in headless Chromium.
# Fails when a fault is not told, the console shows anything or a picture is missing.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
wick=$1

# One market at two venues: a spike, a gap of 10 bars, 20 frozen bars; the second lags by one bar.
make() { # make FILE LAG FAULTS
    awk -v lag="$2" -v faults="$3" 'BEGIN {
        print "time,open,high,low,close,volume"
        seed = 42; p = 1000; last = 1000
        for (i = 0; i < 3000; i++) {
            seed = (seed * 16807) % 2147483647
            before = last; last = p; p = p * (1 + (seed / 2147483647 - 0.5) * 0.01)
            o = lag ? before : last; c = lag ? last : p; v = 5
            if (faults && i >= 500 && i < 510) continue
            if (faults && i == 1200) c = c * 2
            if (faults && i == 1201) o = o * 2
            if (faults && i >= 2000 && i < 2020) { o = c = 777 }
            if (faults && i % 10 == 0) v = 0
            h = o > c ? o : c; l = o < c ? o : c
            printf "%d,%.4f,%.4f,%.4f,%.4f,%d\n", 1600000000 - 1600000000 % 3600 + i * 3600, o, h, l, c, v
        }
    }' >"$1"
}
mkdir -p "$work/market/one" "$work/market/two"
make "$work/market/one/XBTUSD-1h.csv" 0 1
make "$work/market/two/BTC-USDT-1h.csv" 1 0
"$wick" import "$work/market/one" --store "$work/store" >"$work/out" || exit 1
"$wick" import "$work/market/two/BTC-USDT-1h.csv" --venue two --symbol BTC-USDT --store "$work/store" >"$work/out" || exit 1
"$wick" data report --store "$work/store" --out "$work/data.html" --json >"$work/json" || exit 1

failures=0
expect() { # expect WHAT COUNT_MIN PATTERN FILE
    found=$(grep -o -E "$3" "$4" | wc -l)
    if [ "$found" -lt "$2" ]; then
        echo "FAIL $1: found $found of at least $2"
        failures=$((failures + 1))
    fi
}
forbid() { # forbid WHAT PATTERN FILE
    if grep -E "$2" "$3" | head -5 | grep .; then
        echo "FAIL $1"
        failures=$((failures + 1))
    fi
}
expect "the gap in the figures" 1 '"bars_missing": 10' "$work/json"
expect "the spike in the figures" 1 '"spikes": 1' "$work/json"
expect "the frozen run in the figures" 1 '"frozen_bars": 20' "$work/json"
expect "bars without volume" 1 '"zero_volume_bars": (299|300)' "$work/json"
expect "the lag in words" 1 'returns agree better with the second one bar later' "$work/json"
expect "the gap in words" 1 '1 gap, 10 bars missing' "$work/data.html"
expect "the spike in words" 1 '1 close far from both neighbours' "$work/data.html"
expect "the spike in the picture" 1 'class="spike"' "$work/data.html"
forbid "a number that is none" '(nan|inf)[" <,]' "$work/data.html"
forbid "something from the network" '(src|href)="(http|//)|@import|url\(' "$work/data.html"

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    [ "$failures" -eq 0 ] || exit 1
    echo "no Chromium here: the page was not drawn"
    exit 77
}
# A script of the test's own tells what the browser made of the page.
cat "$work/data.html" - >"$work/used.html" <<'END'
<script>
addEventListener("load", () => {
  const all = [...document.querySelectorAll("svg")];
  const drawn = all.filter((s) => s.getBoundingClientRect().width > 50 && s.children.length > 0);
  const wide = document.documentElement.scrollWidth - innerWidth;
  document.documentElement.dataset.pictures = all.length - drawn.length + "/" + all.length;
  document.documentElement.dataset.wide = wide > 0 ? "yes" : "no";
  document.documentElement.dataset.dead =
    [...document.querySelectorAll('a[href^="#"]')].filter((a) => !document.querySelector(a.getAttribute("href"))).length;
});
</script>
END
for attempt in 1 2 3; do
    HOME=$work timeout 60 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
        --user-data-dir="$work/profile$attempt" --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --disable-default-apps --disable-extensions \
        --host-resolver-rules='MAP * ~NOTFOUND' --virtual-time-budget=$((attempt * 8000)) \
        --window-size=1280,900 --enable-logging=stderr --v=0 --dump-dom "file://$work/used.html" \
        >"$work/dom" 2>"$work/console" || continue
    grep -q 'data-pictures=' "$work/dom" && break
done
expect "every picture drawn" 1 '<html[^>]* data-pictures="0/5"' "$work/dom"
expect "nothing wider than the window" 1 '<html[^>]* data-wide="no"' "$work/dom"
expect "links that lead somewhere" 1 '<html[^>]* data-dead="0"' "$work/dom"
forbid "the console" 'CONSOLE' "$work/console"
[ "$failures" -eq 0 ]
