#!/bin/bash
# Moves a filled server to another major version with pg_upgrade: upgrade_major.sh OLD NEW.
# Both servers run in the folder of the new one, as after an upgrade of Debian itself, from copies
# that have the extension; what the old one misses of its release's libraries comes along.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=test/folders.sh
. "$root/test/folders.sh"

# PostgreSQL finds its files relative to the program, so that a copy is complete.
copy_server()
{
	local version=$1 from=$folders/${release[$1]} to=$2/$1

	mkdir -p "$to/usr/lib/postgresql" "$to/usr/share/postgresql"
	cp -a "$from/usr/lib/postgresql/$version" "$to/usr/lib/postgresql/"
	cp -a "$from/usr/share/postgresql/$version" "$to/usr/share/postgresql/"
	rm -rf "$to/usr/lib/postgresql/$version/lib/"{bitcode,llvmjit*}
	add_extension "$version" "$from" "$to"
}

add_extension()
{
	local version=$1 from=$2 to=$3

	copy_tree "$from"
	inside "$from" make -s -j2 -C /build with_llvm=no DESTDIR=/build/inst \
		PG_CONFIG="/usr/lib/postgresql/$version/bin/pg_config" install
	cp -a "$from/build/inst/." "$to/"
	rm -rf "$from/build/inst"
}

# Libraries of the old release that the new one has no more, as long as one is missing.
copy_libraries()
{
	local version=$1 work=$2 from=$folders/${release[$1]} folder=$folders/${release[$3]} missing library

	mkdir -p "$work/libraries"
	# shellcheck disable=SC2016 # for the inner shell
	while missing=$(inside "$folder" sh -c 'LD_LIBRARY_PATH=/upgrade/libraries ldd /upgrade/$0/usr/lib/postgresql/$0/bin/* || true' \
		"$version" 2>/dev/null | awk '/not found/ { print $1 }' | sort -u) && [[ -n $missing ]]; do
		for library in $missing; do
			cp -L "$from"/usr/lib/*-linux-gnu/"$library" "$work/libraries/"
		done
	done
}

upgrade()
{
	local old=$1 new=$2 folder=$folders/${release[$2]}
	local work=$folder/upgrade

	prepare_folder "$folders/${release[$old]}" "$old"
	prepare_folder "$folder" "$new"
	rm -rf "$work"
	copy_server "$old" "$work"
	copy_server "$new" "$work"
	copy_libraries "$old" "$work" "$new"
	cp -a "$root/test" "$work/"
	inside "$folder" sh -c 'chown postgres: /upgrade && exec runuser -u postgres -- "$@"' sh \
		bash /upgrade/test/upgrade_inside.sh "$old" "$new"
	rm -rf "$work"
}

[[ $# -eq 2 ]] || { echo "upgrade_major.sh OLD NEW" >&2; exit 2; }
require_root
require_releases "$@"
upgrade "$@"
