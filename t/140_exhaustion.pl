# Memory or descriptors run out, in turn at each call by which the extension, libcurl or jansson
# asks for some: the scan fails with the right error, or returns all links.  It keeps neither
# memory nor descriptors, and the session reads on.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $probe = PlfTest::probe();
plan skip_all => 'no C compiler, or no C library that the probe knows'
  unless defined $probe;

# Two pages, one connection.
my $api = SampleApi->new(count => 3);
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
PlfTest::start_with($node, $probe);
$node->safe_psql('postgres', 'CREATE EXTENSION payment_links_fdw');
PlfTest::make_server(
	$node, 'links',
	base_url => $api->url,
	page_size => 2,
	concurrency => 1,
	max_retries => 0);
$node->safe_psql(
	'postgres', qq{
	CREATE FUNCTION probe_watch() RETURNS void AS '$probe' LANGUAGE C;
	CREATE FUNCTION probe_fail(text, bigint) RETURNS void AS '$probe' LANGUAGE C;
	CREATE FUNCTION probe_calls() RETURNS bigint AS '$probe' LANGUAGE C;
	CREATE FUNCTION probe_figures() RETURNS bigint[] AS '$probe' LANGUAGE C;

	-- And one that no link has.
	CREATE TABLE some_ids AS SELECT id FROM links.payment_links UNION ALL SELECT gen_random_uuid();
	CREATE FUNCTION ids() RETURNS uuid[] STABLE LANGUAGE sql RETURN (SELECT array_agg(id) FROM some_ids);

	-- Runs the query, which gives one value, again and again; each time a later call of
	-- that kind fails, until there is none so late.  How it ended that was no success,
	-- and what it gave that it should not have given.
	CREATE FUNCTION exhaust(what text, query text) RETURNS SETOF text LANGUAGE plpgsql AS \$\$
	DECLARE
		wanted text;
		got text;
		n bigint := 0;
		calls bigint;
	BEGIN
		EXECUTE query INTO wanted;
		LOOP
			n := n + 1;
			PERFORM probe_fail(what, n);
			BEGIN
				EXECUTE query INTO got;
				calls := probe_calls();
				IF got IS DISTINCT FROM wanted THEN
					RETURN NEXT format('%s without call %s instead of %s', got, n, wanted);
				END IF;
			EXCEPTION WHEN OTHERS THEN
				calls := probe_calls();
				RETURN NEXT SQLSTATE || ': ' || SQLERRM;
			END;
			EXECUTE query INTO got;
			IF got IS DISTINCT FROM wanted THEN
				RETURN NEXT format('%s after call %s instead of %s', got, n, wanted);
			END IF;
			EXIT WHEN calls < n;
		END LOOP;
	END \$\$;});

# A session that the probe watches. statement_timeout ends a query that would hang.
sub watched_session
{
	my $session = PlfTest->session($node);

	$session->query(
		"LOAD 'payment_links_fdw'; SELECT probe_watch(); SET statement_timeout = '60s'"
	);
	return $session;
}

# How many blocks of memory the extension, libcurl and jansson have.
sub blocks
{
	my ($session) = @_;
	return $session->query('SELECT (probe_figures())[2]')->{rows};
}

my $session = watched_session();
my %query = (
	scan =>
	  q{SELECT string_agg(concat_ws(' ', id, amount, debitor_name), ',') FROM links.payment_links},
	lookup =>
	  'SELECT count(url) FROM links.payment_links WHERE id = ANY (ids())');
my $values = join ', ', map { "($query{$_})" } sort keys %query;
my $wanted = $session->query("SELECT $values")->{rows};

$session->query("SELECT probe_fail('memory', 0); SELECT $values");
plan skip_all => 'another library is preloaded that allocates'
  if $session->query('SELECT probe_calls()')->{rows} eq '0';

# libcurl may lose the end of the URL, so that the answer is another page. Before 8.6 libcurl
# has one error for a header line that is too long and for one without memory.
my $no_memory = '53200: out of memory';
my $allowed = join '|', $no_memory,
  '08P01: answer of the payment links API is too large',
  '08P01: payment links API sent another page than asked for';

sub exhaust
{
	my ($name) = @_;
	return $session->query(
		"SELECT DISTINCT * FROM exhaust('memory', \$\$$query{$name}\$\$)")->{rows};
}

# Afterwards the extension, libcurl and jansson have all that they keep for a session.
exhaust('lookup');
foreach my $name (sort keys %query)
{
	my $before = blocks($session);
	my $ends = exhaust($name);

	like($ends, qr/\A(?:(?:$allowed)(?:\n|\z))+\z/, "$name: each failure of an allocation is one of the expected errors");
	like($ends, qr/^$no_memory$/m, '... and some are "out of memory"');
	is(blocks($session), $before, '... and no block is kept');
}
$session->quit;

# The first scan of a session makes what all of them use, descriptors too.
my %first = (
	memory => '53200: could not initialize libcurl',
	descriptor =>
	  '53000: could not create descriptors for HTTP requests: Too many open files',
	connection =>
	  '53000: no file descriptor is left for a connection to the payment links API'
);
foreach my $what (qw(memory descriptor))
{
	my (%ends, @later, $calls);
	my $nth = 0;

	do
	{
		$nth++;
		$session = watched_session();
		$session->query("SELECT probe_fail('$what', $nth)");
		my $result = $session->query($query{scan});
		$calls = $session->query('SELECT probe_calls()')->{rows};
		$ends{"$result->{state}: $result->{message}"} = 1;
		push @later, $session->query("SELECT $values")->{rows};
		$session->quit;
	} while ($nth < 30 && $nth <= $calls);
	like(join("\n", grep { $_ ne ': ' } sort keys %ends),
		qr/\A(?:(?:$first{memory}|$first{descriptor}|$first{connection}|$allowed)(?:\n|\z))+\z/,
		"each first scan without $what ends with one of the expected errors");
	ok($ends{ $first{$what} }, "... some with that of the $what");
	ok($what eq 'memory' || $ends{ $first{connection} }, '... and some with that of a connection');
	is_deeply([ grep { $_ ne $wanted } @later ],
		[], '... and then all links are read');
}

$node->stop;
done_testing();
