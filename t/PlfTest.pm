# PlfTest: what the TAP tests share: a cluster with the extension, servers on a sample API, and
# a session that stays open and returns all parts of an error.
#
#	my $node = PlfTest::cluster('main');
#	PlfTest::make_server($node, 'links', base_url => $api->url);
#	my $session = PlfTest->session($node);
#	my $result = $session->query(PlfTest::all_of('links'));
#	is($result->{rows}, PlfTest::links_of($api));
#
# A result has rows, state (SQLSTATE, '' without an error), message, detail, hint,
# context, errors (all that came on stderr) and seconds.

package PlfTest;

use strict;
use warnings;

use IO::Socket::INET;
use IPC::Run ();
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our $access_token = 'sample-access-token';

# How many times slower than by itself the server may be: bounds on its time are as many
# times wider, and the sample API is as many times later where it has to be late.
our $slowdown = $ENV{PLF_SLOWDOWN} || 1;

# A running cluster with the extension in its database postgres.
sub cluster
{
	my ($name, @settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init;
	$node->append_conf('postgresql.conf', "$_\n") foreach @settings;
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION payment_links_fdw');
	return $node;
}

# The folder of the libraries that came with the server.
sub library_folder
{
	my ($output) = run_command([ 'pg_config', '--pkglibdir' ]);

	return $output;
}

# The libraries that look over everybody's shoulder, where the server's package has them;
# overhear has them, and the server's log, tell all there is.
sub watchers
{
	return grep { -e library_folder() . "/$_.so" } qw(pg_stat_statements auto_explain);
}

sub overhear
{
	my ($node) = @_;

	$node->append_conf(
		'postgresql.conf', q{
		debug_print_parse = on
		debug_print_rewritten = on
		debug_print_plan = on
		log_statement = 'all'
		log_min_duration_statement = 0
		log_min_error_statement = debug5
		pg_stat_statements.track = all
		auto_explain.log_min_duration = 0
		auto_explain.log_analyze = on
		auto_explain.log_verbose = on
		auto_explain.log_nested_statements = on
	});
	$node->reload;
	return;
}

# Makes a server, with these options, that is read as NAME.payment_links.  The
# option "mapping" is the list of the user mapping's own, "database" where.
sub make_server
{
	my ($node, $name, %options) = @_;
	my $database = delete $options{database} // 'postgres';
	my $mapping = delete $options{mapping} // "access_token '$access_token'";
	my $list = join ', ', map { "$_ '$options{$_}'" } sort keys %options;

	# Core would log the statement with the tokens.
	$node->safe_psql(
		$database, qq{
		SET log_statement = 'none';
		CREATE SERVER $name FOREIGN DATA WRAPPER payment_links_fdw OPTIONS ($list);
		CREATE USER MAPPING FOR CURRENT_USER SERVER $name OPTIONS ($mapping);
		CREATE SCHEMA $name;
		IMPORT FOREIGN SCHEMA qonto FROM SERVER $name INTO $name;
	});
	return;
}

# A query for what decides whether all links were read, each once.
sub all_of
{
	return
	  "SELECT id, status, amount FROM $_[0].payment_links ORDER BY id::text COLLATE \"C\"";
}

# What it has to give, in the API's own words.
sub links_of
{
	my ($api) = @_;
	my $links = JSON::PP->new->decode($api->control('links'));

	return join "\n",
	  sort map { "$_->{id}|$_->{status}|$_->{amount}{value}" } @$links;
}

# Descriptors that a process has open, files aside: of those a backend keeps
# some, as it likes.
sub descriptors
{
	my ($pid) = @_;

	return scalar grep { (readlink // '') =~ /^(socket|pipe|anon_inode):/ }
	  glob "/proc/$pid/fd/*";
}

# A listening socket whose backlog is full, so that who else knocks gets no reply:
# its port, and the sockets to hold on to.
sub deaf_port
{
	my $listener = IO::Socket::INET->new(
		Listen => 0,
		LocalAddr => '127.0.0.1',
		Proto => 'tcp') or die "could not listen: $!";
	my @knocks = map {
		IO::Socket::INET->new(
			PeerAddr => '127.0.0.1',
			PeerPort => $listener->sockport,
			Proto => 'tcp',
			Blocking => 0)
	} 1 .. 8;

	return ($listener->sockport, $listener, @knocks);
}

# A port on which nobody listens.
sub closed_port
{
	my $listener = IO::Socket::INET->new(
		Listen => 1,
		LocalAddr => '127.0.0.1',
		Proto => 'tcp') or die "could not listen: $!";

	return $listener->sockport;
}

# A library that, preloaded into a server, answers for the resolver: the name
# never-answers.test waits until the file that $PLF_RESOLVER_ANSWERS names is
# there, no-such-host.test is not known.  Its path, undef without a compiler.
sub resolver
{
	return compiled('resolver', <<'END');
int
getaddrinfo(const char *name, const char *service,
			const struct addrinfo *hints, struct addrinfo **answer)
{
	int			(*next) (const char *, const char *, const struct addrinfo *,
						 struct addrinfo **);
	const char *answers = getenv("PLF_RESOLVER_ANSWERS");

	next = dlsym(RTLD_NEXT, "getaddrinfo");
	if (name != NULL && strcmp(name, "never-answers.test") == 0)
	{
		while (answers == NULL || access(answers, F_OK) != 0)
			usleep(10000);
		return EAI_NONAME;
	}
	if (name != NULL && strcmp(name, "no-such-host.test") == 0)
		return EAI_NONAME;
	return next(name, service, hints, answer);
}
END
}

# A library that, preloaded into a server, has its wall clock run ahead by the
# seconds that set_clock wrote into the file that $PLF_CLOCK names; what counts from
# the machine's start goes on as ever.  Its path, undef without a compiler.
sub clock
{
	return compiled('clock', <<'END');
static int64_t
ahead(void)
{
	static const int64_t *seconds = NULL;
	const char *path = getenv("PLF_CLOCK");
	void	   *map;
	int			fd;

	if (seconds == NULL && path != NULL && (fd = open(path, O_RDONLY)) >= 0)
	{
		map = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
		if (map != MAP_FAILED)
			seconds = map;
		close(fd);
	}
	return seconds != NULL ? *seconds : 0;
}

int
gettimeofday(struct timeval *tv, void *tz)
{
	int			(*next) (struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
	int			result = next(tv, tz);

	tv->tv_sec += ahead();
	return result;
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	/* No dlsym: it may allocate, and an allocator may ask for the time. */
	int			result = syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_REALTIME)
		now->tv_sec += ahead();
	return result;
}
END
}

# The library of test/memory/probe.c, which makes memory or descriptors run out in
# a server that it is preloaded into; its path, undef where it cannot be had.
sub probe
{
	chomp(my $headers = `pg_config --includedir-server`);
	return compiled('probe', slurp_file('test/memory/probe.c'), "-I$headers");
}

# Sets how far the clocks that look at this file are ahead.
sub set_clock
{
	my ($path, $seconds) = @_;

	open(my $file, -e $path ? '+<' : '>', $path) or die "$path: $!";
	binmode $file;
	print $file pack('q', $seconds);
	close $file or die "$path: $!";
	return;
}

# Compiles C functions into a library, with more options for the compiler; its
# path, undef without a compiler.
sub compiled
{
	my ($name, $functions, @options) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir();
	my $source = "$folder/$name.c";
	my $library = "$folder/$name.so";
	my $headers = join '', map { "#include <$_.h>\n" }
	  qw(dlfcn fcntl netdb stdint stdlib string sys/mman sys/syscall sys/time time unistd);
	my @command =
	  ($ENV{CC} || 'cc', '-shared', '-fPIC', '-o', $library, @options, $source,
		'-ldl');
	my $output = '';

	append_to_file($source, "#define _GNU_SOURCE\n$headers\n$functions");
	my $built =
	  eval { IPC::Run::run(\@command, '>', \$output, '2>', \$output) };
	return $built ? $library : undef;
}

# Starts a node with a library preloaded, if there is one, and its environment.
sub start_with
{
	my ($node, $library, %environment) = @_;

	local %ENV = (%ENV, %environment);
	$ENV{LD_PRELOAD} = $library if defined $library;
	$node->start;
	return;
}

# Runs one case: with these faults ("fault", a hash or a list of them) the query
# ("sql", or all links of "server", whose default is once) ends in this "state" and
# "message", with "hint", "detail" and "context" like that, after so many "requests".
# Without a state it gives all links, or "rows".  With "check", payment_links_check()
# says the same; with "fresh" it is a session that has no connection yet.  "before"
# and "config" are the sample API's.  Then the same session reads all links.
#
# The bench has node, api, session and links.
sub fails
{
	my ($bench, $name, %case) = @_;
	my $api = $bench->{api};
	my $server = $case{server} // 'once';
	my $sql = $case{sql} // all_of($server);
	my @faults =
	  ref $case{fault} eq 'ARRAY' ? @{ $case{fault} } : $case{fault} // ();

	local $Test::Builder::Level = $Test::Builder::Level + 1;

	if ($case{fresh})
	{
		$bench->{session}->quit;
		$bench->{session} = __PACKAGE__->session($bench->{node});
	}
	$api->clear_faults;
	$api->fault(%$_) foreach @faults;
	$api->before(%{ $case{before} }) if $case{before};
	$api->config(%{ $case{config} }) if $case{config};
	$api->clear_log;

	subtest $name => sub {
		my $result = $bench->{session}->query($sql);

		is($result->{state}, $case{state} // '', 'SQLSTATE');
		if (defined $case{state})
		{
			is($result->{message}, $case{message}, 'message');
			is($result->{rows}, '', 'no row');
		}
		else
		{
			is($result->{rows}, $case{rows} // $bench->{links}, 'rows');
		}
		foreach my $part (qw(detail hint context))
		{
			like($result->{$part}, $case{$part}, $part) if $case{$part};
		}
		cmp_ok($result->{seconds}, '>=', $case{seconds}, 'it waited')
		  if $case{seconds};
		is($api->count, $case{requests}, 'requests');

		if ($case{check})
		{
			$api->clear_faults;
			$api->fault(%$_) foreach @faults;
			is( $bench->{session}->query(
					"SELECT ok, links, sqlstate, split_part(message, ': ', 1)
					FROM payment_links_check('$server')")->{rows},
				"f||$case{state}|$case{message}",
				'payment_links_check says the same');
		}

		$api->clear_faults;
		$api->reset if $case{before} or $case{config};
		is($bench->{session}->query(all_of('once'))->{rows},
			$bench->{links}, 'then all links are read');
	};
	return;
}

# What survives() works with: a node, an API of some links that are read as
# links.payment_links, and a session.
sub hostile
{
	my ($class, $node, $api) = @_;

	return bless {
		node => $node,
		api => $api,
		links => links_of($api),
		session => $class->session($node)
	}, $class;
}

# Whether a process runs under valgrind's memcheck.
sub under_memcheck
{
	my ($pid) = @_;

	return (readlink("/proc/$pid/exe") // '') =~ /memcheck/ ? 1 : 0;
}

# Whether what a process frees is kept for a while, so that its size tells nothing.
sub keeps_what_is_freed
{
	my ($pid) = @_;

	return 1 if under_memcheck($pid);
	open my $maps, '<', "/proc/$pid/maps" or return 0;
	return scalar grep { /libasan/ } <$maps>;
}

# The largest that a process has been since it was last asked, in MB; 0 where that cannot
# be told.
sub peak_memory
{
	my ($pid) = @_;
	my $peak = 0;

	if (open my $status, '<', "/proc/$pid/status")
	{
		while (my $line = <$status>)
		{
			$peak = $1 / 1024 if $line =~ /^VmHWM:\s+(\d+) kB/;
		}
		close $status;
	}
	if (open my $clear, '>', "/proc/$pid/clear_refs")
	{
		print $clear "5\n";
		close $clear;
	}
	return $peak;
}

# Runs one case: with this fault (or a list of them), and the sample API's "config" and
# "links", the query "sql" ends in this "state" (or one like it) and "message", or, with
# "check", says so in a row of payment_links_check(); or it gives these "rows".  It takes
# "most" (and "least") so many requests.  It does not hang, nor take 300 MB, and then the same backend reads
# all links.  With "fresh" the backend is a new one: the C library keeps some of what was
# freed.
sub survives
{
	my ($self, $name, %case) = @_;
	my ($api, $session) = @{$self}{qw(api session)};
	my @faults =
	  ref $case{fault} eq 'ARRAY' ? @{ $case{fault} } : $case{fault} // ();
	my ($result, $requests, $peak);

	local $Test::Builder::Level = $Test::Builder::Level + 1;

	if ($case{fresh})
	{
		$session->quit;
		$session = $self->{session} = PlfTest->session($self->{node});
	}
	$api->config(%{ $case{config} }) if $case{config};
	$api->links(%{ $case{links} }) if $case{links};
	$api->fault(%$_) foreach @faults;
	$api->clear_log;
	peak_memory($session->pid);
	# Memcheck keeps books on every byte, and keeps what was freed for a while.
	my $most_memory = under_memcheck($session->pid) ? 900 : 300;
	$result = $session->query($case{sql});
	$requests = $api->count;
	$peak = peak_memory($session->pid);
	$api->reset;

	subtest $name => sub {
		if ($case{check})
		{
			like($result->{rows}, qr/\Af\|\|08(006|P01)\|/, 'the check fails');
			is((split /\|/, $result->{rows})[3], $case{message}, 'message') if $case{message};
		}
		elsif (defined $case{state})
		{
			ref $case{state}
			  ? like($result->{state}, $case{state}, 'SQLSTATE')
			  : is($result->{state}, $case{state}, 'SQLSTATE');
			is($result->{message}, $case{message}, 'message') if $case{message};
			is($result->{rows}, '', 'no row');
		}
		else
		{
			is($result->{state}, '', 'no error');
			is($result->{rows}, $case{rows}, 'rows');
		}
		cmp_ok(length $result->{errors}, '<', 3000, 'few words');
		cmp_ok($requests, '<=', $case{most}, 'few requests');
		cmp_ok($requests, '>=', $case{least} // 0, '... and not fewer than it takes');
		cmp_ok($result->{seconds}, '<', 60 * $slowdown, 'soon');
		cmp_ok($peak, '<', $most_memory, 'in little memory');
		$result = $session->query('SELECT pg_backend_pid(); ' . all_of('links'));
		is($result->{rows}, $session->pid . "\n$self->{links}", 'then the same backend reads all links');
	};
	return;
}

# A session: psql, connected until it is quit or its backend is gone.
sub session
{
	my ($class, $node, %options) = @_;
	my $timeout = $PostgreSQL::Test::Utils::timeout_default || 180;
	my $self = bless { in => '', out => '', err => '', count => 0 }, $class;

	local $ENV{PGCLIENTENCODING} = $options{encoding} || 'UTF8';
	$self->{psql} = IPC::Run::start(
		[
			'psql', '-XAtq', '-v', 'VERBOSITY=verbose',
			'-d', $node->connstr($options{database} || 'postgres')
		],
		'<', \$self->{in},
		'>', \$self->{out},
		'2>', \$self->{err},
		$self->{timer} = IPC::Run::timeout($timeout));
	$self->{timeout} = $timeout;
	$self->{pid} = $self->query('SELECT pg_backend_pid()')->{rows};
	return $self;
}

# The process id of its backend.
sub pid { return $_[0]->{pid}; }

# Sends a query and returns at once.
sub start
{
	my ($self, $sql) = @_;
	my $end = 'end ' . ++$self->{count};

	$sql .= ';' unless $sql =~ /;\s*\z/;
	$self->{out} = $self->{err} = '';
	$self->{began} = time;
	$self->{timer}->start($self->{timeout});
	$self->{in} .= "$sql\n\\echo $end\n\\warn $end\n";
	$self->{psql}->pump_nb;
	return;
}

# Waits until the query is over, or the session is, and returns its result.
sub finish
{
	my ($self) = @_;
	my $end = "end $self->{count}\n";
	my ($out, $err) = (\$self->{out}, \$self->{err});
	my %result;

	$self->{psql}->pump
	  until ($$out =~ /^\Q$end\E/m and $$err =~ /^\Q$end\E/m)
	  or !$self->{psql}->pumpable;
	$result{seconds} = time - $self->{began};
	s/^\Q$end\E//m foreach $$out, $$err;

	($result{rows} = $$out) =~ s/\n\z//;
	$result{errors} = $$err;
	my ($error) = $$err =~ /((?:ERROR|FATAL|PANIC):  [0-9A-Z]{5}: .*)/s;
	@result{qw(state message)} =
	  defined $error ? $error =~ /:  (\w+): (.*)/ : ('', '');
	foreach my $part (qw(detail hint))
	{
		$result{$part} = ($error // '') =~ /^\U$part\E:  (.*)$/m ? $1 : '';
	}
	# Of all that was being done, a line each.
	$result{context} =
	  ($error // '') =~ /^CONTEXT:  (.*?)\n(?:[A-Z]+:  |\z)/ms ? $1 : '';
	return \%result;
}

sub query
{
	my ($self, $sql) = @_;

	$self->start($sql);
	return $self->finish;
}

# The rows of a query, or its SQLSTATE and message: what is compared where "no row" is the
# right answer, since a query that failed has none either.
sub answer
{
	my ($self, $sql) = @_;
	my $result = $self->query($sql);

	return $result->{state} eq '' ? $result->{rows} : "$result->{state}: $result->{message}";
}

# Waits until another session's query waits for the network.
sub wait_for_network
{
	my ($self, $pid) = @_;

	foreach (1 .. 3000)
	{
		return 1
		  if $self->query(
			qq{SELECT count(*) FROM pg_stat_activity
			WHERE pid = $pid AND state = 'active'
			  AND (wait_event_type = 'Extension' OR wait_event = 'AppendReady')}
		)->{rows};
		sleep 0.01;
	}
	diag($self->query("SELECT state, wait_event_type, wait_event, query FROM pg_stat_activity WHERE pid = $pid")->{rows});
	return 0;
}

sub quit
{
	my ($self) = @_;

	$self->{timer}->reset;
	$self->{in} .= "\\q\n";
	eval { $self->{psql}->finish };
	return;
}

1;
