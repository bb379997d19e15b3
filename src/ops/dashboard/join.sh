#!/bin/sh
# join.sh OUT PAGE CSS JS CHARTS: puts the files where the page has {{style}}, {{script}}, {{charts}}.
set -eu
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    '{{style}}') cat "$3" ;;
    '{{script}}') cat "$4" ;;
    '{{charts}}') cat "$5" ;;
    *) printf '%s\n' "$line" ;;
    esac
done <"$2" >"$1"
