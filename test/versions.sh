#!/bin/bash
# Builds the extension and runs its suites on every PostgreSQL that a Debian release brings, from 15 on,
# then upgrades a filled server of the oldest to each of the others: versions.sh [version...].
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
suites=(regress isolation pgtap tap)
# shellcheck source=test/folders.sh
. "$root/test/folders.sh"

# Runs the suites on one version; its last line counts.
test_version()
{
	local version=$1 folder=$folders/${release[$1]}

	prepare_folder "$folder" "$version" || return 1
	copy_tree "$folder"
	inside "$folder" env PG_CONFIG="/usr/lib/postgresql/$version/bin/pg_config" \
		/build/test/run.sh test "${suites[@]}"
}

# Everything a run said goes to its log, what failed to the terminal as well.
run_logged()
{
	local name=$1 log=$folders/$2.log status=0

	shift 2
	say "$name"
	"$@" >"$log" 2>&1 </dev/null || status=$?
	[[ $status -eq 0 ]] || grep -vE '( 0 failed +[0-9]+ ms|^ok .*)$' "$log" || true
	summary+=("$name: $(tail -n 1 "$log" | grep -E '^[0-9]+ passed' || echo '0 passed, 1 failed')")
}

summarize()
{
	printf '%s\n' "${summary[@]}"
	printf '%s\n' "${summary[@]}" | sed 's/.*: //' | awk '
		{ passed += $1; failed += $3 }
		END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }'
}

wanted=("$@")
[[ $# -gt 0 ]] || wanted=(15 17 18)
summary=()
require_root
require_releases "${wanted[@]}"
mkdir -p "$folders"
for version in "${wanted[@]}"; do
	run_logged "PostgreSQL $version (${release[$version]})" "$version" test_version "$version"
done
for version in "${wanted[@]:1}"; do
	run_logged "pg_upgrade ${wanted[0]} to $version" "upgrade-$version" \
		"$root/test/upgrade_major.sh" "${wanted[0]}" "$version"
done
summarize
