#!/bin/bash
# Stands in for the program `postgres` and runs it under valgrind: pg_ctl -p valgrind.sh. The server is one that
# debug_server.sh built; each process has a log, next to that of the server, which stays empty when all is well.
set -euo pipefail

prefix=$(dirname "$("$PG_CONFIG" --bindir)")
work=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
exec valgrind --quiet --leak-check=no --suppressions="$prefix/valgrind.supp" --log-file="$work/log/valgrind.%p" \
	"$prefix/bin/postgres" "$@"
