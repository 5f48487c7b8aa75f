# shellcheck shell=bash disable=SC2154,SC2034 # work and tree come from inside.sh, pgxs is for suites.sh
# The throw-away build and server. Sourced by inside.sh, which sets `work` and `tree`,
# and for other settings than those of a test, the file `more_settings`.

pg_config=${PG_CONFIG:-pg_config}
bindir=$("$pg_config" --bindir)
pgxs=$(dirname "$("$pg_config" --pgxs)")/..

export PATH=$bindir:$PATH

# Runs a command silently; shows what it said when it fails or warns.
quietly()
{
	local log=$work/log/$1.log status=0

	shift
	"$@" >"$log" 2>&1 </dev/null || status=$?
	if [[ $status -ne 0 ]] || grep -q 'warning:' "$log"; then
		cat "$log"
	fi
	return "$status"
}

build_extension()
{
	quietly build make -s -C "$tree" -j2 PG_CONFIG="$pg_config" with_llvm=no &&
		quietly install make -s -C "$tree" PG_CONFIG="$pg_config" with_llvm=no DESTDIR="$work/inst" install
}

# Where the server finds the extension: a patch of Debian's up to 17, a feature of PostgreSQL from 18 on.
extension_settings()
{
	if [[ $("$pg_config" --version) =~ ^PostgreSQL\ 1[5-7] ]]; then
		echo "extension_destdir = '$work/inst'"
	else
		echo "extension_control_path = '$work/inst$("$pg_config" --sharedir):\$system'"
		echo "dynamic_library_path = '$work/inst$("$pg_config" --pkglibdir):\$libdir'"
	fi
}

init_cluster()
{
	quietly initdb initdb -D "$work/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync
	cat "$tree/test/temp.conf" "${more_settings:-/dev/null}" - >>"$work/data/postgresql.conf" <<-CONF
		unix_socket_directories = '$work/sock'
		$(extension_settings)
	CONF
}

start_cluster()
{
	init_cluster
	quietly start pg_ctl ${VALGRIND:+-p "$tree/test/valgrind.sh"} -D "$work/data" -l "$work/log/server.log" -t 60 start ||
		{ cat "$work/log/server.log"; return 1; }
	export PGHOST=$work/sock PGPORT=5432 PGUSER=postgres
}

stop_cluster()
{
	quietly stop pg_ctl -D "$work/data" -m immediate -t 30 stop
}

# The database `license` is the one where pg_cron may exist too, see temp.conf.
create_database()
{
	psql -X -q -v ON_ERROR_STOP=1 -d postgres -c 'CREATE DATABASE license'
	export PGDATABASE=license
	psql -X -q -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION license_ext'
}
