#!/bin/bash
# The demo. Runs in the throw-away database that test/run.sh demo prepares.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

for script in *.sql; do
	psql -X -q -v ON_ERROR_STOP=1 -f "$script"
done
