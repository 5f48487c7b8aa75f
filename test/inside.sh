#!/bin/bash
# The part of run.sh that runs without privileges in the copied tree: inside.sh WORK MODE [what...]
set -euo pipefail
shopt -s nullglob

work=$1
tree=$work/tree
mode=$2
shift 2

# Whatever the caller has set for other servers and makes must not leak in.
PG_CONFIG=${PG_CONFIG:-pg_config}
for variable in $(compgen -e PG) $(compgen -e MAKE) MFLAGS; do
	[[ $variable == PG_CONFIG ]] || unset "$variable"
done
export LC_ALL=C.UTF-8 HOME=$work/home TMPDIR=$work/tmp

# shellcheck source=test/cluster.sh
. "$tree/test/cluster.sh"
# shellcheck source=test/suites.sh
. "$tree/test/suites.sh"

strict='-Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wdeclaration-after-statement'

# clang knows not every option that Debian's server was built with.
lint()
{
	quietly gcc make -s -C "$tree" PG_CONFIG="$PG_CONFIG" with_llvm=no CC=gcc PG_CFLAGS="$strict" clean all
	echo "gcc: no warnings"
	(cd "$tree" && perl test/directions.pl)
	quietly clang make -s -C "$tree" PG_CONFIG="$PG_CONFIG" with_llvm=no CC="$(find_clang)" \
		PG_CFLAGS="$strict -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-ignored-attributes" clean all
	echo "clang: no warnings"
}

# The server headers bring clang-N along, without the plain name.
find_clang()
{
	command -v clang || compgen -c clang- | grep -xE 'clang-[0-9]+' | sort -V | tail -n 1
}

with_cluster()
{
	build_extension
	start_cluster
	create_database
	"$@"
	stop_cluster
}

write_reference()
{
	psql -XqAt -v ON_ERROR_STOP=1 -f "$tree/test/reference.sql" >"$work/reference.md" && mv "$work/reference.md" "$work/out/"
}

cd "$tree"
case $mode in
	test) with_cluster run_suites "$@" ;;
	demo) with_cluster bash test/demo/run.sh ;;
	psql) with_cluster psql -X ;;
	lint) lint ;;
	reference) with_cluster write_reference ;;
	bench) more_settings=$tree/test/bench/bench.conf with_cluster perl test/bench/bench.pl --out "$work/out" "$@" ;;
esac
