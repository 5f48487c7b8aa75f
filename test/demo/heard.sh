#!/bin/bash
# Shows what the listening session received, once that contains the given text; waits 70 seconds at most.
set -euo pipefail
exec </dev/null

for ((left = 140; left > 0; left--)); do
	grep -q "^Asynchronous.*$1" "$HEARD" && break
	sleep 0.5
done
sed -nE 's/^Asynchronous notification "([^"]*)" with payload "(.*)" received.*/\1: \2/p' "$HEARD"
