# Links without a date at any place of the list that is sorted by date, where the API does not
# promise to have them: queries for them, and for the other links, return each qualifying link
# once, or fail.  Only the queries that the reference names as taken on trust may miss links.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

# The order is that of the links as they are put in.
my $api = SampleApi->new(
	count => 0,
	config => { list_order => 'given', broken_order => 'ignored' });
my $node = PlfTest::cluster('main');
PlfTest::make_server($node, 'links', base_url => $api->url, page_size => 5, concurrency => 3);
$node->safe_psql('postgres', 'CREATE TABLE local_ids (id uuid)');
my $session = PlfTest->session($node);

my %condition = (without => 'expiration_date IS NULL', with => 'expiration_date IS NOT NULL');

# How the links of a condition are read, and how many of them are wanted at most.
my %ways = (
	'all at once' => ['SELECT id FROM (%s OFFSET 0) l'],
	'all of a cursor' => ['BEGIN; DECLARE c CURSOR FOR %s; FETCH ALL c; COMMIT'],
	'some of a cursor' => [ 'BEGIN; DECLARE c CURSOR FOR %s; FETCH 4 c; COMMIT', 0, 4 ],
	'a cursor, row by row' => ['BEGIN; DECLARE c CURSOR FOR %s;' . ' FETCH c;' x 60 . 'COMMIT'],
	'a cursor WITH HOLD' => ['BEGIN; DECLARE c CURSOR WITH HOLD FOR %s; COMMIT; FETCH ALL c; CLOSE c'],
	'NOT IN' => ['SELECT id FROM local_ids WHERE id NOT IN (SELECT id FROM local_ids WHERE id NOT IN (%s))'],
	'LIMIT above a condition' => [ q{SELECT id FROM (%s) l WHERE id::text <> '' LIMIT 1000} ],
	'LIMIT of a part' => [ '%s LIMIT 2', 0, 2 ],
	'LIMIT' => ['%s LIMIT 1000'],
	'OFFSET' => [ '%s OFFSET 4', 4 ],
	'OFFSET and LIMIT' => [ '%s OFFSET 4 LIMIT 1000', 4 ]);

# Makes the list of blocks, "N" of links without a date and "K" of others, of these
# lengths.
sub fill
{
	my ($blocks, @lengths) = @_;
	my ($number, @links) = (0);

	foreach my $kind (split //, $blocks)
	{
		push @links,
		  map
		{
			{
				id => sprintf('%08x-0000-4000-8000-000000000000', ++$number),
				status => 'paid',
				amount => { value => '1.00', currency => 'EUR' },
				created_at => '2025-01-01T00:00:00Z',
				expiration_date => $kind eq 'N' ? '0001-01-01T00:00:00Z' : '2025-06-01T00:00:00Z'
			}
		} 1 .. shift @lengths;
	}
	$api->links(replace => \@links);
	$session->query('TRUNCATE local_ids; INSERT INTO local_ids VALUES '
		  . join ', ', map { "('$_->{id}')" } @links);
	my %ids = (without => {}, with => {});
	$ids{ $_->{expiration_date} =~ /^0/ ? 'without' : 'with' }{ $_->{id} } = 1 foreach @links;
	return %ids;
}

# What is taken on trust: links of these may be missing, by these ways or by all.  The
# reference says so.
my %trusted = (
	'NKN: with' => qr/^(LIMIT|LIMIT of a part|OFFSET and LIMIT)$/,
	'KNK: without' => qr/./,
	'KNKN: with' => qr/./,
	'NKNK: without' => qr/./,
	'NKNKN: with' => qr/./);

# What is wrong with a way: '' if nothing is.
sub fault_of
{
	my ($what, $way, $condition, $ids) = @_;
	my ($sql, $skip, $take) = @{ $ways{$way} };
	my $result = $session->query(sprintf $sql, "SELECT id FROM links.payment_links WHERE $condition");
	my @rows = split /\n/, $result->{rows};
	my $wanted = keys(%$ids) - ($skip // 0);

	if ($result->{state})
	{
		$session->query('ROLLBACK');
		# They are not in one block.
		return $result->{state} eq 'HV000' && $what =~ /N.*K.*N|K.*N.*K/ ? '' : $result->{errors};
	}
	return 'a link that should not be there' if grep { !$ids->{$_} } @rows;
	return 'a link twice' if keys %{ { map { $_ => 1 } @rows } } != @rows;
	$wanted = 0 if $wanted < 0;
	$wanted = $take if defined $take and $wanted > $take;
	return '' if @rows == $wanted;
	return '' if @rows < $wanted and $trusted{$what} and $way =~ $trusted{$what};
	return @rows . " links instead of $wanted";
}

foreach my $blocks (qw(N K NK KN NKN KNK NKNK KNKN NKNKN))
{
	my %faults = map { ("$blocks: $_" => []) } keys %condition;

	foreach my $lengths ([ 3, 8, 4, 6, 2 ], [ 8, 3, 9, 2, 7 ], [ 12, 13, 11, 12, 6 ])
	{
		my %ids = fill($blocks, @$lengths);

		foreach my $links (sort keys %condition)
		{
			foreach my $way (sort keys %ways)
			{
				my $fault = fault_of("$blocks: $links", $way, $condition{$links}, $ids{$links});

				push @{ $faults{"$blocks: $links"} }, "$way, blocks of @$lengths: $fault" if $fault;
			}
		}
	}
	is_deeply($faults{$_}, [], "$_ a date") foreach sort keys %faults;
}

# Counts over a range, which no LIMIT ends early: right for a bound at each quarter of the dates,
# wherever one block of links without a date is, and how long the list is.
foreach my $block (qw(lowest first last middle))
{
	foreach my $count (40, 300)
	{
		my $many = SampleApi->new(count => $count, config => { null_block => $block });
		my $name = "counted_${block}_$count";
		my @wrong;

		PlfTest::make_server($node, $name, base_url => $many->url, page_size => 5);
		$session->query("CREATE TABLE $name.copy AS SELECT * FROM $name.payment_links");
		my @dates = split /\n/, $session->query("SELECT unnest(percentile_disc(ARRAY[0, 0.25, 0.5, 0.75, 1])
			WITHIN GROUP (ORDER BY expiration_date)) FROM $name.copy")->{rows};
		foreach my $where ('IS NULL', 'IS NOT NULL', map { ("< '$_'", "<= '$_'", ">= '$_'", "> '$_'") } @dates)
		{
			my ($api, $copy) = map {
				my $result = $session->query("SELECT count(*) FROM $name.$_ WHERE expiration_date $where");
				$result->{rows} . $result->{errors}
			} qw(payment_links copy);
			push @wrong, "$where: $api instead of $copy" if $api ne $copy;
		}
		is_deeply(\@wrong, [], "counts of $count links, those without a date: $block");
	}
}

# A count that has to read, because a condition cannot be evaluated ahead of the rows, counts
# the links without a date in the middle.
my $middle = SampleApi->new(count => 90, config => { null_block => 'middle', zero_share => 0.3 });
PlfTest::make_server($node, 'middle', base_url => $middle->url, page_size => 16);
$session->query('CREATE TABLE middle.copy AS SELECT * FROM middle.payment_links');
$session->query('SET plan_cache_mode = force_generic_plan');
my $guarded = q{($1 = 0 OR status = (SELECT 10 / $1)::text OR status <> 'paid')};
foreach my $argument (0, 1)
{
	my ($counted, $right) = map {
		my $result = $session->query("PREPARE p(int) AS SELECT count(*) FROM middle.$_
			WHERE $guarded AND expiration_date IS NULL; EXECUTE p($argument); DEALLOCATE p");
		$result->{rows} . $result->{errors}
	} qw(payment_links copy);
	is($counted, $right, "links without a date are counted by reading for $argument");
}

# The look at the other end of the list takes a request, and only if all links without a date
# are read.
sub requests
{
	$api->clear_log;
	$session->query($_[0]);
	return $api->count;
}

my $without = 'SELECT id FROM links.payment_links WHERE expiration_date IS NULL';
fill('NK', 12, 30);
is(requests("$without LIMIT 2"), 1, 'a LIMIT below their number takes one request');
is(requests("BEGIN; DECLARE c CURSOR FOR $without; FETCH 2 FROM c; COMMIT"), 1, 'a cursor that is read in part takes one request');
is(requests("BEGIN; DECLARE c CURSOR FOR $without; FETCH ALL FROM c; COMMIT"), 4, 'a cursor that is read to its end takes four requests');
is(requests("$without LIMIT 20"), 4, 'a LIMIT above their number takes four requests');
is(requests($without), 4, 'a query without LIMIT takes four requests');

$session->quit;
done_testing();
