# Every fault of the sample API, for every kind of request, with and without retries left: the
# query returns the exact rows or the SQLSTATE of the reference, never fewer rows.  After each
# fault the same session reads all links.
#
# A new kind of fault fails this test until the test says what to expect of it.

use strict;
use warnings;

use lib 't';

use JSON::PP;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

# The parts: which request the fault strikes, and the query that makes it.  The list has
# five pages; the links of the range are on the fourth, and the third tells so.
my @count = (count => 23);
my %part = (
	first => { page => 1 },
	middle => { page => 3 },
	last => { page => 5 },
	count => { path => '/v2/payment_links' },
	probe => { page => 3 },
	check => { query_contains => 'page=1&per_page=1' },
	lookup => { path => '/v2/payment_links/' });
my @parts = qw(first middle last count probe check lookup);

# How often the fault strikes, and what the server is like.
my %mode = (
	again => [ 'again', times => 1 ],    # retries are left
	once => [ 'once', times => 1 ],      # none are
	ever => ['again'],                   # it does not go away
	strict => [ 'strict', times => 1 ]); # as again, but a list that changes is an error
my @modes = qw(again once ever strict);

# What to expect, by part and mode: "rows" (the exact ones), "none" (none, though there
# is one), an SQLSTATE; several where it depends on what else is going on.

# It does no harm.
sub rows { return sub { return 'rows'; }; }

# It is an error at once.
sub error { my ($state) = @_; return sub { return $state; }; }

# It is worth a retry.
sub retried
{
	my ($state) = @_;
	return sub { return $_[1] =~ /again|strict/ ? 'rows' : $state; };
}

# It looks as if the list had changed, which is repaired, or an error; a search that
# meets it begins anew.
sub drift
{
	return sub {
		my ($part, $mode) = @_;

		return '40001' if $mode eq 'ever' or $mode eq 'strict' and $part !~ /^(probe|count)$/;
		return 'rows';
	};
}

# As the first says, but for some parts: but(rows(), 'middle last' => drift(), ...)
sub but
{
	my ($default, %but) = @_;
	my %by_part;

	foreach my $parts (keys %but)
	{
		$by_part{$_} = $but{$parts} foreach split / /, $parts;
	}
	return sub { return ($by_part{ $_[0] } // $default)->(@_); };
}

# The request itself is refused: later, the list has become shorter.
sub refused
{
	my ($state, @but) = @_;
	return but(error($state), 'middle last probe' => drift(), @but);
}

# The links of the pages that are delivered are unfit.
sub unfit { return but(rows(), 'first middle last lookup' => error($_[0])); }

# Only a list says that.
sub of_list { my ($expected, @but) = @_; return but($expected, lookup => rows(), @but); }

# Of a connection that was kept libcurl takes it for a sign that it had been closed
# meanwhile, and asks on another.
sub hung_up
{
	return sub { return $_[1] eq 'once' ? qw(rows 08006) : retried('08006')->(@_); };
}

# A lane for each part, which has an API and a session of its own: the lanes of a case run
# side by side.
my $node = PlfTest::cluster('main');
my %lane;

# What the API has, and each link as the query gives it.
sub links
{
	my ($api) = @_;

	return map {
		my %link = (%$_, amount => $_->{amount}{value});
		$link{row} = join '|',
		  map { $_ // '' } @link{qw(id status amount invoice_number)};
		\%link;
	} @{ JSON::PP->new->decode($api->control('links')) };
}

foreach my $part (@parts)
{
	my $api = SampleApi->new(@count);
	my @links = links($api);
	my @by_amount = sort { $a->{amount} <=> $b->{amount} } @links;
	my ($from, $to) = map { $_->{amount} } @by_amount[ 16, 18 ];
	my @options = (
		base_url => $api->url,
		page_size => 5,
		request_timeout => '1min',
		max_retry_wait => '20ms');

	PlfTest::make_server($node, "${part}_again", @options, max_retries => 2);
	PlfTest::make_server($node, "${part}_once", @options, max_retries => 0);
	PlfTest::make_server(
		$node, "${part}_strict", @options,
		max_retries => 2,
		on_drift => 'error');

	my ($columns, $condition, @wanted) =
	  ('id, status, amount, invoice_number', 'true', @links);
	if ($part eq 'probe')
	{
		$condition = "amount BETWEEN $from AND $to";
		@wanted = grep { $_->{amount} >= $from and $_->{amount} <= $to } @links;
	}
	elsif ($part eq 'check')
	{
		$condition = q{status LIKE 'p%'};
		@wanted = grep { $_->{status} =~ /^p/ } @links;
	}
	elsif ($part eq 'lookup')
	{
		$condition = "id = '$links[7]{id}'";
		@wanted = $links[7];
	}
	my $sql = $part eq 'count' ? 'SELECT count(*) FROM SERVER.payment_links' :
	  "SELECT $columns FROM SERVER.payment_links WHERE $condition ORDER BY id::text COLLATE \"C\"";
	$lane{$part} = {
		api => $api,
		session => PlfTest->session($node),
		links => PlfTest::links_of($api),
		another_id => $links[-1]{id},
		wanted => $part eq 'count' ? scalar @links : join("\n", sort map { $_->{row} } @wanted),
		sql => $sql };
}
my ($first) = $lane{first}{api};
my $another_id = $lane{first}{another_id};

# What the requests are, without a fault
my %requests = (
	first => [ map { "page=$_&per_page=5" } 1 .. 5 ],
	count => ['page=1&per_page=1'],
	probe => [ map { "sort_by=amount:asc&page=$_&per_page=5" } 1, 3, 4 ]);
foreach my $part (sort keys %requests)
{
	my $lane = $lane{$part};

	is($lane->{session}->query($lane->{sql} =~ s/SERVER/${part}_again/r)->{rows},
		$lane->{wanted}, "$part: rows without a fault");
	is_deeply(
		[ sort $lane->{api}->requests ],
		[ map { "GET /v2/payment_links?$_" } @{ $requests{$part} } ],
		'... and requests');
}

# The cases: name, fault, what to expect; the only parts that can tell it, and a
# request_timeout.

my @cases = (
	(map { [ "$_->{kind}", $_, rows() ] }
		{ kind => 'chunked' },
		{ kind => 'escaped_keys' },
		{ kind => 'long_value', count => 10_000 },
		{ kind => 'gzip' },
		{ kind => 'wrong_content_type' },
		{ kind => 'meta' },
		{ kind => 'latency', ms => 20 }),
	(map { [ "status $_", { kind => 'status', status => $_ }, refused('HV000') ] } 400, 410, 422),
	(map { [ "status 404, $_", { kind => 'status', status => 404, shape => $_ }, refused('HV00R', lookup => sub { 'none' }) ] }
		qw(list object flat)),
	(map { [ "status 404, $_", { kind => 'status', status => 404, shape => $_ }, refused('HV00R', lookup => error('HV00R')) ] }
		qw(oauth html empty)),
	[ 'status 401', { kind => 'status', status => 401 }, error('28000') ],
	[ 'status 403', { kind => 'status', status => 403 }, error('42501') ],
	[ 'status 407', { kind => 'status', status => 407 }, error('HV000') ],
	(map { [ "status $_", { kind => 'status', status => $_ }, retried('08006') ] }
		408, 425, 500, 502, 503, 504),
	[ 'status 429', { kind => 'status', status => 429 }, retried('53400') ],
	[ '429, a long Retry-After', { kind => 'status', status => 429, retry_after => 3600 }, error('53400') ],
	[
		'503, a long Retry-After',
		{ kind => 'status', status => 503, retry_after_date => 3600 },
		sub { return $_[1] eq 'once' ? '08006' : '53400'; }
	],
	(map { [ "status $_", { kind => 'status', status => $_ }, error('08P01') ] } 202, 204, 302, 304),
	(map { [ "500, $_", { kind => 'status', status => 500, shape => $_ }, retried('08006') ] }
		qw(object flat html empty)),
	(map { [ $_->{kind} . ($_->{where} ? ", $_->{where}" : ''), $_, error('08P01') ] }
		{ kind => 'redirect' },
		{ kind => 'html_login' },
		{ kind => 'empty_body' },
		{ kind => 'invalid_json' },
		{ kind => 'gzip_bomb', megabytes => 40 },
		{ kind => 'deep_nesting', where => 'link' },
		{ kind => 'deep_nesting', where => 'body' },
		{ kind => 'duplicate_keys' },
		{ kind => 'long_value', after => '' },
		{ kind => 'invalid_utf8' },
		{ kind => 'missing_field' },
		{ kind => 'endless_body' },
		{ kind => 'endless_headers' },
		{ kind => 'garbage' }),
	(map { [ "body $_", { kind => 'body', text => $_ }, error('08P01') ] }
		'[]', '{}', 'null', '"links"', '{"payment_links": {}, "meta": []}'),
	[
		'garbage without an end',
		{ kind => 'garbage', text => "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n" },
		error('08P01')
	],
	[ 'an id that is a number', { kind => 'wrong_types', field => 'id', value => 1 }, error('08P01') ],
	[ 'many_links', { kind => 'many_links' }, of_list(error('08P01')) ],
	[ 'repeated_link', { kind => 'repeated_link' }, but(drift(), 'count probe check lookup' => rows()) ],
	[
		"another link's id",
		{ kind => 'wrong_types', field => 'id', value => $another_id },
		error('08P01'),
		parts => ['lookup']
	],
	[ 'wrong_types', { kind => 'wrong_types' }, but(unfit('23502'), probe => error('23502')) ],
	[
		'an amount in words',
		{ kind => 'wrong_types', field => 'amount.value', value => 'ten' },
		but(unfit('22P02'), probe => error('22P02'))
	],
	[ 'nul_escape', { kind => 'nul_escape', field => 'invoice_number' }, unfit('22P05') ],
	[ 'no status', { kind => 'missing_field', field => 'status' }, unfit('23502') ],
	[ 'no total', { kind => 'meta', remove => ['total_count'] }, of_list(error('08P01')) ],
	[ 'a negative number of pages', { kind => 'meta', meta => { total_pages => -1 } }, of_list(error('08P01')) ],
	# Of pages with one link their number contradicts the total.
	(map { [ "total_count, $_", { kind => 'total_count', delta => $_ }, of_list(drift(), 'count check' => error('08P01')) ] } -1, 1),
	[ 'total_count', { kind => 'total_count', value => 1000 }, of_list(error('08P01')) ],
	[ 'per_page', { kind => 'per_page' }, of_list(error('08P01')) ],
	[ 'current_page', { kind => 'current_page' }, of_list(error('08P01'), 'first count check' => rows()) ],
	[ 'another current_page', { kind => 'current_page', value => 2 }, of_list(error('08P01')) ],
	# A total beside no link, though it says that there are some, is not believed: the list is read.
	(map { [ "short_page, $_ less", { kind => 'short_page', drop => $_ }, of_list(drift(), check => rows()) ] } 1, 5),
	[ 'close', { kind => 'close' }, hung_up() ],
	[ 'reset', { kind => 'reset' }, hung_up() ],
	[ 'reset within the body', { kind => 'reset', after => 100 }, retried('08006') ],
	[ 'short_body', { kind => 'short_body' }, retried('08006') ],
	(map { [ $_->{kind} . ($_->{after} ? ' within the body' : ''), $_, retried('08006'), timeout => '300ms' ] }
		{ kind => 'hang' },
		{ kind => 'hang', after => 100 },
		{ kind => 'drip' }));

# huge_list is another list rather than a fault of this one: t/111_liars.pl.
my %tried = (huge_list => 1, map { $_->[1]{kind} => 1 } @cases);
is_deeply([ sort keys %tried ], $first->control('fault_kinds'), 'every kind of fault is tried');

foreach my $case (@cases)
{
	my ($name, $fault, $expected, %only) = @$case;

	set_timeout($only{timeout}) if $only{timeout};
	subtest $name => sub {
		foreach my $mode (@modes)
		{
			strike($mode, $fault, $expected, @{ $only{parts} // \@parts });
		}
	};
	set_timeout('1min') if $only{timeout};
}

sub set_timeout
{
	my ($timeout) = @_;
	my $sql = join ' ', map { "ALTER SERVER $_ OPTIONS (SET request_timeout '$timeout');" }
	  map { ("${_}_again", "${_}_once", "${_}_strict") } @parts;

	$node->safe_psql('postgres', $sql);
	return;
}

# One mode of a case, in the lanes of these parts.
sub strike
{
	my ($mode, $fault, $expected, @parts) = @_;
	my ($kind, @often) = @{ $mode{$mode} };

	foreach my $part (@parts)
	{
		my $lane = $lane{$part};

		$lane->{api}->clear_log;
		$lane->{api}->fault(%$fault, %{ $part{$part} }, @often);
		$lane->{session}->start($lane->{sql} =~ s/SERVER/${part}_$kind/r);
	}
	foreach my $part (@parts)
	{
		my $lane = $lane{$part};
		my $result = $lane->{session}->finish;
		my @allowed = $expected->($part, $mode);
		my $outcome = outcome($lane, $result);
		my $struck = grep { $_->{fault} } $lane->{api}->log;

		$outcome = "@allowed" if grep { $_ eq $outcome } @allowed;
		is($outcome, "@allowed", "$part, $mode") or diag($result->{errors});
		cmp_ok($struck, '>', 0, '... the fault struck');

		# What is not worth a retry has none, though some are left.
		cmp_ok($struck, '<=', $part eq 'check' ? 2 : 1, '... once')
		  if $mode eq 'ever' and $outcome eq $expected->($part, 'again');
		$lane->{api}->clear_faults;
	}
	foreach my $part (@parts)
	{
		my $session = $lane{$part}{session};

		# A refused token rests until its server is altered.
		$session->query("ALTER SERVER ${part}_$kind OPTIONS (SET page_size '5')")
		  if ($fault->{status} // 0) == 401;
		$session->start(PlfTest::all_of("${part}_$kind"));
	}
	foreach my $part (@parts)
	{
		is($lane{$part}{session}->finish->{rows},
			$lane{$part}{links}, "$part, $mode: then all links are read");
	}
	return;
}

sub outcome
{
	my ($lane, $result) = @_;
	my $rows = $result->{rows};

	return $result->{state} . ($rows eq '' ? '' : ' after rows') if $result->{state};
	return 'rows' if $rows eq $lane->{wanted};
	return $rows eq '' ? 'none' : "other rows: $rows";
}

$_->{session}->quit foreach values %lane;
$node->stop;
done_testing();
