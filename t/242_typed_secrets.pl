# A secret in a statement that this wrapper refuses shows in no log and in no message, whether
# the statement runs by itself, in a DO block, by EXECUTE, in functions of SQL and PL/pgSQL, or
# with parameters.  What PostgreSQL itself logs, and how to type a secret so that it has nothing
# to log, is as the reference says.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

# The settings are the server's own defaults, but that errors show the parameters of their statements.
my $node = PlfTest::cluster(
	'main',
	"log_statement = 'none'",
	'log_parameter_max_length_on_error = -1');
my $bench = OAuthTest->new($node, 'links', mapping => { refresh_token => undef });
my $session = $bench->session;
my $secret = 'Rf5-recognisable';

# What the server logged since the last look.
my $seen = 0;

sub logged
{
	my $log = slurp_file($node->logfile);
	my $new = substr $log, $seen;

	$seen = length $log;
	return $new;
}

# What cannot be: SQLSTATE, statement, and whether the owner of the server may do it.
$bench->as_admin(q{CREATE ROLE alice; GRANT USAGE ON FOREIGN SERVER links TO alice;
	GRANT ALL ON SCHEMA public TO alice; GRANT USAGE ON FOREIGN DATA WRAPPER payment_links_fdw TO alice;
	GRANT USAGE ON SCHEMA links TO alice;
	CREATE FOREIGN TABLE public.typed (id uuid) SERVER links; ALTER FOREIGN TABLE public.typed OWNER TO alice;
	CREATE SERVER own FOREIGN DATA WRAPPER payment_links_fdw; ALTER SERVER own OWNER TO alice;
	CREATE USER MAPPING FOR alice SERVER own OPTIONS (client_id 'x', client_secret 'x', redirect_uri 'http://localhost/')});
my $create = 'CREATE USER MAPPING FOR CURRENT_USER SERVER links OPTIONS';
my $alter = 'ALTER USER MAPPING FOR alice SERVER own OPTIONS';
my $server = 'CREATE SERVER other FOREIGN DATA WRAPPER payment_links_fdw OPTIONS';
my @refused = (
	[ '22023', "$create (access_token '$secret ')" ],
	[ '22023', "$create (client_secret '$secret', client_id 'x ')" ],
	[ '22023', "$create (refresh_token '$secret', stored_by 'x')" ],
	[ '22023', "$create (access_token '$secret', access_token_expires_at 'x')" ],
	[ 'HV00D', "$create (acess_token '$secret')" ],
	[ 'HV00D', "$create (access_token '$secret', page_size '1')" ],
	[ '42501', "$create (staging_token '$secret', access_token_file '/x')" ],
	[ '42710', "$create (access_token '$secret', access_token 'x')", 'core' ],
	[ '22023', "$alter (ADD refresh_token '$secret', ADD token_host 'a b')" ],
	[ 'HV00D', "$alter (ADD refresh_token '$secret', ADD refresh_tokens 'x')" ],
	[ 'HV00D', "ALTER SERVER own OPTIONS (ADD client_secret '$secret')" ],
	[ '42501', "$server (proxy 'http://user:$secret\@proxy.example:80')" ],
	[ '22023', "$server (page_size '0', proxy 'http://user:$secret\@proxy.example:80')" ],
	[ '42501', "$server (base_url 'https://$secret\@host.example')" ],
	[ 'HV00D', "ALTER FOREIGN TABLE typed OPTIONS (access_token '$secret')" ],
	[ '22023', "ALTER FOREIGN TABLE typed OPTIONS (page_size 'x\@$secret')" ],
	[ 'HV00D', "ALTER FOREIGN TABLE typed ALTER COLUMN id OPTIONS (token '$secret')" ],
	[ 'HV00D', "IMPORT FOREIGN SCHEMA x FROM SERVER own INTO public OPTIONS (access_token '$secret')" ],
	[ '22023', "SELECT payment_links_authorize('own', 'http://localhost/?x&$secret')" ],
	[ '28000', "SELECT payment_links_authorize('links', '$secret')" ],
	[ '28000', "SELECT payment_links_authorize('own', 'http://localhost/?error=$secret')" ],
	[ '42704', "SELECT payment_links_authorize('nowhere', '$secret')" ],
	[ '42704', "SELECT payment_links_authorize('links', '$secret', 'nobody')" ],
	[ '42501', "SELECT payment_links_authorize('links', '$secret', 'public')" ],
	[ '22023', "SELECT payment_links_fdw_validator(ARRAY['access_token=$secret '], 'pg_user_mapping'::regclass)" ]);

# How a statement comes to be run: what is typed to prepare for that, which core does not
# log by itself, and what is run then.
sub ways
{
	my ($sql) = @_;
	my $perform = $sql =~ s/^SELECT/PERFORM/r;

	return (
		[ 'by itself', '', $sql ],
		[ 'in a DO block', '', "DO \$x\$BEGIN $perform; END\$x\$" ],
		[ 'by EXECUTE', '', "DO \$x\$BEGIN EXECUTE \$y\$$sql\$y\$; END\$x\$" ],
		[ 'in a function of PL/pgSQL',
			"CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE plpgsql AS \$x\$BEGIN $perform; END\$x\$",
			'SELECT f()' ],
		[ 'in a function of SQL',
			"CREATE OR REPLACE FUNCTION g() RETURNS void LANGUAGE sql AS \$x\$$sql; SELECT\$x\$",
			'SELECT g()' ],
		[ 'in a function that a function calls',
			"CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE plpgsql AS \$x\$BEGIN EXECUTE \$y\$$sql\$y\$; END\$x\$",
			'DO $$BEGIN PERFORM f(); END$$' ],
		[ 'and raised again', '',
			"DO \$x\$BEGIN EXECUTE \$y\$$sql\$y\$; EXCEPTION WHEN OTHERS THEN RAISE; END\$x\$" ]);
}

my $alice = PlfTest->session($node);
$alice->query('SET ROLE alice; SET check_function_bodies = off');
foreach my $case (@refused)
{
	my ($state, $sql, $core) = @$case;

	foreach my $way (ways($sql))
	{
		my ($how, $prepare, $run) = @$way;
		my $name = ($sql =~ /^(\w+ \w+)/)[0] . ", $state, $how";

		$alice->query($prepare) if $prepare;
		logged();
		my $result = $alice->query($run);
		my $log = logged();
		is($result->{state}, $state, $name);
		like($log, qr/ERROR: /, '... the error is in the log');
		if ($core)
		{
			like($log, qr/$secret/, '... with the statement, since PostgreSQL itself refuses it') if $how eq 'by itself';
			next;
		}
		unlike($log, qr/$secret/, '... without the secret');
		unlike("$result->{message} $result->{detail} $result->{hint} $result->{context}",
			qr/$secret/, '... nor does the message have the secret');
	}
}

# An exchange with parameters, as drivers send it
foreach my $run ('EXECUTE s', 'DO $$BEGIN EXECUTE $y$SELECT payment_links_authorize($1, $2)$y$ USING $z$links$z$, $z$' . $secret . '$z$; END$$')
{
	$alice->query("PREPARE s AS SELECT payment_links_authorize('links', '$secret')") if $run =~ /^EXECUTE/;
	logged();
	is($alice->query($run)->{state}, '28000', 'an exchange with parameters fails');
	unlike(logged(), qr/$secret/, '... and its code is not logged');
}
SKIP:
{
	skip 'psql has no \bind', 2 unless `psql --version` =~ / (1[6-9]|[2-9]\d)/;
	my ($code, $out, $errors) = $node->psql('postgres', "SELECT payment_links_authorize(\$1, \$2) \\bind links $secret \\g");
	like($errors, qr/refused|no user mapping|invalid_grant/, 'an exchange by the extended protocol fails');
	unlike($errors . logged(), qr/$secret/, '... and its code is not logged');
}

# PostgreSQL logs a statement that it refuses itself, with its secrets, before it calls this
# wrapper.  A mapping that is first made without options has no secret to log.

$bench->as_admin('CREATE ROLE bob');
my $bob = PlfTest->session($node);
$bob->query('SET ROLE bob');
foreach my $case (
	[ $bob, '42501', "$create (access_token '$secret')", 'a role without USAGE' ],
	[ $session, '42710', "$create (access_token '$secret')", 'a user mapping that exists already' ],
	[ $session, '42704', "CREATE USER MAPPING FOR CURRENT_USER SERVER link OPTIONS (access_token '$secret')", 'a server that does not exist' ],
	[ $session, '42601', "$create (access_token = '$secret')", 'a syntax error' ])
{
	my ($by, $state, $sql, $name) = @$case;

	logged();
	is($by->query($sql)->{state}, $state, $name);
	like(logged(), qr/STATEMENT: .*$secret/, '... is logged by PostgreSQL, as the reference warns');
}
logged();
is($bob->query('CREATE USER MAPPING FOR CURRENT_USER SERVER links')->{state}, '42501', 'CREATE USER MAPPING without options fails in the same way');
unlike(logged(), qr/$secret/, '... and logs no secret');
is($alice->query('CREATE USER MAPPING FOR CURRENT_USER SERVER links')->{state}, '', 'CREATE USER MAPPING without options succeeds with USAGE');
is($alice->query("ALTER USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (ADD access_token '$secret ')")->{state},
	'22023', '... then a bad secret is refused');
is($alice->query("ALTER USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (ADD access_token '$secret')")->{state},
	'', '... and a good secret is accepted');
unlike(logged(), qr/$secret/, '... and neither is in the log');
$bench->as_admin("DROP USER MAPPING FOR alice SERVER links");

# No hint tells a role to run a statement that the role may not run.

$bench->as_admin(q{GRANT USAGE ON SCHEMA links TO PUBLIC; GRANT SELECT ON links.payment_links TO PUBLIC;
	CREATE VIEW public.alices AS SELECT * FROM links.payment_links; ALTER VIEW public.alices OWNER TO alice;
	GRANT SELECT ON public.alices TO PUBLIC});
my $create_hint = 'Create one with CREATE USER MAPPING FOR alice SERVER links OPTIONS (access_token \'...\'), or query a view owned by a role that has one.';

sub hint
{
	my ($name, $by, $sql, $hint) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $result = $by->query($sql);
	is("$result->{state} $result->{hint}", "28000 $hint", $name);
	return;
}

my $read = 'SELECT * FROM links.payment_links';
hint('who has USAGE and no mapping', $alice, $read, $create_hint);
hint('who has neither', $bob, $read,
	'Ask the owner of server "links" to run CREATE USER MAPPING FOR bob SERVER links, or query a view owned by a role that has one.');
hint('who reads a view of somebody who has none', $bob, 'SELECT * FROM alices',
	'Ask the owner of server "links" to run CREATE USER MAPPING FOR alice SERVER links, or query a view owned by a role that has one.');
hint('... and its owner', $alice, 'SELECT * FROM alices', $create_hint);
$bench->as_admin('CREATE USER MAPPING FOR alice SERVER links');
my $ask = 'Ask the owner of server "links", who may change the user mapping for';
my $how = 'with ALTER USER MAPPING.';
hint('whose mapping has no token', $alice, $read, q{Add one with ALTER USER MAPPING ... OPTIONS (ADD access_token '...').});
hint('... to whom it is somebody else\'s', $bob, 'SELECT * FROM alices', "$ask alice $how");
$bench->as_admin("DROP USER MAPPING FOR alice SERVER links; CREATE USER MAPPING FOR PUBLIC SERVER links");
hint('where PUBLIC\'s has none', $_, $read, "$ask PUBLIC $how") foreach $alice, $bob;
hint('... and to the owner', $session, 'SELECT * FROM alices',
	q{Add one with ALTER USER MAPPING ... OPTIONS (ADD access_token '...').});
hint('no application to authorize', $alice, q{SELECT payment_links_authorize_url('links')}, "$ask PUBLIC $how");
$bench->as_admin(q{ALTER USER MAPPING FOR PUBLIC SERVER links OPTIONS (ADD refresh_token 'x')});
hint('a refresh token without its application', $alice, $read, "$ask PUBLIC $how");
$bench->as_admin(q{ALTER USER MAPPING FOR PUBLIC SERVER links OPTIONS (DROP refresh_token, ADD access_token 'x');
	ALTER SERVER links OPTIONS (ADD environment 'sandbox')});
hint('no staging token', $alice, $read, "$ask PUBLIC $how");
$bench->as_admin('ALTER SERVER links OPTIONS (DROP environment)');
$bench->api->config(token => ['another']);
hint('a refused token', $alice, $read, "The token is wrong or has expired (tokens last an hour). $ask PUBLIC $how");
hint('... that is not sent again', $alice, $read, "$ask PUBLIC $how");
hint('... to the owner', $session, 'SELECT * FROM alices',
	'The token is wrong or has expired (tokens last an hour). Put a new one into the user mapping for PUBLIC on server "links", or into its file.');

$_->quit foreach $alice, $bob, $bench;
$node->stop;
done_testing();
