#!/bin/bash
# Shows what the listening session received: heard.sh N waits until there are N notices, for two minutes at most.
set -euo pipefail
exec </dev/null

for ((left = 240; left > 0; left--)); do
	[[ $(grep -c '^Asynchronous' "$HEARD" || true) -lt $1 ]] || break
	sleep 0.5
done
sed -nE 's/^Asynchronous notification "([^"]*)" with payload "(.*)" received.*/\1: \2/p' "$HEARD" |
	sed 's/, "stage"/,\n                 "stage"/'
