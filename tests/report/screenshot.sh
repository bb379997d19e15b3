#!/bin/sh
# screenshot.sh REPORT.html OUT.png [WIDTH HEIGHT] [dark]: the picture of a report.
set -eu
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dark=
[ "${5:-}" = dark ] && dark=--blink-settings=preferredColorScheme=0
HOME=$work timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
    --hide-scrollbars --user-data-dir="$work/profile" --no-first-run \
    --disable-background-networking --disable-component-update \
    --host-resolver-rules='MAP * ~NOTFOUND' --run-all-compositor-stages-before-draw --virtual-time-budget=8000 $dark \
    --window-size="${3:-1280},${4:-1500}" --screenshot="$(realpath -m "$2")" "file://$(realpath "$1")" 2>/dev/null
