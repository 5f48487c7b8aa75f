#!/bin/bash
# Runs suites on a PostgreSQL with assertions that overwrites memory it frees: debug_server.sh cassert [what...],
# with valgrind watching it: debug_server.sh valgrind [what...], or with its caches emptied at every chance:
# debug_server.sh caches [pgtap:what...]. Built once, of Debian's source, below /var/tmp.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=test/folders.sh
. "$root/test/folders.sh"
folder=$folders/cassert
version=15

# The folder has what Debian built, and next to it this.
prefix=/opt/postgresql

install_build_tools()
{
	echo "deb-src $(find_mirror) ${release[$version]} main" >"$folder/etc/apt/sources.list.d/source.list"
	inside "$folder" apt-get -q update
	inside "$folder" apt-get -q -y install dpkg-dev libc6-dbg libssl-dev patch valgrind
}

# As src/include/pg_config_manual.h there wants it for valgrind. pgTAP and pg_cron are the ones Debian built.
build_server()
{
	# shellcheck disable=SC2016 # for the inner shell
	inside "$folder" sh -euc '
		rm -rf /source "$2"
		mkdir /source
		cd /source
		apt-get -q source "postgresql-$1"
		cd "postgresql-$1"-*
		./configure --quiet --prefix="$2" --enable-cassert --enable-debug --with-openssl \
			--without-readline --without-zlib \
			CFLAGS="-O1 -fno-omit-frame-pointer -DUSE_VALGRIND -DRANDOMIZE_ALLOCATED_MEMORY"
		nice make -s -j2
		make -s install
		make -s -C contrib/pgcrypto install
		cp src/tools/valgrind.supp "$2"
		cd "/usr/share/postgresql/$1/extension"
		cp pgtap* pg_cron* "$("$2/bin/pg_config" --sharedir)/extension"
		cp "/usr/lib/postgresql/$1/lib/pg_cron.so" "$("$2/bin/pg_config" --pkglibdir)"
		touch "$2/ready"' sh "$version" "$prefix"
}

prepare_server()
{
	prepare_folder "$folder" "$version" || return 1
	[[ ! -e $folder$prefix/ready ]] || return 0
	use_proxy
	say "building PostgreSQL $version with assertions in $folder"
	{ install_build_tools && build_server; } >>"$folder.log" 2>&1 </dev/null || { tail -n 20 "$folder.log"; return 1; }
}

# Everything takes some thirty times as long; these take a quarter of an hour.
valgrind_suites=(regress pgtap:{contract,denial,hostile,my2n_voucher,seat,validate})

# A statement takes seconds; these take more than an hour.
cache_suites=(pgtap:{seat_alter,seat_inheritance,seat_nested})

mode=${1:-}
shift || true
case $mode in
	cassert) wanted=(regress isolation pgtap) settings=() ;;
	caches) wanted=("${cache_suites[@]}") settings=(DISCARD_CACHES=1) ;;
	valgrind) wanted=("${valgrind_suites[@]}") settings=(VALGRIND=1) ;;
	*) echo "debug_server.sh caches|cassert|valgrind [what...]" >&2; exit 2 ;;
esac
[[ $# -eq 0 ]] || wanted=("$@")
require_root
prepare_server
copy_tree "$folder"
inside "$folder" env PG_CONFIG="$prefix/bin/pg_config" "${settings[@]}" /build/test/run.sh test "${wanted[@]}"
