# shellcheck shell=bash
#
# The parts that scripts/test, scripts/coverage, scripts/check-memory and
# scripts/check-server are made of, and how a part is run, timed and reported. These
# scripts source this file after common.sh.
# shellcheck disable=SC2154,SC2034	# variables of common.sh, and for these scripts

declare -A names=()		# by part: the tests to run, separated by blanks; none: all
declare -A again=()		# by part that failed: the arguments of scripts/test that run it again
failed=()			# titles of parts
verbose=			# set: the output of a part is shown while it runs
shown=				# parts whose output is shown even if they pass

needs_of_tests() {
	want perl command -v prove
	want libipc-run-perl perl -MIPC::Run -e 1
	want openssl command -v openssl
}

# The HTTP/2 tests use nginx. Its package would start a web server, so only the program
# is taken from the package, into the private folder.
borrow_nginx() {
	command -v nginx >/dev/null && return
	( cd "$work/tmp" && apt-get download -q nginx && dpkg -x nginx_*.deb "$work/nginx" ) \
		>"$work/log/nginx" 2>&1 || say "skipped: the tests of HTTP/2, as nginx is not installed and cannot be fetched"
	PATH=$PATH:$work/nginx/usr/sbin
}

# The parts. Each returns 0 if it passed.

strict_build() {
	build COPT='-Wall -Wextra -Werror' ${without_llvm:+with_llvm=no}
}

unit() {
	local programs=() name

	for name in ${names[unit]:-}; do
		programs+=("build/$name")
	done
	make_in_copy -C test/unit check ${programs:+TESTS="${programs[*]}"} \
		LIST_SECONDS="${LIST_SECONDS:-${FUZZ_SECONDS:-60}}" "$@"
}

sql() {
	start_cluster || return
	make_in_copy installcheck TAP_TESTS= ${names[sql]:+REGRESS="${names[sql]}"}
}

# PostgreSQL::Test::Cluster appends TEMP_CONFIG to the settings of each cluster. make may
# return 0 without having run prove, so prove's own result counts.
tap() {
	unset PGHOST PGPORT PGUSER PGDATABASE
	TEMP_CONFIG=$work/extension.conf make_in_copy installcheck REGRESS= ISOLATION= \
		${names[tap]:+PROVE_TESTS="${names[tap]}"} ${PROVE_FLAGS:+PROVE_FLAGS="$PROVE_FLAGS"} |
		tee "$work/log/prove"
	[ "${PIPESTATUS[0]}" -eq 0 ] && grep -q '^Result: PASS' "$work/log/prove"
}

# Removes what was built, and keeps the output of tests that failed.
clean_objects() {
	make_in_copy clean TAP_TESTS= pg_regress_clean_files= EXTRA_CLEAN=
}

# Stops the cluster and removes it, since the next one has the same folders.
stop_cluster() {
	[ ! -e "$work/data/postmaster.pid" ] ||
		as_runner "${real_bin:-$postgres_bin}/pg_ctl" -D "$work/data" -m fast -w -s stop
	rm -rf "$work/data" "$work/socket"
}

# part NAME [TITLE]: runs the function NAME as a job of its own, so that a signal to this
# script ends it at once. Prints a line: the title, the seconds it took, and what ran or
# that it failed. What failed is kept for show_failures.
part() {
	local name=$1 title=${2:-$1} began=$SECONDS status log=$work/log/$1

	# In the subshell of a job, $verbose decides where the output goes.
	if [ -n "$verbose" ]; then
		printf '\n== %s\n' "$title"
	else
		printf '%-24s' "$title"
	fi
	set -m
	if [ -n "$verbose" ]; then
		( set -o pipefail; "$name" 2>&1 </dev/null | tee "$log" | without_summary ) &
	else
		"$name" >"$log" 2>&1 </dev/null &
	fi
	job=$!
	set +m
	wait "$job"
	status=$?
	job=
	[ -z "$verbose" ] || printf '%-24s' "$title"
	printf '%5d s' $((SECONDS - began))
	if [ "$status" -eq 0 ]; then
		printf '  %s\n' "$(what_ran "$name")"
		[ -n "$verbose" ] || also_shown "$name"
	else
		printf '  FAILED%s\n' "$(which_failed "$name")"
		failed+=("$title")
		again[$name]=$name$(which_failed "$name")
		{ printf '\n== %s: what failed\n' "$title"; failures_of "$name"; } >>"$work/log/failures"
	fi
	return "$status"
}

# prove's summary is the last thing that the script prints, so it is left out here.
without_summary() {
	sed -u '/^Test Summary Report$/,$d; /^All tests successful\.$/,$d'
}

# what_ran NAME: one line about a part that passed.
what_ran() {
	local log=$work/log/$1

	case $1 in
		unit*) printf 'programs: %d, tests: %d\n' "$(grep -c '^# build/' "$log")" "$(grep -c '^ok ' "$log")" ;;
		sql) printf 'files: %d\n' "$(grep -cE '^(ok [0-9]+|test .*\.\.\. ok)' "$log")" ;;
		tap) sed -n 's/^Files=\([0-9]*\), Tests=\([0-9]*\),.*/files: \1, tests: \2/p' "$log" ;;
		fuzz) sed -n 's/^stat::number_of_executed_units: *//p' "$log" | awk '{ n += $1 } END { if (n) print "inputs: " n }' ;;
		sample_api) sed -n 's/^Ran \([0-9]*\) tests.*/tests: \1/p' "$log" ;;
	esac
}

# also_shown NAME: what else is shown of a part that passed.
also_shown() {
	if [[ " $shown " == *" $1 "* ]]; then
		sed 's/^/    /' "$work/log/$1"
	else
		sed -n 's/^skipped/    &/p' "$work/log/$1"
	fi
}

# which_failed NAME: of a part that failed, the tests that failed, each after a blank;
# nothing if the whole part failed or has no tests with names.
which_failed() {
	local log=$work/log/$1

	case $1 in
		unit*) sed -n '/^# build\//{ s,^# build/,,; h; }; /^not ok /{ g; p; }; /^FAILED /{ s,^FAILED build/,,; p; }' "$log" |
			sort -u ;;
		sql) sed -n 's/^test \([^ ]*\) .*\.\.\. FAILED.*/\1/p; s/^not ok [0-9]* *[-+] \([^ ]*\).*/\1/p' "$log" ;;
		tap) sed -n 's,^\(t/[^ ]*\.pl\)  *(Wstat.*,\1,p' "$log" ;;
	esac | tr '\n' ' ' | sed 's/^\(.\)/ \1/; s/ $//'
}

# failures_of NAME: what a person needs to see of a part that failed.
failures_of() {
	local log=$work/log/$1

	case $1 in
		unit*) grep -v '^ok ' "$log" | tail -n 300 ;;
		sql) sql_failures ;;
		tap) tap_failures ;;
		*) tail -n 300 "$log" ;;
	esac
}

sql_failures() {
	if [ -s "$work/tree/regression.diffs" ]; then
		head -n 400 "$work/tree/regression.diffs"
		rm -f "$work/tree/regression.diffs"
	else
		tail -n 60 "$work/log/sql"
	fi
	crashes_in "$work/log/server"
}

# For each file: the tests that are not ok, with their diagnostics. Of a file that ended
# early also the end of its log.
tap_failures() {
	local test logs=$work/tree/tmp_check/log

	[ -n "$(which_failed tap)" ] || { tail -n 60 "$work/log/tap"; return; }
	for test in $(which_failed tap); do
		test=${test#t/}
		test=${test%.pl}
		printf '\n-- t/%s.pl\n' "$test"
		awk '/^(\[[^]]*\]\([^)]*\) *)?not ok/ && !/# TODO/ { show = 1; print; next }
			show && /^(\[[^]]*\]\([^)]*\) *)?(#|$)/ { if (/#/) print; next }
			{ show = 0 }' "$logs/regress_log_$test" | head -n 200
		grep -aq '^\(\[[^]]*\]([^)]*) *\)\?1\.\.[0-9]' "$logs/regress_log_$test" ||
			{ echo "-- the end of its log:"; tail -n 20 "$logs/regress_log_$test"; }
		crashes_in "$logs/$test"_*.log
	done
}

# crashes_in LOG...: what these logs of servers say of processes that crashed.
crashes_in() {
	grep -ahE 'TRAP:|PANIC|terminated by signal' "$@" 2>/dev/null | head -n 20
}

show_failures() {
	[ ! -s "$work/log/failures" ] || cat "$work/log/failures"
	rm -f "$work/log/failures"
}

# prove's own summary
show_summary() {
	[ ! -s "$work/log/tap" ] ||
		{ echo; sed -n '/^Test Summary Report$\|^All tests successful\.$/,/^Result:/p' "$work/log/tap"; }
}
