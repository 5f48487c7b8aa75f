# shellcheck shell=bash
# shellcheck disable=SC2154 # root
# Folders with other Debian releases and their PostgreSQL, made once and used again. Sourced; `root` is the tree.

PATH=$PATH:/usr/sbin:/sbin
folders=${FOLDERS:-/var/tmp/license_ext}
declare -A release=([15]=bookworm [17]=trixie [18]=sid)

say()
{
	echo "$(date +%T) $*"
}

# With a /proc of its own (Debian's postgresql-common and bash ask for one), and gone with all of its
# processes and the mount when the command ends.
inside()
{
	local folder=$1

	shift
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --pid --fork --kill-child sh -c 'mount -t proc proc "$0/proc" && chroot "$0" "$@"' \
		"$folder" env -i ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}

# Where this machine gets its own release from is where it gets the others from.
find_mirror()
{
	# shellcheck disable=SC1091,SC2016 # apt expands the format
	apt-get indextargets --format '$(RELEASE) $(SITE)' 'Created-By: Packages' |
		awk -v name="$(. /etc/os-release && echo "$VERSION_CODENAME")" '$1 == name { print $2; exit }'
}

# A proxy that apt has been told about is for debootstrap and the apt in the folder too.
use_proxy()
{
	local http="" https=""

	eval "$(apt-config shell http Acquire::http::Proxy https Acquire::https::Proxy)"
	export http_proxy=${http:-${http_proxy:-}} https_proxy=${https:-${https_proxy:-}}
}

install_debootstrap()
{
	command -v debootstrap >/dev/null ||
		DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends debootstrap </dev/null
}

# No daemon starts, no cluster "main" is made, and nobody reads manuals there. A mirror that lags has
# an expired list of sid.
configure_folder()
{
	local folder=$1

	printf '#!/bin/sh\nexit 101\n' >"$folder/usr/sbin/policy-rc.d"
	chmod +x "$folder/usr/sbin/policy-rc.d"
	mkdir -p "$folder/etc/postgresql-common"
	echo 'create_main_cluster = false' >"$folder/etc/postgresql-common/createcluster.conf"
	printf 'path-exclude=/usr/share/%s/*\n' doc man locale >"$folder/etc/dpkg/dpkg.cfg.d/small"
	cat >"$folder/etc/apt/apt.conf.d/small" <<-'CONF'
		Acquire::Check-Valid-Until "false";
		APT::Install-Recommends "false";
	CONF
}

# The headers are unpacked, not installed: the package would bring all of LLVM along.
install_server()
{
	local folder=$1 version=$2

	inside "$folder" apt-get -q update
	inside "$folder" apt-get -q -y install "postgresql-$version" "postgresql-$version-cron" \
		"postgresql-$version-pgtap" gcc libc6-dev libipc-run-perl libpq-dev \
		libtap-parser-sourcehandler-pgtap-perl make
	inside "$folder" sh -c "cd /tmp && apt-get -q download postgresql-server-dev-$version &&
		dpkg -x postgresql-server-dev-${version}_*.deb / && rm postgresql-server-dev-*.deb && apt-get clean"
}

make_folder()
{
	local folder=$1 version=$2

	rm -rf --one-file-system "$folder"
	unshare --mount debootstrap --variant=minbase "${release[$version]}" "$folder" "$(find_mirror)"
	configure_folder "$folder"
	install_server "$folder" "$version"
	touch "$folder/ready"
}

# The folder of a version; a half-made one is made again.
prepare_folder()
{
	local folder=$1 version=$2

	[[ ! -e $folder/ready ]] || return 0
	say "making $folder (PostgreSQL $version on ${release[$version]})"
	use_proxy
	install_debootstrap
	mkdir -p "$folders"
	make_folder "$folder" "$version" >"$folder.log" 2>&1 </dev/null || { tail -n 20 "$folder.log"; return 1; }
}

# Without objects of another version, which make would take for its own.
copy_tree()
{
	rm -rf "$1/build"
	mkdir "$1/build"
	tar -C "$root" --exclude-vcs --exclude='*.o' --exclude='*.bc' --exclude='*.so' \
		--exclude='./license_ext--*.sql' -cf - . | tar -C "$1/build" -xf -
}

require_root()
{
	[[ $EUID -eq 0 ]] || { echo "needs root, for the folders with other Debian releases" >&2; exit 1; }
}

require_releases()
{
	local version

	for version in "$@"; do
		[[ -n ${release[$version]:-} ]] || { echo "no Debian release for PostgreSQL $version" >&2; exit 2; }
	done
}
