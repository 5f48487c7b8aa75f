# shellcheck shell=bash
# shellcheck disable=SC2154 # work, tree, bindir, pgxs
# The test suites. Sourced by inside.sh after cluster.sh; every result goes to $work/tally.

suites=(regress isolation pgtap tap fuzz)
wanted=()
declare -A fuzzing
log_seen=0

# The files of a suite, without directory and suffix.
list_files()
{
	local files=() file

	case $1 in
		regress) files=("$tree"/sql/*.sql) ;;
		isolation) files=("$tree"/test/isolation/specs/*.spec) ;;
		pgtap) files=("$tree"/test/pgtap/*.sql) ;;
		tap) files=("$tree"/test/tap/*.pl) ;;
		fuzz) files=("$tree"/test/fuzz/*.c) ;;
	esac
	for file in "${files[@]}"; do
		file=${file##*/}
		echo "${file%.*}"
	done
}

# Is file $2 of suite $1 meant by argument $3: a suite, suite:file, or a file?
# A file also stands for those whose names go on after an underscore.
is_meant()
{
	local file=${3#"$1":}

	[[ $3 == "$1" ]] && return 0
	# shellcheck disable=SC2053 # patterns are welcome
	[[ $2 == $file || $2 == ${file}_* ]]
}

select_files()
{
	local file argument

	for file in $(list_files "$1"); do
		for argument in "${wanted[@]}"; do
			if is_meant "$1" "$file" "$argument"; then
				echo "$file"
				break
			fi
		done
	done
}

check_arguments()
{
	local argument suite found

	for argument in "${wanted[@]}"; do
		found=
		for suite in "${suites[@]}"; do
			[[ $argument == "$suite" ]] && found=1
			[[ -n $(wanted=("$argument") && select_files "$suite") ]] && found=1
		done
		[[ -n $found ]] || report arguments "$argument (no such test)" 0 1 0
	done
}

report()
{
	printf '%-10s %-32s %4d passed %3d failed %7d ms\n' "$@"
	echo "$3 $4 $1 $2" >>"$work/tally"
}

show()
{
	sed 's/^/    /' "$@"
}

now_ms()
{
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# Reads the output of pg_regress: up to 15 "test NAME ... ok  12 ms", since 16 "ok 1 - NAME 12 ms".
report_regress()
{
	local suite=$1 line

	while read -r line; do
		if [[ $line =~ ^test\ ([^ ]+)\ +\.\.\.\ ok\ +([0-9]+)\ ms$ ||
			$line =~ ^ok\ [0-9]+\ +[-+]\ ([^ ]+)\ +([0-9]+)\ ms$ ]]; then
			report "$suite" "${BASH_REMATCH[1]}" 1 0 "${BASH_REMATCH[2]}"
		elif [[ $line =~ ^test\ ([^ ]+)\ +\.\.\.\ FAILED.*\ ([0-9]+)\ ms$ ||
			$line =~ ^not\ ok\ [0-9]+\ +[-+]\ ([^ ]+)\ +([0-9]+)\ ms ]]; then
			report "$suite" "${BASH_REMATCH[1]}" 0 1 "${BASH_REMATCH[2]}"
		fi
	done
}

# pg_regress stops at a test without expected output; it shall fail and the others run.
add_missing_expected()
{
	local directory=$tree/$1 file

	mkdir -p "$directory"
	for file in "${@:2}"; do
		touch "$directory/$file.out"
	done
}

# Runs pg_regress or its isolation sister on the given files. Only the specs find pgcrypto there, tests that need it make it.
run_regress()
{
	local suite=$1 program=$2 input=$3 files=("${@:4}")
	local out=$work/out/$suite status=0 reported extensions=(--load-extension=license_ext)

	[[ $suite != isolation ]] || extensions+=(--load-extension=pgcrypto)

	mkdir -p "$out"
	add_missing_expected "$input/expected" "${files[@]}"
	(cd "$tree" && "$program" --inputdir="$input" --outputdir="$out" --bindir="$bindir" --host="$PGHOST" \
		--dbname="${suite/regress/contrib}_regression" "${extensions[@]}" "${files[@]}") >"$out/log" 2>&1 || status=$?
	report_regress "$suite" <"$out/log"
	reported=$(grep -c " $suite " "$work/tally") || true
	if [[ $status -ne 0 ]]; then
		show "$out/regression.diffs" 2>/dev/null || show "$out/log"
	fi
	if [[ $reported -ne ${#files[@]} ]] || { [[ $status -ne 0 ]] && ! grep -q "^0 1 $suite " "$work/tally"; }; then
		show "$out/log"
		report "$suite" "(did not finish)" 0 1 0
	fi
}

suite_regress()
{
	run_regress regress "$pgxs/test/regress/pg_regress" . "$@"
}

suite_isolation()
{
	PGISOLATIONTIMEOUT=60 run_regress isolation "$pgxs/test/isolation/pg_isolation_regress" \
		test/isolation "$@"
}

# Runs one file that speaks TAP. A file that dies or breaks its plan has failed, whatever it counted.
run_tap_file()
{
	local suite=$1 file=$2 log=$work/out/$1.$2.log
	local start passed failed status=0

	shift 2
	start=$(now_ms)
	"$@" >"$log" 2>&1 || status=$?
	passed=$(grep -cE '^ok [0-9]' "$log") || true
	failed=$(grep -cE '^not ok [0-9]' "$log") || true
	if [[ $status -ne 0 && $failed -eq 0 ]]; then
		failed=1
	fi
	report "$suite" "$file" "$passed" "$failed" $(($(now_ms) - start))
	if [[ $failed -ne 0 ]]; then
		show "$log"
	elif [[ $suite == pgtap ]]; then
		# What a test says with diag(): how much it has tried
		{ grep '^# ' "$log" || true; } | show
	elif [[ $suite == tap ]]; then
		{ grep '^# [0-9].* tried' "$log" || true; } | show
	fi
}

suite_pgtap()
{
	local file

	psql -X -q -c 'CREATE EXTENSION IF NOT EXISTS pgtap'
	# With DISCARD_CACHES, for a server with assertions, everything is looked up anew at every chance.
	for file in "$@"; do
		PGOPTIONS=${DISCARD_CACHES:+-c debug_discard_caches=1} run_tap_file pgtap "$file" pg_prove -v --psql-bin "$bindir/psql" -d "$PGDATABASE" \
			"$tree/test/pgtap/$file.sql"
	done
}

suite_tap()
{
	local file

	export PERL5LIB=$pgxs/test/perl:$tree/test/tap TESTDIR=$work/out
	# PostgreSQL 16 asks for two directories instead of TESTDIR
	export TESTDATADIR=$work/out/tmp_check TESTLOGDIR=$work/out/tmp_check/log
	export PG_REGRESS=$pgxs/test/regress/pg_regress LICENSE_EXT_DESTDIR=$work/inst
	LICENSE_EXT_SETTINGS=$(extension_settings)
	export LICENSE_EXT_SETTINGS
	for file in "$@"; do
		run_tap_file tap "$file" prove -v "test/tap/$file.pl"
	done
}

# Compiles test/fuzz/NAME.c with src/*/NAME_*.c, which call no server, and tries inputs for a minute.
fuzz()
{
	local name=$1 out=$work/out/fuzz/$1 test=$tree/test/fuzz/$1

	"$(find_clang)" -O1 -g -Wall -Wextra -Wno-ignored-attributes -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -I "$tree/src" -isystem "$("$pg_config" --includedir-server)" \
		"$test.c" "$tree"/src/*/"$name"_*.c -o "$out" &&
		mkdir "$out.found" &&
		nice "$out" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=128 -timeout=5 -dict="$test.dict" \
			-artifact_prefix="$out." "$out.found" "$test"
}

start_fuzzing()
{
	local name

	mkdir -p "$work/out/fuzz"
	for name in $(select_files fuzz); do
		fuzz "$name" >"$work/out/fuzz/$name.log" 2>&1 </dev/null &
		fuzzing[$name]=$!
	done
}

# Collects what start_fuzzing() started. A failure shows the input that led to it, in base64 too.
suite_fuzz()
{
	local name log runs seconds

	for name in "$@"; do
		log=$work/out/fuzz/$name.log
		if wait "${fuzzing[$name]}" &&
			read -r runs seconds < <(sed -n 's/^Done \([1-9][0-9]*\) runs in \([0-9]*\) second.*/\1 \2/p' "$log"); then
			report fuzz "$name ($runs inputs)" 1 0 "${seconds}000"
		else
			report fuzz "$name" 0 1 0
			grep -v '^#' "$log" | show
		fi
	done
}

# A server process that died is a failure even when every test passed.
check_server_log()
{
	local log=$work/log/server.log crashes

	crashes=$(tail -n +"$((log_seen + 1))" "$log" | grep -E 'PANIC:|TRAP:|terminated by signal') || true
	log_seen=$(wc -l <"$log")
	if [[ -n $crashes ]]; then
		report "$1" "(server log)" 0 1 0
		show <<<"$crashes"
	fi
}

# Each process has left a log, see valgrind.sh; one that valgrind found a fault in is not empty.
check_valgrind()
{
	local logs=("$work"/log/valgrind.*) found

	[[ -n ${VALGRIND:-} ]] || return 0
	mapfile -t found < <(find "$work/log" -name 'valgrind.*' -size +0)
	if [[ ${#logs[@]} -gt 0 && ${#found[@]} -eq 0 ]]; then
		report valgrind "(${#logs[@]} processes)" 1 0 0
	else
		report valgrind "(${#logs[@]} processes)" 0 1 0
		head -q -n 60 "${found[@]}" </dev/null | show
	fi
}

run_suites()
{
	local suite files

	wanted=("$@")
	[[ $# -gt 0 ]] || wanted=("${suites[@]}")
	check_arguments
	start_fuzzing
	for suite in "${suites[@]}"; do
		mapfile -t files < <(select_files "$suite")
		[[ ${#files[@]} -gt 0 ]] || continue
		"suite_$suite" "${files[@]}" || report "$suite" "(could not run)" 0 1 0
		check_server_log "$suite"
	done
	check_valgrind
}
