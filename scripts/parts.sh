# shellcheck shell=bash
#
# The parts that scripts/test, scripts/check-memory and scripts/check-server are made
# of, and how parts are run, timed and reported; sourced by them after common.sh.

names=				# which tests of a part; none: all
failed=()			# parts
times=

needs_of_tests() {
	want perl command -v prove
	want libipc-run-perl perl -MIPC::Run -e 1
	want openssl command -v openssl
}

# The HTTP/2 tests want nginx. Its package would leave a running web server
# behind, so the program alone is unpacked into the private folder.
borrow_nginx() {
	command -v nginx >/dev/null && return
	( cd "$work/tmp" && apt-get download -q nginx && dpkg -x nginx_*.deb "$work/nginx" ) \
		>"$work/log/nginx" 2>&1 || say "nginx is neither here nor to be had: its tests will be skipped"
	PATH=$PATH:$work/nginx/usr/sbin
}

unit() {
	make_in_copy -C test/unit check | sed '/^ok /d'
}

sql() {
	start_cluster || return
	make_in_copy installcheck TAP_TESTS= ${names:+REGRESS="$names"}
}

# PostgreSQL::Test::Cluster appends TEMP_CONFIG to the settings of each cluster.
tap() {
	unset PGHOST PGPORT PGUSER PGDATABASE
	TEMP_CONFIG=$work/extension.conf make_in_copy installcheck REGRESS= ISOLATION= \
		${names:+PROVE_TESTS="$names"} ${PROVE_FLAGS:+PROVE_FLAGS="$PROVE_FLAGS"}
}

# What tests that failed have left is still to be shown.
clean_objects() {
	make_in_copy clean TAP_TESTS= pg_regress_clean_files= EXTRA_CLEAN=
}

# For the next cluster of the same name.
stop_cluster() {
	[ ! -e "$work/data/postmaster.pid" ] ||
		as_runner "${real_bin:-$postgres_bin}/pg_ctl" -D "$work/data" -m fast -w -s stop
	rm -rf "$work/data" "$work/socket"
}

# Files and tests, as prove has counted them
say_how_many() {
	sed -n '/^Files=/s/, *[0-9]* wallclock.*//p' "$work/log/tap"
}

# part NAME [TITLE]: runs that function as a job of its own, so that a signal to
# this script ends it at once; what it says is shown and kept in log/NAME.
part() {
	local name=$1 title=${2:-$1} began=$SECONDS status

	printf '\n== %s\n' "$title"
	set -m
	( set -o pipefail; "$name" 2>&1 </dev/null | tee "$work/log/$name" | without_summary ) &
	job=$!
	set +m
	wait "$job"
	status=$?
	job=
	# prove may not have run at all; only now is all of its output in the log.
	[ "$name" != tap ] || grep -q '^Result: PASS' "$work/log/tap" || status=1
	times+="$(printf '%6d s  %s' $((SECONDS - began)) "$title")"$'\n'
	[ "$status" -eq 0 ] || failed+=("$title")
	return "$status"
}

# prove's summary is printed at the very end, from the log.
without_summary() {
	sed -u '/^Test Summary Report$/,$d; /^All tests successful\.$/,$d'
}

show_failures() {
	local test

	if [ -s "$work/tree/regression.diffs" ]; then
		printf '\n== regression.diffs\n'
		head -n 400 "$work/tree/regression.diffs"
	fi
	if grep -qs 'terminated by signal' "$work/log/server"; then
		printf '\n== server log\n'
		tail -n 40 "$work/log/server"
	fi
	[ -s "$work/log/tap" ] || return 0
	for test in $(sed -n 's,^t/\([^ ]*\)\.pl  *(Wstat.*,\1,p' "$work/log/tap"); do
		printf '\n== from the log of t/%s.pl: what failed, and its end\n' "$test"
		grep -a -A 12 'not ok' "$work/tree/tmp_check/log/regress_log_$test" | head -n 120
		echo ...
		tail -n 20 "$work/tree/tmp_check/log/regress_log_$test"
	done
}

show_times() {
	printf '\n== time taken\n%s' "$times"
	[ ! -s "$work/log/tap" ] ||
		{ echo; sed -n '/^Test Summary Report$\|^All tests successful\.$/,/^Result:/p' "$work/log/tap"; }
}
