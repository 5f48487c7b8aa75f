#!/bin/bash
# Installs the Debian packages that building and testing need, and those it is told; does nothing when all are there.
set -euo pipefail

major=$("${PG_CONFIG:-pg_config}" --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p') || true
major=${major:-15}
server=postgresql-$major

packages=(
	gcc
	libc6-dev
	libipc-run-perl
	libtap-parser-sourcehandler-pgtap-perl
	make
	perl
	"$server"
	"$server-cron"
	"$server-pgtap"
	"$@"
)

# The headers may have been unpacked without the package, which wants all of LLVM.
# libpq-dev alone brings pg_config and pgxs.mk, but neither headers nor test programs.
headers=$("${PG_CONFIG:-pg_config}" --includedir-server 2>/dev/null) || true
[[ -e $headers/postgres.h ]] || packages+=("postgresql-server-dev-$major")

is_installed()
{
	[[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

find_missing()
{
	local package

	missing=()
	for package in "${packages[@]}"; do
		is_installed "$package" || missing+=("$package")
	done
}

as_root()
{
	if [[ $EUID -eq 0 ]]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "missing packages, and neither root nor sudo; have somebody run:" >&2
		echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
		return 1
	fi
}

apt()
{
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# Debian starts a cluster named "main" with a new server. Nobody asked for one here.
no_main_cluster=/etc/postgresql-common/createcluster.d/license_ext_test.conf

suppress_main_cluster()
{
	trap 'as_root rm -f "$no_main_cluster"' EXIT
	as_root mkdir -p "${no_main_cluster%/*}"
	as_root tee "$no_main_cluster" >/dev/null <<<"create_main_cluster = false"
}

install_missing()
{
	echo "installing: ${missing[*]}"
	apt update
	if ! is_installed "$server"; then
		suppress_main_cluster
	fi
	apt install --no-install-recommends "${missing[@]}"
}

if ! command -v dpkg-query >/dev/null; then
	echo "not a Debian system: expecting the equivalents of ${packages[*]}" >&2
	exit 0
fi
find_missing
if [[ ${#missing[@]} -gt 0 ]]; then
	install_missing
fi
