#!/bin/sh
# check_page.sh WRITE_REPORT SAMPLE.json: draws a report in headless Chromium and fails when the
# page reports an error, the console shows one, a chart is missing or a control breaks it. No name
# resolves, so that a page which needs the network fails as well.
set -u
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    echo "no Chromium here: the page was not drawn"
    exit 77
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
"$1" "$2" "$work/report.html" || exit 1

# draw FILE SIGN: the page after all its scripts ran, in $work/dom; the console in $work/console. The
# browser's virtual time does not wait for frames: on a busy machine it can be over before the
# first one. So a page that does not show SIGN, an attribute of its root, is drawn up to three times.
draw() {
    for attempt in 1 2 3; do
        HOME=$work timeout 60 "$browser" --headless --no-sandbox --disable-gpu \
            --disable-dev-shm-usage --user-data-dir="$work/profile$attempt" --no-first-run \
            --disable-background-networking --disable-component-update --disable-sync \
            --disable-default-apps --disable-extensions --host-resolver-rules='MAP * ~NOTFOUND' \
            --run-all-compositor-stages-before-draw --virtual-time-budget=$((attempt * 8000)) \
            --window-size=1280,900 --enable-logging=stderr --v=0 --dump-dom "file://$1" \
            >"$work/dom" 2>"$work/console" || continue
        grep -q -E "<html[^>]* $2=" "$work/dom" && return 0
    done
    echo "FAIL $1 never showed $2; the browser said: $(tail -3 "$work/console")"
    failures=$((failures + 1))
}

failures=0
expect() { # expect WHAT COUNT_MIN PATTERN
    found=$(grep -o -E "$3" "$work/dom" | wc -l)
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

draw "$work/report.html" data-ready
# Look at the page's own root and body, not at the scripts inside.
expect "everything drawn" 1 '<html[^>]* data-ready="1"'
forbid "an error on the page" '<html[^>]* data-error=' "$work/dom"
forbid "the console" 'CONSOLE' "$work/console"
expect "canvases of both charts" 6 '<canvas '
expect "the verdict" 1 '<strong>NOT USEFUL</strong>'
expect "the synthetic banner" 1 '<strong>SYNTHETIC</strong>'
expect "plots" 5 '<svg viewBox'
expect "points of the SHAP picture" 400 '<circle [^>]*class="shap"'
expect "shuffled columns" 1 'Loss when shuffled'
# The sample has three learners; the section's end is the next one's head.
sed 's/<section id=/\n&/g' "$work/dom" | grep '^<section id="training"' >"$work/training"
for name in 'trees, fold 5' 'LSTM, fold 5' 'TCN, fold 5'; do
    grep -q "<h3>$name</h3>" "$work/training" || { echo "FAIL no curve of $name"; failures=$((failures + 1)); }
done
[ "$(grep -o '<path ' "$work/training" | wc -l)" -ge 6 ] || { echo "FAIL a line of training or validation is missing"; failures=$((failures + 1)); }
# An epoch without a loss breaks its line in the plot, and the page says which it was.
[ "$(grep -o '<path d="[^"]*"' "$work/training" | grep -c 'M.*M.*M')" = 1 ] || { echo "FAIL the two gaps of a curve are not drawn"; failures=$((failures + 1)); }
grep -q 'The loss was no number, and the line has a gap: early stopping at 7, 9\.' "$work/training" || { echo "FAIL the gaps of a curve are not told"; failures=$((failures + 1)); }
[ "$(grep -o 'The loss was no number' "$work/training" | wc -l)" = 1 ] || { echo "FAIL gaps are told where there are none"; failures=$((failures + 1)); }
expect "sections" 13 '<section id='
expect "the title, escaped" 1 '<h1>pooled-1h &lt;/script&gt; &amp; co</h1>'

sed 's/<script.*//' "$work/dom" >"$work/plain"
forbid "a value that is no text" '\[object |undefined<|>NaN' "$work/plain"

# Every control works: headings sort, lines hide, markets change, the crosshair tells.
cat >"$work/use.js" <<'END'
<script>
const fire = (node, type, x) =>
  node.dispatchEvent(new MouseEvent(type, { bubbles: true, clientX: x, clientY: 300 }));
requestAnimationFrame(() => setTimeout(() => {
  for (let twice = 0; twice < 2; twice++)
    document.querySelectorAll("th.sort, .legend button, .tools input").forEach((n) => n.click());
  for (const option of document.querySelectorAll("select option")) {
    option.selected = true;
    option.parentNode.dispatchEvent(new Event("change"));
  }
  document.querySelectorAll("[data-help]").forEach((node) => fire(node, "mouseover", 10));
  for (const type of ["mouseenter", "mousemove"])
    document.querySelectorAll("canvas").forEach((node) => fire(node, type, 600));
  document.documentElement.dataset.used = document.querySelectorAll("th[aria-sort]").length;
}, 500));
</script>
END
cat "$work/report.html" "$work/use.js" >"$work/used.html"
draw "$work/used.html" data-used
expect "use of every control" 1 '<html[^>]* data-used="[5-9]"'
forbid "an error in use" '<html[^>]* data-error=' "$work/dom"
forbid "the console in use" 'CONSOLE' "$work/console"

# Missing keys hide their section; nothing else changes.
echo '{"title": "bare"}' >"$work/bare.json"
"$1" "$work/bare.json" "$work/report.html" && draw "$work/report.html" data-ready
expect "a bare report" 1 '<html[^>]* data-ready="1"'
forbid "a section without data" '^<section id=|<main.*<section id=' "$work/dom"
forbid "the console of a bare report" 'CONSOLE' "$work/console"

# The check itself must be able to fail: a broken document shows its error.
echo '{"title": "broken", "equity": 7}' >"$work/broken.json"
"$1" "$work/broken.json" "$work/report.html" && draw "$work/report.html" data-error
expect "the error of a broken document" 1 '<html[^>]* data-error='

[ "$failures" -eq 0 ]
