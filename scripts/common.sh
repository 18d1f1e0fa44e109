# shellcheck shell=bash
#
# What the scripts in scripts/ and bench/run share; each sources this file.
#
# Everything happens in $work, a private folder that is removed when the script ends,
# however it ends. The folder holds a copy of the checkout, the installed extension, and
# a cluster that listens only on a socket in the folder. PostgreSQL refuses to run as
# root, so a script that is run by root gives the folder to $runner and runs all of
# this as $runner.

set -u

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=
runner=
postgres_bin=
postgres_major=
job=				# process group of what runs now
background=			# process that runs beside it
dropin=				# see apt_install_server
dropin_folder=

say() {
	printf '%s\n' "$*"
}

# help_asked "$@": if the first argument is --help, prints the comment at the top of the
# script, which says what the script does and how to call it, and ends the script.
help_asked() {
	case ${1:-} in
		-h | --help)
			sed -n '3,${ /^#/!q; s/^# \{0,1\}//p; }' "$0"
			exit 0 ;;
	esac
}

# wrong_usage MESSAGE: ends a script that was called with arguments it does not have.
wrong_usage() {
	die "$*; --help shows how to call it"
}

die() {
	printf 'scripts/%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# The environment of the caller must not decide what is tested: no server of
# his, no locale, no home folder. $PG_CONFIG is what he may choose.
prepare() {
	local chosen=${PG_CONFIG:-} folder=${TMPDIR:-/tmp}

	unset "${!PG@}" "${!LC_@}" LANGUAGE MAKEFLAGS MFLAGS MAKELEVEL CDPATH TEMP_CONFIG
	export LANG=C.UTF-8 LESS=-FRX
	[ -z "$chosen" ] || export PG_CONFIG=$chosen
	# What is only in root's own folders, $runner could not start.
	[ "$EUID" -ne 0 ] || PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

	# A socket's path has to fit into 107 bytes.
	[ ${#folder} -le 40 ] || folder=/tmp
	umask 022
	work=$(mktemp -d "$folder/plf.XXXXXX") || die "cannot make a folder in $folder"
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	mkdir "$work/home" "$work/tmp" "$work/log" || die "cannot write to $work"
	export HOME=$work/home TMPDIR=$work/tmp
	cd "$work" || exit 1
}

# Called once the packages are there, which bring the user along.
choose_runner() {
	runner=$(id -un)
	[ "$EUID" -eq 0 ] || return 0
	runner=postgres
	id "$runner" >/dev/null 2>&1 || runner=nobody
	chown "$runner:" "$work" "$work/home" "$work/tmp" "$work/log"
	as_runner test -w "$work" || die "$runner cannot reach $work: set TMPDIR to a folder it can enter"
}

as_runner() {
	if [ "$EUID" -eq 0 ]; then
		setpriv --reuid "$runner" --regid "$(id -g "$runner")" --init-groups -- "$@"
	else
		"$@"
	fi
}

clean_up() {
	local pidfile pid

	trap '' INT TERM HUP
	cd / || :
	[ -z "$job" ] || kill -- "-$job" 2>/dev/null
	[ -z "$background" ] || kill "$background" 2>/dev/null
	# Clusters of tests that were cut off are in here as well.
	find "$work" -name postmaster.pid -type f 2>/dev/null | while read -r pidfile; do
		read -r pid <"$pidfile" && kill -QUIT "$pid" 2>/dev/null
	done
	[ -z "$dropin" ] || remove_dropin
	wait 2>/dev/null
	rm -rf "$work" 2>/dev/null || { sleep 1; rm -rf "$work"; }
}

missing=()

# want PACKAGE COMMAND...: the package is missing when the command fails.
want() {
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || missing+=("$package")
}

header_found() {
	printf '#include <%s>\n' "$1" | cc -E - -o /dev/null
}

# What is missing of what it takes to build and run; the function given adds
# what its script needs beyond that.
collect_missing() {
	missing=()
	want make command -v make
	want gcc command -v cc
	want libc6-dev header_found stdio.h
	want pkg-config command -v pkg-config
	want libcurl4-openssl-dev header_found curl/curl.h
	want libjansson-dev header_found jansson.h
	want python3 command -v python3
	"$1"
}

# The client's package on Debian brings PGXS along, but not the headers.
has_pgxs() {
	[ -n "$1" ] && [ -f "$("$1/pg_config" --pgxs 2>/dev/null)" ] &&
		[ -f "$("$1/pg_config" --includedir-server 2>/dev/null)/postgres.h" ]
}

# The server to use, from 15 on: $PG_CONFIG's, else the newest that has its
# development files, else the newest. Sets postgres_bin and postgres_major.
find_postgres() {
	local bin major config=${PG_CONFIG:-pg_config}

	postgres_bin=
	for bin in $("$config" --bindir 2>/dev/null) \
		$([ -n "${PG_CONFIG:-}" ] || ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V); do
		[[ -x $bin/postgres && -x $bin/pg_config ]] || continue
		major=$("$bin/pg_config" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
		[ "$major" -ge 15 ] || continue
		if has_pgxs "$bin" || ! has_pgxs "$postgres_bin"; then
			postgres_bin=$bin
			postgres_major=$major
		fi
	done
}

# The major version that Debian's "postgresql" stands for.
debian_postgres() {
	apt-cache depends postgresql 2>/dev/null |
		sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1
}

# Installs what is missing, the server included, after saying what; who may not
# is told what is missing. With $with_sudo set, sudo is tried; with $builds_server set,
# the server is not asked for.
install_missing() {
	local server=

	find_postgres
	collect_missing "$1"
	if [ -n "${builds_server:-}" ]; then
		:
	elif [ -z "$postgres_bin" ]; then
		[ -z "${PG_CONFIG:-}" ] || die "PG_CONFIG=$PG_CONFIG leads to no server from 15 on"
		server=postgresql
	elif ! has_pgxs "$postgres_bin"; then
		missing+=("postgresql-server-dev-$postgres_major")
	fi
	[ -n "$server${missing[*]}" ] || return 0

	command -v apt-get >/dev/null ||
		die "missing, by the names of Debian: ${missing[*]} $server"
	[ "$EUID" -eq 0 ] || { [ -n "${with_sudo:-}" ] && command -v sudo >/dev/null; } ||
		die "missing packages: ${missing[*]} $server; install them, or run this as root once"

	as_root apt-get update -q </dev/null >"$work/log/apt" 2>&1 || tail -n 5 "$work/log/apt" >&2
	if [ -n "$server" ]; then
		postgres_major=$(debian_postgres)
		[ -n "$postgres_major" ] || die "apt does not know the package postgresql"
		server=postgresql-$postgres_major
		missing+=("postgresql-server-dev-$postgres_major")
	fi
	say "Installing packages: ${server:+$server }${missing[*]}"
	[ -z "$server" ] || apt_install_server "$server"
	[ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"

	find_postgres
	collect_missing "$1"
	[ -n "${builds_server:-}" ] || has_pgxs "$postgres_bin" ||
		missing+=("PGXS and the server's headers")
	[ ${#missing[@]} -eq 0 ] || die "missing even after the installation: ${missing[*]}"
}

as_root() {
	if [ "$EUID" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
		apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 \
		"$@" </dev/null >"$work/log/apt" 2>&1 ||
		{ tail -n 30 "$work/log/apt" >&2; die "apt-get could not install $*"; }
}

# Debian makes and starts a cluster when it installs a server. A drop-in that
# says no is there only while it does.
apt_install_server() {
	local config=/etc/postgresql-common/createcluster

	apt_install postgresql-common
	[ -d "$config.d" ] || dropin_folder=$config.d
	dropin=$config.d/payment_links_fdw.conf
	as_root mkdir -p "$config.d"
	printf 'create_main_cluster = off\n' | as_root tee "$dropin" >/dev/null
	[ "$(pg_conftool "$config.conf" show -bs create_main_cluster 2>/dev/null)" = off ] ||
		die "cannot keep Debian from making a cluster; install $1 yourself"
	apt_install "$1"
	remove_dropin
}

remove_dropin() {
	as_root rm -f "$dropin"
	[ -z "$dropin_folder" ] || as_root rmdir "$dropin_folder" 2>/dev/null
	dropin=
}

# make in the copy of the checkout, for the server found above
make_in_copy() {
	as_runner make -s -C "$work/tree" PG_CONFIG="$postgres_bin/pg_config" "$@"
}

# The checkout, and where it has to be the server (see server_finds_by).
copy_checkout() {
	mkdir "$work/tree"
	tar -C "$top" --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' \
		--exclude=./tmp_check --exclude=./results --exclude=__pycache__ --exclude=build \
		-cf - . | tar -C "$work/tree" --no-same-owner -xf - || die "cannot copy the checkout"
	[ "$EUID" -ne 0 ] || chown -R "$runner:" "$work/tree"
	[ "$(server_finds_by)" != copy ] || copy_server
}

# How a server is told of an extension that is not in its own folders: by the setting
# extension_control_path (18 and later) or extension_destdir (Debian's packages), else
# it is copied, and the extension is put into the copy's folders.
server_finds_by() {
	if [ "$postgres_major" -ge 18 ]; then
		echo extension_control_path
	elif "$postgres_bin/postgres" --describe-config | grep '^extension_destdir	' >/dev/null; then
		echo extension_destdir
	else
		echo copy
	fi
}

# A server finds its folders from where its programs are, so a copy of all of them
# is a server of its own.
copy_server() {
	local prefix=${postgres_bin%/*} folder

	[ "$prefix" != "$work/server" ] || return 0
	for folder in --sharedir --pkglibdir --includedir-server; do
		[[ $("$postgres_bin/pg_config" "$folder") == "$prefix"/* ]] ||
			die "PostgreSQL $postgres_major in $prefix cannot be told where the extension is"
	done
	cp -a "$prefix" "$work/server" || die "cannot copy the server"
	[ "$EUID" -ne 0 ] || chown -R "$runner:" "$work/server"
	postgres_bin=$work/server/${postgres_bin##*/}
}

# build [make's variables]: compiles, installs into $work/stage or into the copy of the
# server, and writes the settings by which the server finds the extension to
# $work/extension.conf.
build() {
	local stage=$work/stage config=$postgres_bin/pg_config by

	by=$(server_finds_by)
	[ "$by" != copy ] || stage=
	make_in_copy -j"$(nproc)" "$@" all && make_in_copy "$@" DESTDIR="$stage" install || return

	case $by in
		extension_control_path) printf "$by = '%s:\$system'\n" "$stage$("$config" --sharedir)" ;;
		extension_destdir) printf "$by = '%s'\n" "$stage" ;;
	esac >"$work/extension.conf"
	[ "$by" = copy ] ||
		printf "dynamic_library_path = '%s:\$libdir'\n" "$stage$("$config" --pkglibdir)" \
			>>"$work/extension.conf"
}

# start_cluster: afterwards PGHOST, PGUSER and PGDATABASE lead to it.
start_cluster() {
	local data=$work/data

	export PGHOST=$work/socket PGPORT=5432 PGUSER=$runner PGDATABASE=postgres
	as_runner mkdir -m 700 "$PGHOST" || return
	as_runner "$postgres_bin/initdb" -D "$data" -A trust -U "$PGUSER" -N -E UTF8 \
		--locale=C.UTF-8 >"$work/log/initdb" 2>&1 ||
		{ cat "$work/log/initdb" >&2; return 1; }
	as_runner tee -a "$data/postgresql.conf" >/dev/null <<-END
		listen_addresses = ''
		unix_socket_directories = '$PGHOST'
		fsync = off
		timezone = 'UTC'
		$(cat "$work/extension.conf")
	END
	as_runner "$postgres_bin/pg_ctl" -D "$data" -l "$work/log/server" -w -s start ||
		{ tail -n 20 "$work/log/server" >&2; return 1; }
}

psql_here() {
	as_runner "$postgres_bin/psql" -X -q -v ON_ERROR_STOP=1 "$@"
}

# make_private_cluster [make's variables]: a cluster with the extension installed, for
# scripts that do more with the cluster than test it.
make_private_cluster() {
	prepare
	install_missing :
	choose_runner
	copy_checkout
	build with_llvm=no "$@" >"$work/log/build" 2>&1 ||
		{ cat "$work/log/build" >&2; die "the extension does not build"; }
	start_cluster || die "the private cluster does not start"
}

# as_job COMMAND...: runs it for the cluster, as a job.
as_job() {
	job_of as_runner env PATH="$postgres_bin:$PATH" "$@"
}

# job_of COMMAND...: runs it as a job of its own, so that a signal to this script
# ends it at once.
job_of() {
	local status

	set -m
	"$@" </dev/null &
	job=$!
	set +m
	wait "$job"
	status=$?
	job=
	return "$status"
}
