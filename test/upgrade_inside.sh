#!/bin/bash
# The part of upgrade_major.sh that runs without privileges in the folder: upgrade_inside.sh OLD NEW
set -euo pipefail

work=/upgrade
old=$1
new=$2
passed=0
failed=0
export LC_ALL=C.UTF-8 LD_LIBRARY_PATH=$work/libraries PGHOST=$work PGUSER=postgres PGDATABASE=license

is()
{
	local got=$1 expected=$2 what=$3

	if [[ $got == "$expected" ]]; then
		passed=$((passed + 1))
		echo "ok $((passed + failed)) - $what"
	else
		failed=$((failed + 1))
		echo "not ok $((passed + failed)) - $what"
		diff <(echo "$expected") <(echo "$got") | sed 's/^/    /' || true
	fi
}

program()
{
	local version=$1 name=$2

	shift 2
	"$work/$version/usr/lib/postgresql/$version/bin/$name" "$@"
}

query()
{
	program "$new" psql -X -A -t -q -v ON_ERROR_STOP=1 -v VERBOSITY=sqlstate "$@" 2>&1
}

sqlstate_is()
{
	local sql=$1 expected=$2 what=$3

	is "$(query -c "$sql" || true)" "ERROR:  $expected" "$what"
}

# Page checksums, which both servers must agree on, are the default from 18 on.
create_server()
{
	local version=$1 options=()

	[[ $version -lt 18 ]] || options=(--no-data-checksums)
	program "$version" initdb -D "$work/data$version" -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
		--no-sync "${options[@]}" >"$work/initdb$version.log"
	cat "$work/test/temp.conf" - >>"$work/data$version/postgresql.conf" <<<"unix_socket_directories = '$work'"
}

start_server()
{
	program "$1" pg_ctl -D "$work/data$1" -l "$work/server$1.log" -t 60 start >/dev/null
}

stop_server()
{
	program "$1" pg_ctl -D "$work/data$1" -m fast -t 60 stop >/dev/null
}

fill()
{
	PGDATABASE=postgres query -c 'CREATE DATABASE license'
	query -c 'CREATE EXTENSION pgcrypto' -c 'CREATE EXTENSION license_ext' -c 'CREATE EXTENSION pg_cron'
	query -o "$work/fill.log" -f "$work/test/tap/fill.sql"
	query -o "$work/fill.log" -c 'SELECT license.schedule()'
}

# How many rows each table has, and all of them as one value
contents()
{
	query -c "SELECT format('SELECT %L, count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM %s t;',
		c.oid::regclass, c.oid::regclass) FROM pg_class c WHERE c.relkind IN ('r', 'p')
		AND c.relnamespace IN ('license'::regnamespace, 'public'::regnamespace) ORDER BY c.oid::regclass::text" | query -f -
}

# What belongs to the extension and who may do what with it
catalog()
{
	query -c "SELECT format('job %s %s', schedule, command) FROM cron.job ORDER BY 1" -c "
		SELECT pg_describe_object(classid, objid, 0) FROM pg_depend d JOIN pg_extension e ON e.oid = refobjid
		WHERE refclassid = 'pg_extension'::regclass AND extname = 'license_ext' AND d.deptype = 'e'
		AND NOT (classid = 'pg_type'::regclass AND pg_describe_object(classid, objid, 0) NOT LIKE '%license_key')
		ORDER BY 1" -c "
		SELECT format('policy %s %s', polrelid::regclass, polname) FROM pg_policy ORDER BY 1" -c "
		SELECT format('trigger %s %s %s', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1" -c "
		SELECT format('saved %s', c::regclass) FROM pg_extension, unnest(extconfig) c WHERE extname = 'license_ext' ORDER BY 1" -c "
		SELECT relname, (a).grantee::regrole, (a).privilege_type FROM pg_class, LATERAL aclexplode(relacl) a
		WHERE relnamespace = 'license'::regnamespace AND (a).privilege_type <> 'MAINTAIN' AND (a).grantee <> relowner ORDER BY 1, 2, 3" -c "
		SELECT proname, (a).grantee::regrole FROM pg_proc, LATERAL aclexplode(proacl) a
		WHERE pronamespace = 'license'::regnamespace ORDER BY 1, 2"
}

# Questions as of a day
answers()
{
	query -c "SELECT * FROM license.validate('7XK2M-9QD4T-0VZ3H-R8PAN-5CWJE', '001', at => '2026-04-10')" \
		-c "SELECT * FROM license.expiring('80 years', '2026-04-10') ORDER BY 1, 2" \
		-c "SELECT license.license_data(4, 83), license.license_data(4, 88)" \
		-c "SELECT license.has_permission(4, 32, 'open_door')"
}

check_upgraded()
{
	is "$(query -c "SHOW server_version_num" | cut -c1-2)" "$new" "the server is $new"
	is "$(contents)" "$contents_before" "every row of every table is the same"
	is "$(catalog)" "$catalog_before" "members, policies, triggers, jobs, grants and what pg_dump saves are the same"
	is "$(answers)" "$answers_before" "and so is what is answered about keys, licences, their ends and permissions"
	is "$(query -c "SELECT extversion = (SELECT default_version FROM pg_available_extensions WHERE name = extname)
		FROM pg_extension WHERE extname = 'license_ext'")" t "the extension has the version that is installed"
	is "$(query -c 'SELECT * FROM license.check_seats()')" '' "every counter is right"
	is "$(query -c "SELECT license.next_id() > $last_id")" t "ids go on"
	check_limits
	is "$(query -c 'SELECT * FROM license.check_seats()')" '' "and every counter is right afterwards"
}

check_limits()
{
	local phone="INSERT INTO license.device (account_id, site_id, apartment_id, device_code, kind, mode) VALUES (4, 11"

	sqlstate_is "$phone, 21, 'fifth', 'phone', 'cloud')" LX001 "the fifth phone of an apartment is refused"
	is "$(query -c "$phone, 24, 'first', 'phone', 'cloud')")" '' "an apartment with room takes one"
	sqlstate_is 'INSERT INTO public.ticket VALUES (9, 1, 1)' LX001 "a full hall of the application is full"
	sqlstate_is 'UPDATE public.ticket SET hall_id = 3 WHERE hall_id = 1' LX002 "six people never fit a hall of five places"
	is "$(query -c 'DELETE FROM public.ticket WHERE ticket_id = 2' -c 'INSERT INTO public.ticket VALUES (9, 1, 4)')" '' \
		"a place given back is taken again"
	is "$(query -c 'SET ROLE fill_customer' -c 'SELECT DISTINCT account_id FROM license.license')" 4 \
		"a customer sees the own licences only"
}

cd "$work"
trap 'tail -n 20 "$work"/*.log' ERR
create_server "$old"
create_server "$new"
start_server "$old"
fill
contents_before=$(contents)
catalog_before=$(catalog)
answers_before=$(answers)
last_id=$(query -c 'SELECT license.next_id()')
stop_server "$old"
is "$(($(wc -l <<<"$contents_before") >= 28 && $(wc -l <<<"$catalog_before") >= 400 && $(wc -l <<<"$answers_before") >= 8))" 1 \
	"there is something to lose"
status=0
program "$new" pg_upgrade -U postgres -s "$work" -d "$work/data$old" -D "$work/data$new" \
	-b "$work/$old/usr/lib/postgresql/$old/bin" -B "$work/$new/usr/lib/postgresql/$new/bin" || status=$?
is "$status" 0 "pg_upgrade from $old to $new"
if [[ $status -eq 0 ]]; then
	start_server "$new"
	check_upgraded
	stop_server "$new"
fi
trap - ERR
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
