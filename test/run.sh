#!/bin/bash
# Builds the extension in a copy of the tree, starts a throw-away server there and uses it.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

usage()
{
	cat <<-TEXT
		test/run.sh test [what...]   run the tests: all, or suites (regress isolation pgtap tap
		                             fuzz), single files (regress:voucher) or a concept everywhere (voucher)
		test/run.sh demo             run the demo
		test/run.sh bench [option...] measure, and write bench.csv and bench_growth.csv (--large: 10 million licences;
		                             --no-growth or --growth: only one table; --only REGEXP: only those rows;
		                             --apartments N --licenses N --sizes N,N,N --rounds N --seconds N --calls N)
		test/run.sh psql             open psql in an empty database with the extension
		test/run.sh reference        write docs/reference.md from the comments in the database
		test/run.sh lint             compile with gcc and clang, warnings are errors

		KEEP=1 keeps the temporary directory (its logs), ACCEPT=1 takes the results of the
		regress and isolation tests as expected and the output of the SQL in README.md and docs/ as shown, PG_CONFIG names another server's pg_config,
		FUZZ_SECONDS is how long the fuzz tests run beside the others (60).
	TEXT
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mode=${1:-help}
shift || true
work=
child=

# The server refuses to run as root.
as_tester()
{
	if [[ $EUID -eq 0 ]]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

# Only the suites that run in a server do without clang and its fuzzer.
needs_fuzzer()
{
	local argument

	[[ $mode == test ]] || return 1
	for argument in "${@:-fuzz}"; do
		[[ ${argument%%:*} =~ ^(regress|isolation|pgtap|tap)$ ]] || return 0
	done
	return 1
}

install_packages()
{
	local more=()

	if needs_fuzzer "$@"; then
		more=(clang libclang-rt-dev)
	fi
	"$root/test/install_packages.sh" "${more[@]}"
}

# Socket paths are limited to 107 bytes, hence /tmp whatever TMPDIR says.
make_work()
{
	work=$(mktemp -d /tmp/license.XXXXXX)
	[[ -z ${KEEP:-} ]] || echo "keeping $work"
	mkdir "$work"/{tree,inst,sock,log,out,tmp,home}
	touch "$work/tally"
	tar -C "$root" --exclude-vcs --exclude='*.o' --exclude='*.bc' --exclude='*.so' --exclude='./license_ext--*.sql' \
		--exclude=./results --exclude=./output_iso --exclude='./tmp_*' -cf - . | tar -C "$work/tree" -xf -
	[[ $EUID -ne 0 ]] || chown -R postgres: "$work"
}

# In its own process group, so that an interrupt here can end all of it.
run_inside()
{
	local status=0

	set -m
	as_tester bash "$work/tree/test/inside.sh" "$work" "$mode" "$@" </dev/null &
	child=$!
	set +m
	wait "$child" || status=$?
	child=
	return "$status"
}

# Takes a result as expected output and says what changed; never one of a lost server.
accept_result()
{
	local result=$1 expected=$2

	cmp -s "$result" "$root/$expected" && return 0
	if grep -qE 'connection to server .*(failed|lost)|server closed the connection' "$result"; then
		echo "not accepted: $expected (the server was lost)"
		return 0
	fi
	mkdir -p "$root/${expected%/*}"
	echo "accepted: $expected ($(diff -N "$root/$expected" "$result" | grep -c '^[<>]') lines differ)"
	cp "$result" "$root/$expected"
}

accept_results()
{
	local result page

	for result in "$work"/out/regress/results/*.out; do
		[[ ! -f $result ]] || accept_result "$result" "expected/${result##*/}"
	done
	for result in "$work"/out/isolation/results/*.out; do
		[[ ! -f $result ]] || accept_result "$result" "test/isolation/expected/${result##*/}"
	done
	for page in "$work"/out/documents/*.md; do
		[[ ${page##*/} == README.md ]] && accept_result "$page" README.md && continue
		[[ ! -f $page ]] || accept_result "$page" "docs/${page##*/}"
	done
}

copy_tables()
{
	local table

	for table in "$work"/out/*.csv; do
		[[ ! -f $table ]] || { cp "$table" "$root/" && echo "written: ${table##*/}"; }
	done
}

copy_reference()
{
	[[ ! -f $work/out/reference.md ]] || { cp "$work/out/reference.md" "$root/docs/" && echo "written: docs/reference.md"; }
}

end_child()
{
	[[ -n $child ]] || return 0
	kill -TERM -- "-$child" || true
	wait "$child" || true
	kill -KILL -- "-$child" || true
}

# Every server below the work directory: ours, and those of TAP tests that did not get to stop them.
stop_servers()
{
	local pidfile bindir

	bindir=$("${PG_CONFIG:-pg_config}" --bindir)
	while read -r pidfile; do
		as_tester "$bindir/pg_ctl" -D "${pidfile%/*}" -m immediate -t 30 stop </dev/null || true
	done < <(find "$work" -name postmaster.pid)
}

clean_up()
{
	[[ -n $work ]] || return 0
	cd /
	end_child
	stop_servers
	[[ -n ${KEEP:-} ]] || rm -rf "$work"
}

summarize()
{
	awk -v status="$1" '
		{ passed += $1; failed += $2 }
		END {
			if (status != 0 && failed == 0)
				failed = 1
			printf "%d passed, %d failed\n", passed, failed
			exit failed > 0 || passed == 0
		}'
}

finish()
{
	local status=$? tally=

	trap '' INT TERM HUP
	trap - EXIT
	set +e
	[[ -z $work ]] || tally=$(cat "$work/tally")
	clean_up >/dev/null 2>&1
	[[ $status -le 128 ]] || echo
	if [[ $mode == test ]]; then
		printf '%s' "${tally:+$tally$'\n'}" | summarize "$status"
		[[ $? -eq 0 || $status -ne 0 ]] || status=1
	fi
	exit "$status"
}

run()
{
	local status=0

	trap finish EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	install_packages "$@"
	make_work
	cd "$work"
	if [[ $mode == psql ]]; then
		trap : INT
		as_tester bash "$work/tree/test/inside.sh" "$work" psql
	else
		run_inside "$@" || status=$?
	fi
	[[ -z ${ACCEPT:-} ]] || accept_results
	copy_tables
	copy_reference
	return "$status"
}

case $mode in
	test | demo | psql | lint | bench | reference) run "$@" ;;
	help | -h | --help) usage ;;
	*) usage >&2; exit 2 ;;
esac
