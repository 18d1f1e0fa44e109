# The view payment_links_credentials shows all user mappings to superusers and members of
# pg_monitor.  Nothing that another role has typed, or changed at another wrapper, makes the
# view fail: a value that cannot be read is NULL.

use strict;
use warnings;

use lib 't';

use Digest::SHA qw(sha256_hex);
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PlfTest::cluster('main', q{timezone = 'UTC'});
my $admin = PlfTest->session($node);
my $by_alice = PlfTest->session($node);
my $by_bob = PlfTest->session($node);
my $host = 'thirdparty.qonto.com';

sub as_admin
{
	my ($sql) = @_;
	my $result = $admin->query($sql);

	die "$sql: $result->{errors}" if $result->{state};
	return $result->{rows};
}

as_admin(q{CREATE ROLE alice; CREATE ROLE bob IN ROLE pg_monitor; CREATE ROLE carol;
	CREATE SERVER links FOREIGN DATA WRAPPER payment_links_fdw;
	GRANT USAGE ON FOREIGN SERVER links TO alice, carol;
	CREATE USER MAPPING FOR carol SERVER links OPTIONS (access_token 'carols')});
$by_alice->query('SET ROLE alice');
$by_bob->query('SET ROLE bob');

my $all = q{SELECT server, role, host, kind, access_token_expires_at, refresh_token_expires_at, refreshed_at,
	last_failure_at, last_failure FROM payment_links_credentials ORDER BY server, role};
my $carols = "links|carol|$host|access_token|||||";

# Tests that the view shows this row, and these others, to a superuser, to a member of
# pg_monitor, and to alice.
sub shows
{
	my ($name, $row, @others) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	foreach my $case ([ 'a superuser', $admin, $carols ], [ 'pg_monitor', $by_bob, $carols ], [ 'alice', $by_alice ])
	{
		my ($who, $session, @more) = @$case;
		my $result = $session->query($all);

		is($result->{state} . $result->{rows}, join("\n", sort grep { $_ ne '' } $row, @more, @others),
			"$name, to $who");
	}
	return;
}

# Values of last_failure that alice may type

my $digest = substr sha256_hex('rt id secret  '), 0, 16;
$by_alice->query(q{CREATE USER MAPPING FOR CURRENT_USER SERVER links
	OPTIONS (client_id 'id', client_secret 'secret', refresh_token 'rt', last_failure 'x')});
my $good = '2026-01-31T23:59:59Z';
my $words = ' passing a failure';
foreach my $case (
	[ 'a failure', "$good $digest$words", '2026-01-31 23:59:59+00', 'a failure' ],
	[ 'a failure of another token', "$good 0123456789abcdef$words" ],
	[ 'empty', '' ],
	[ 'a time without a failure', $good ],
	[ 'a time and a digest', "$good $digest" ],
	[ 'a time, a digest and a space', "$good $digest " ],
	[ 'a failure without words', "$good $digest passing ", '2026-01-31 23:59:59+00', '' ],
	[ 'without a time', "not a time at all ... $digest$words" ],
	[ 'without a time, but of the right length', "not a time, I think. $digest$words", '', 'a failure' ],
	[ 'a date that does not exist', "2026-02-31T23:59:59Z $digest$words", '', 'a failure' ],
	[ 'a time beyond all times', "999999-12-31T23:59:5 $digest$words", '', 'a failure' ],
	[ 'infinity', "infinity             $digest$words", '', 'a failure' ],
	[ 'a time with a bad zone', "2026-01-31 23:59 Q/Q $digest$words", '', 'a failure' ],
	[ 'letters of two bytes', ("\xc3\xa9" x 10) . " $digest$words", '', 'a failure' ],
	[ 'a letter that ends where no time does', "2026-01-31T23:59:59\xc3\xa9$digest$words", '', 'a failure' ],
	[ 'percent signs', "$good $digest passing %s%n%m", '2026-01-31 23:59:59+00', '%s%n%m' ],
	[ 'a long text', "$good $digest passing " . ("\xc3\xa9" x 30000), '2026-01-31 23:59:59+00', qr/^(\xc3\xa9){200,}$/ ])
{
	my ($name, $text, $when, $what) = @$case;
	my $set = $by_alice->query("ALTER USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (SET last_failure '$text')");

	is($set->{state}, '', "last_failure is $name");
	if (ref $what)
	{
		my ($row) = grep { /alice/ } split /\n/, $by_bob->query($all)->{rows};
		my @columns = split /\|/, $row // '';
		is($columns[7], $when, '... the view shows its time');
		like($columns[8], $what, '... and whole characters of its text');
		cmp_ok(length $columns[8], '<', 1000, '... less than 1,000 bytes of them');
		next;
	}
	shows('... shown by the view', "links|alice|$host|refresh_token||||" . ($when // '') . '|' . ($what // ''));
}

# Options that this version's validator has not checked: those of another version, or typed
# while the wrapper had another validator.

as_admin('ALTER FOREIGN DATA WRAPPER payment_links_fdw NO VALIDATOR');
as_admin(q{ALTER USER MAPPING FOR alice SERVER links OPTIONS (DROP last_failure, ADD access_token_expires_at 'soon',
	ADD refresh_token_expires_at '2026-02-30T00:00:00Z', ADD refreshed_at '', ADD future_option 'x')});
foreach my $case (
	[ 'SERVER links', q{ADD base_url 'nonsense'}, '' ],
	[ 'SERVER links', q{SET base_url ''}, '' ],
	[ 'SERVER links', q{SET base_url 'https://host.example:1/%'}, '' ],
	[ 'SERVER links', q{SET base_url 'https://host.example/', ADD page_size 'many', ADD environment 'x'}, 'host.example' ],
	[ 'SERVER links', q{DROP base_url}, '' ],
	[ 'SERVER links', q{DROP environment, DROP page_size, ADD token_url 'nonsense'}, $host ])
{
	my ($what, $change, $shown) = @$case;

	as_admin('ALTER FOREIGN DATA WRAPPER payment_links_fdw NO VALIDATOR');
	as_admin("ALTER $what OPTIONS ($change)");
	as_admin('ALTER FOREIGN DATA WRAPPER payment_links_fdw VALIDATOR payment_links_fdw_validator');
	is( $by_bob->query($all)->{rows},
		"links|alice|$shown|refresh_token|||||\nlinks|carol|$shown|access_token|||||",
		"with unchecked options the view shows what it can: $change");
}
as_admin('ALTER SERVER links OPTIONS (DROP token_url)');
as_admin(q{ALTER USER MAPPING FOR alice SERVER links OPTIONS (DROP access_token_expires_at, DROP refresh_token_expires_at,
	DROP refreshed_at, DROP future_option)});
shows('all options are good again', "links|alice|$host|refresh_token|||||");

# Options without values, which only a superuser can write into the catalog
as_admin('UPDATE pg_user_mapping SET umoptions = ARRAY[$$refresh_token$$, $$last_failure$$, $$=$$, $$$$]
	WHERE umuser = $$alice$$::regrole');
shows('options without values', "links|alice|$host||||||");
as_admin('DROP USER MAPPING FOR alice SERVER links');
shows('a mapping that was dropped', '');

# Another wrapper whose library is missing: its servers are not servers of this wrapper.

foreach my $name (qw(gone namesake))
{
	as_admin("CREATE FUNCTION $name(text[], oid) RETURNS void LANGUAGE c AS 'payment_links_fdw', 'payment_links_fdw_validator'");
}
as_admin(q{UPDATE pg_proc SET probin = '/nowhere/gone' WHERE proname IN ('gone', 'namesake');
	UPDATE pg_proc SET prosrc = 'gone_validator' WHERE proname = 'gone';
	SET check_function_bodies = off;
	CREATE FUNCTION in_sql(text[], oid) RETURNS void LANGUAGE plpgsql AS 'payment_links_fdw_validator'});
foreach my $name (qw(gone namesake in_sql))
{
	as_admin("CREATE FOREIGN DATA WRAPPER w_$name; CREATE SERVER s_$name FOREIGN DATA WRAPPER w_$name;
		CREATE USER MAPPING FOR PUBLIC SERVER s_$name OPTIONS (refresh_token 'x', last_failure 'x');
		ALTER FOREIGN DATA WRAPPER w_$name VALIDATOR $name;
		GRANT USAGE ON FOREIGN SERVER s_$name TO alice, bob");
	as_admin("UPDATE pg_foreign_server SET srvoptions = ARRAY[NULL::text] WHERE srvname = 's_$name'");
	shows("the options of a server of another wrapper, \"$name\", cannot be read", '');
	as_admin("UPDATE pg_foreign_server SET srvoptions = NULL WHERE srvname = 's_$name'");
	shows("the validator \"$name\" of another wrapper cannot be called", '');
	foreach my $function (qw(payment_links_check payment_links_refresh payment_links_authorize_url))
	{
		my $result = $by_alice->query("SELECT $function('s_$name')");
		is("$result->{state} $result->{message}", "42809 server \"s_$name\" does not belong to payment_links_fdw",
			"... $function() refuses the server");
	}
}

# A second wrapper with this extension's functions counts as this wrapper.
as_admin(q{CREATE FOREIGN DATA WRAPPER second HANDLER payment_links_fdw_handler VALIDATOR payment_links_fdw_validator;
	CREATE SERVER another FOREIGN DATA WRAPPER second OPTIONS (environment 'sandbox');
	CREATE USER MAPPING FOR PUBLIC SERVER another OPTIONS (access_token 'x');
	GRANT USAGE ON FOREIGN SERVER another TO alice});
shows('a server of a second wrapper with the same functions', 'another|PUBLIC|thirdparty-sandbox.staging.qonto.co|access_token|||||');

# PostgreSQL calls a validator with the OID of a catalog. A user may call it with any OID.
foreach my $arguments (q{'{}', 0}, q{'{}', 1255}, q{'{x}', 0}, q{'{NULL}', 1418}, q{'{{a,b},{c,d}}', 1418}, q{'{x}', 1418})
{
	my $result = $by_alice->query("SELECT payment_links_fdw_validator($arguments)");
	is($result->{state}, $arguments =~ /^'\{\}'/ ? '' : $arguments =~ /NULL/ ? '22004' : 'HV00D', "the validator called with $arguments");
}

$_->quit foreach $admin, $by_alice, $by_bob;
$node->stop;
unlike(slurp_file($node->logfile), qr/TRAP|terminated by signal/, 'no process of the server has crashed');
done_testing();
