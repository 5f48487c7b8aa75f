#!/bin/bash
# The demo: loads the companies of data/, plays the scenes of scene/ and checks every outcome.
# Runs in the throw-away database that test/run.sh demo prepares.
set -euo pipefail
shopt -s nullglob
cd "$(dirname "${BASH_SOURCE[0]}")"

export HEARD
HEARD=$(mktemp)
listener=

run_psql()
{
	psql -X -q -v ON_ERROR_STOP=1 "$@"
}

# Headlines are numbered, what is told stands at the margin, SQL and its output are indented.
lay_out()
{
	awk -v number="$1" '
		function put(line, kind)
		{
			if (kind != last && last != "blank")
				print ""
			if (line != "" || last != "blank")
				print line
			last = (line == "") ? "blank" : kind
		}
		/^## / { print "\n"; title = number ". " substr($0, 4); print title; gsub(/./, "=", title); put(title, last); next }
		/^# / { put(substr($0, 3), "told"); next }
		{ put(($0 == "" ? "" : "    " $0), "shown") }'
}

# Through standard input, so that an error reads as at the prompt.
play()
{
	run_psql -v ECHO=queries -P border=2 -P linestyle=unicode -P null=- -P footer=off <"$2" 2>&1 | lay_out "$1"
}

load_data()
{
	local table file

	for table in account site apartment account_user device offer_price partner_offer; do
		file=data/$table.csv
		run_psql -c "\\copy license.$table ($(head -n 1 "$file")) FROM '$file' CSV HEADER"
	done
	run_psql -c "CREATE EXTENSION pg_cron" -c "CREATE EXTENSION pgcrypto" -f load.sql
}

# A session of its own. psql shows what it was notified of after each command.
listen()
{
	{
		echo 'LISTEN license_notice;'
		while sleep 0.5; do
			echo 'SELECT 1 \g /dev/null'
		done
	} | psql -X -q >"$HEARD" 2>&1 &
	listener=$!
}

finish()
{
	local status=$?

	trap - EXIT
	[[ -z $listener ]] || kill "$listener" 2>/dev/null || true
	rm -f "$HEARD"
	[[ $status -eq 0 ]] || echo "the demo FAILED" >&2
	exit "$status"
}

main()
{
	local scene number=0

	load_data
	listen
	for scene in scene/*.sql; do
		number=$((number + 1))
		play "$number" "$scene"
	done
}

trap finish EXIT
main
