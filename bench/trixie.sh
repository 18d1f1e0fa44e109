# shellcheck shell=bash
# shellcheck disable=SC2154		# variables of common.sh
#
# A Debian 13 to measure in, for bench/run on a machine that does not have the
# peers' packages; sourced by it.
#
# It lives in the private folder, or in the folder $TRIXIE, where one that was made
# before is used and left. It runs in namespaces of its own: what is mounted in it
# and what was started in it ends with it, however it ends.

trixie_packages=(postgresql-17 postgresql-server-dev-17 postgresql-17-http
	postgresql-plpython3-17 make gcc libc6-dev pkg-config libcurl4-openssl-dev
	libjansson-dev python3 nginx libnginx-mod-http-lua curl jq openssl valgrind)

# Whether the server that would be used has the peers, and the machine the rest.
has_peers() {
	local each

	find_postgres
	[ -n "$postgres_bin" ] && has_pgxs "$postgres_bin" && [ "$postgres_major" -ge 17 ] || return
	for each in http plpython3u; do
		[ -e "$("$postgres_bin/pg_config" --sharedir)/extension/$each.control" ] || return
	done
	for each in nginx curl jq openssl cc; do
		command -v "$each" >/dev/null || return
	done
	[ -e /usr/lib/nginx/modules/ngx_http_lua_module.so ]
}

box=			# folder in there, for the checkout and what bench/run makes

# run_in_trixie ARGUMENT...: bench/run with these, in there.
run_in_trixie() {
	local root=${TRIXIE:-}

	[ "$EUID" -eq 0 ] ||
		die "speed wants, by the names of Debian 13: ${trixie_packages[*]}; install them, or run this as root"
	[ -n "$work" ] || prepare
	if [ -z "$root" ]; then
		root=$work/trixie
		make_trixie "$root"
	fi
	trap 'clean_up; rm -rf "$box"' EXIT
	box=$(mktemp -d "$root/tmp/plf.XXXXXX") || die "cannot make a folder in $root/tmp"
	chmod 755 "$box"
	mkdir "$box/tree"
	tar -C "$top" --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' \
		-cf - . | tar -C "$box/tree" --no-same-owner -xf - || die "cannot copy the checkout"
	in_trixie "$root" TMPDIR="${box#"$root"}" "${box#"$root"}/tree/bench/run" "$@"
}

# in_trixie FOLDER [NAME=VALUE...] COMMAND...: the command in the Debian in that folder.
in_trixie() {
	# shellcheck disable=SC2016
	isolated sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" env -i PATH="$PATH" LANG=C.UTF-8 "$@"' "$@"
}

# isolated COMMAND...: once the command has ended, or the job is ended, nothing is left
# that it started or mounted.
isolated() {
	job_of unshare --mount --pid --fork --kill-child -- "$@"
}

make_trixie() {
	local root=$1 mirror

	want debootstrap command -v debootstrap
	if [ ${#missing[@]} -gt 0 ]; then
		say "Installing packages: ${missing[*]}"
		as_root apt-get update -q </dev/null >"$work/log/apt" 2>&1
		apt_install "${missing[@]}"
	fi
	mirror=$(apt-cache policy 2>/dev/null | sed -n 's|.* \(http[^ ]*/debian\)/\{0,1\} .*|\1|p' | head -n 1)
	say "Making a Debian 13 with PostgreSQL 17 and the peers in $root"
	isolated debootstrap --variant=minbase trixie "$root" \
		"${mirror:-http://deb.debian.org/debian}" >"$work/log/debootstrap" 2>&1 ||
		{ tail -n 20 "$work/log/debootstrap" >&2; die "debootstrap failed"; }

	# No service is started, no cluster made.
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	mkdir -p "$root/etc/postgresql-common"
	printf 'create_main_cluster = false\n' >"$root/etc/postgresql-common/createcluster.conf"
	in_trixie "$root" env DEBIAN_FRONTEND=noninteractive \
		sh -c 'apt-get update -q && apt-get install -y -q --no-install-recommends "$@"' apt \
		"${trixie_packages[@]}" >"$work/log/trixie" 2>&1 ||
		{ tail -n 20 "$work/log/trixie" >&2; die "the packages could not be installed"; }
}
