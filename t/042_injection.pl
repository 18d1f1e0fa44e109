# Nothing that a user types can change the form of a request: options, token files, names and
# values of conditions, each with characters that end a header or a part of a URL.  The sample
# API tells what each request had.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use POSIX qw(mkfifo);
use SampleApi;
use Test::More;

my $token = $PlfTest::access_token;
my $api = SampleApi->new(count => 25);
my $links = PlfTest::links_of($api);
my $host = '127.0.0.1:' . $api->port;
my $node = PlfTest::cluster('main');

PlfTest::make_server($node, 'links', base_url => $api->url, page_size => 10);
my $session = PlfTest->session($node);

sub query { return $session->query(@_); }

# What a request of this wrapper is.
my @headers = qw(Host User-Agent Accept-Encoding Accept Authorization);
my $status = qr/status%5B%5D=(?:open|expired|canceled|paid|processing)&/;
my $sort_by = qr/sort_by=(?:amount|expiration_date)%3A(?:asc|desc)&/;
my $hex = '[0-9a-f]';
my $target = qr{/v2/payment_links
	(?: \?$status*$sort_by?page=[1-9]\d*&per_page=[1-9]\d*
	| /$hex{8}-$hex{4}-$hex{4}-$hex{4}-$hex{12})}x;

# Asserts that the requests since the last call were that, below a prefix and with
# a staging token if there was one; returns how many they were.
sub clean
{
	my ($name, %case) = @_;
	my $prefix = quotemeta($case{prefix} // '');
	my $wanted = join ' ', @headers, $case{staging} ? 'X-Qonto-Staging-Token' : ();
	my @log = $api->log;
	my @odd = grep {
		not(    $_->{method} eq 'GET'
			and $_->{target} =~ /\A(?i:$prefix)$target\z/    # %0d is %0D
			and $_->{host} eq $host
			and "@{ $_->{headers} }" eq $wanted
			and $_->{user_agent} eq 'payment_links_fdw/1.0'
			and $_->{accept} eq 'application/json'
			and $_->{body} == 0)
	} @log;

	is_deeply(\@odd, [], "$name: every request has its usual form");
	$api->clear_log;
	return scalar @log;
}

sub literal
{
	my ($value) = @_;

	$value =~ s/(['\\])/$1$1/g;
	return "E'$value'";
}

is(query(PlfTest::all_of('links'))->{rows}, $links, 'all links are read');
is(clean('all links'), 3, '... in three requests');

# Texts that are added to a valid value, or replace it

my %hostile = (
	'CR LF' => "\r\nX-Injected:1",
	'LF' => "\nX-Injected:1",
	'CR' => "\rX-Injected:1",
	'an empty line' => "\r\n\r\nGET /v2/payment_links/smuggled HTTP/1.1\r\n",
	'a tab' => "\tX-Injected:1",
	'a space' => ' HTTP/1.1',
	'DEL' => "\x7f",
	'a letter beyond ASCII' => "\xc3\xa9",
	'percent CR LF' => '%0d%0aX-Injected:1',
	'percent NUL' => '%00',
	'percent slash' => '%2f..%2f',
	'two dots' => '/../..',
	'a query' => '?status[]=paid',
	'an ampersand' => '&page=2',
	'a fragment' => '#top',
	'a user name' => '@127.0.0.1');

# A valid value of every option, by the objects that may have the option; each is tried with
# these texts
# the value, but for what names a host.
my %valid = (
	server => {
		environment => 'production',
		base_url => $api->url . '/prefix',
		token_url => $api->url . '/token',
		authorize_url => $api->url . '/authorize',
		page_size => 10,
		concurrency => 1,
		max_requests => 10,
		connect_timeout => '10s',
		request_timeout => '10s',
		max_retries => 0,
		max_retry_wait => '1s',
		sort_pushdown => 'true',
		count_pushdown => 'true',
		on_drift => 'repair',
		fdw_startup_cost => 1,
		fdw_page_cost => 1,
		fdw_tuple_cost => 1,
		async_capable => 'true',
		proxy => 'http://127.0.0.1:9',
		ca_file => '/tmp/ca.pem' },
	table => {
		page_size => 10,
		concurrency => 1,
		max_requests => 10,
		sort_pushdown => 'true',
		count_pushdown => 'true',
		on_drift => 'repair',
		async_capable => 'true' },
	column => { field => 'status', constant => 'open' },
	mapping => {
		access_token => $token,
		access_token_file => '/tmp/token',
		staging_token => 'sample',
		client_id => 'sample',
		client_secret => 'sample',
		refresh_token => 'sample',
		redirect_uri => 'https://app.example/callback',
		access_token_expires_at => '2026-01-31T23:59:59Z',
		refresh_token_expires_at => '2026-01-31T23:59:59Z',
		refreshed_at => '2026-01-31T23:59:59Z',
		token_host => 'oauth.example',
		stored_by => '1/2',
		last_failure => 'none' },
	import => { import_json => 'true' });

# In a transaction that is taken back: a server with its mapping and table, one of
# which has the option, and a query of the table.
sub attempt
{
	my ($place, $option, $value) = @_;
	my %more = ($place => ", $option " . literal($value));
	my $more = sub { return $more{ $_[0] } // ''; };
	my $base_url =
	  $option eq 'base_url' ? '' : ", base_url '${\ $api->url}'";
	my $mapping = $option =~ /^access_token/ ? '' : ", access_token '$token'";

	# A list of options cannot begin with a comma.
	my $options = sub {
		my $list = join '', @_;
		$list =~ s/^, //;
		return $list eq '' ? '' : "OPTIONS ($list)";
	};
	my @statements = (
		'CREATE SERVER made FOREIGN DATA WRAPPER payment_links_fdw '
		  . $options->($base_url, $more->('server')),
		'CREATE USER MAPPING FOR CURRENT_USER SERVER made '
		  . $options->($mapping, $more->('mapping')),
		'CREATE FOREIGN TABLE made (id uuid, word text '
		  . $options->($more->('column') || ", field 'status'")
		  . ') SERVER made '
		  . $options->($more->('table')),
		'CREATE SCHEMA made; IMPORT FOREIGN SCHEMA x FROM SERVER made INTO made '
		  . $options->($more->('import')));
	my $state = '';

	query('BEGIN');
	foreach my $statement (@statements)
	{
		$state ||= query($statement)->{state};
	}
	if ($state eq '')
	{
		query('SAVEPOINT s; SELECT * FROM made');
		query('ROLLBACK TO s; SELECT count(*) FROM made WHERE word = $$open$$');
	}
	query('ROLLBACK');
	return $state;
}

# Where the value is taken as it is: it means something else to a file system, a
# path and a token than to a header, or is not sent at all.
my @printable = (
	'percent CR LF', 'percent NUL', 'percent slash', 'two dots', 'a query',
	'an ampersand', 'a fragment', 'a user name');
my @no_control = grep { $hostile{$_} !~ /[[:cntrl:]]/ } keys %hostile;
my %accepted = (
	'server ca_file' => \@no_control,
	'server base_url' => [ grep { !/query|fragment|dots|CR LF|NUL/ } @printable ],
	'column constant' => [ keys %hostile ],
	'column field' => [ grep { !/query|dots|slash/ } keys %hostile ],
	(map { ("server $_" => [ grep { !/query|fragment|dots|CR LF|NUL/ } @printable ]) } qw(token_url authorize_url)),
	(map { ("mapping $_" => \@printable) } qw(access_token client_id client_secret refresh_token)),
	'mapping redirect_uri' => [ grep { !/fragment/ } @printable ],
	'mapping token_host' => [ grep { !/query|fragment|dots|user/ } @printable ],
	'mapping last_failure' => [ keys %hostile ],
	'mapping access_token_file' => \@no_control,
	'mapping staging_token' => \@printable);

my %create = (
	server => ['CREATE SERVER made FOREIGN DATA WRAPPER payment_links_fdw OPTIONS'],
	table => ['CREATE FOREIGN TABLE made (id uuid) SERVER links OPTIONS'],
	column => [ 'CREATE FOREIGN TABLE made (id uuid OPTIONS', ') SERVER links' ],
	mapping => ['CREATE USER MAPPING FOR PUBLIC SERVER links OPTIONS'],
	import => ['IMPORT FOREIGN SCHEMA x FROM SERVER links INTO public OPTIONS']);

foreach my $place (sort keys %valid)
{
	my ($begin, $end) = (@{ $create{$place} }, '');
	my $hint = query("$begin (nothing_like_any_of_them 'x') $end")->{hint};

	is_deeply([ sort $hint =~ /: (.*)\.$/ ? split(/, /, $1) : () ],
		[ sort keys %{ $valid{$place} } ],
		"$place: every option is tried");
	foreach my $option (sort keys %{ $valid{$place} })
	{
		subtest "$place, $option" => sub { tried($place, $option); };
	}
}

sub tried
{
	my ($place, $option) = @_;
	my @accepted;

	foreach my $name (sort keys %hostile)
	{
		my $state = attempt($place, $option, $valid{$place}{$option} . $hostile{$name});
		my $path = "/prefix$hostile{$name}";

		if ($state eq '')
		{
			push @accepted, $name;
			clean(
				$name,
				staging => $option eq 'staging_token',
				prefix => $option ne 'base_url' || $name eq 'two dots' ? '' : $path);
		}
		else
		{
			is("$state " . $api->count, '22023 0', "$name is refused, before any request");
		}
	}
	is_deeply(\@accepted, [ sort @{ $accepted{"$place $option"} // [] } ],
		'names that are accepted as they are');
	return;
}

# A host is what the request says it is, or there is no such server.

my $port = $api->port;
foreach my $url ("http://127.0.0.1:$port", "HTTP://127.0.0.1:$port/")
{
	is(attempt('server', 'base_url', $url), '', "base_url $url");
	is(clean('... '), 2, '... the requests');
}
foreach my $url (
	"http://127.1:$port", "http://0x7f000001:$port", "http://2130706433:$port",
	"http://127.0.0.1%0d%0aX-Injected:$port",
	"http://127.0.0.1:$port%0d%0aX-Injected:1/",
	"http://127.0.0.1%00.example:$port",
	"http://127.0.0.1%2eexample:$port",
	"http://127.0.0.1:$port\@gateway.example",
	"http://gateway.example\@127.0.0.1:$port",
	"http://gateway.example:80\\\@127.0.0.1:$port",
	"http://127.0.0.1\\\@gateway.example",
	"http://127.0.0.1\\.gateway.example",
	"http:gateway.example",
	"http:///gateway.example",
	"http://127.0.0.1:$port:$port",
	"http://127.0.0.1:99999",
	"http://[::1%25lo]:$port\@gateway.example",
	"http://[::1]gateway.example:$port",
	"http://localhost.gateway.example:$port",
	"http://gateway.example/\@127.0.0.1:$port")
{
	is(attempt('server', 'base_url', $url) . ' ' . $api->count,
		'22023 0', "base_url $url is refused");
}
is( query(
		qq{CREATE SERVER made FOREIGN DATA WRAPPER payment_links_fdw
		OPTIONS (base_url E'http://$host\\000/')})->{state},
	'22021',
	'a zero byte is refused by the server itself');

# Names

my $lines_in_roles = query('SHOW server_version_num')->{rows} < 190000;

foreach my $name (map { $hostile{$_} } 'CR LF', 'LF', 'percent CR LF', 'a query')
{
	(my $quoted = $name) =~ s/"/""/g;

	# From PostgreSQL 19 on the server itself refuses these of a role.
	(my $role = $quoted) =~ s/[\r\n]/$lines_in_roles ? $& : ''/ge;

	is( query(
			qq{BEGIN;
			SET LOCAL application_name = } . literal($name) . qq{;
			CREATE ROLE "$role" SUPERUSER; SET ROLE "$role";
			CREATE SERVER "$quoted" FOREIGN DATA WRAPPER payment_links_fdw
				OPTIONS (base_url '${\ $api->url}', page_size '10');
			CREATE USER MAPPING FOR CURRENT_USER SERVER "$quoted" OPTIONS (access_token '$token');
			CREATE SCHEMA "$quoted";
			IMPORT FOREIGN SCHEMA "$quoted" FROM SERVER "$quoted" INTO "$quoted";
			SELECT id, status, amount FROM "$quoted".payment_links ORDER BY id::text COLLATE "C";
			ROLLBACK})->{rows},
		$links,
		'a server, a role, a schema and an application of such a name');
	is(clean('... '), 3, '... the requests');
}

# Values of conditions, as constants and as parameters of a generic plan

query(
	q{CREATE TYPE odd AS ENUM ('open', 'expired', 'canceled', 'paid', 'processing',
		E'paid\r\nX-Injected: 1', 'paid&page=2', 'paid%0d%0a');
	CREATE FOREIGN TABLE words (id text, status text, amount text) SERVER links;
	CREATE FOREIGN TABLE kinds (id uuid, status odd) SERVER links;
	SET plan_cache_mode = 'force_generic_plan'});
my @values =
  (values %hostile, map { "paid$_" } values %hostile);
my %query = (
	'a text id' => 'SELECT * FROM words WHERE id = $1',
	'a status' => 'SELECT * FROM words WHERE status = $1',
	'statuses' => q{SELECT * FROM words WHERE status = ANY (ARRAY[$1, 'paid ']) OR status LIKE $1},
	'no status' => 'SELECT count(*) FROM words WHERE status <> $1 AND status < $1',
	'an amount in words' => 'SELECT * FROM words WHERE amount >= $1 ORDER BY amount');
foreach my $name (sort keys %query)
{
	subtest $name => sub {
		query("PREPARE q(text) AS $query{$name}");
		foreach my $value (@values)
		{
			(my $constant = $query{$name}) =~ s/\$1/literal($value)/ge;

			is(query($constant)->{state}, '', 'a constant');
			is(query('EXECUTE q(' . literal($value) . ')')->{state}, '', 'a parameter');
		}
		query('DEALLOCATE q');
		cmp_ok(clean($name), '>', 0, '... the requests');
	};
}
is( query(q{SELECT count(*) FROM kinds WHERE status::text <> 'paid' AND status = E'paid\r\nX-Injected: 1'})
	  ->{rows},
	0,
	'a label of an enum');
clean('a label of an enum');
foreach my $id ("{0195E1C2-0000-7000-8000-000000000001}", '0195e1c2000070008000000000000001')
{
	query("SELECT * FROM links.payment_links WHERE id = '$id'");
	# The list is asked for where the API knows no such link: is there a list at all?
	is_deeply(
		[ $api->requests ],
		[
			'GET /v2/payment_links/0195e1c2-0000-7000-8000-000000000001',
			'GET /v2/payment_links?page=1&per_page=1'
		],
		"the id $id is sent in its canonical form");
	clean("the id $id");
}
foreach my $value (@values)
{
	is(query('SELECT * FROM links.payment_links WHERE id = ' . literal($value))->{state},
		'22P02', 'a text that is no uuid is refused');
}
is($api->count, 0, '... before any request');
foreach my $window (
	'LIMIT 9223372036854775807 OFFSET 9223372036854775807',
	'LIMIT 9223372036854775807 OFFSET 1',
	'LIMIT 1 OFFSET 9223372036854775806',
	'OFFSET 9223372036854775807')
{
	my $result = query("SELECT status FROM links.payment_links $window");

	is($result->{state}, '', $window);
	is(scalar(split /\n/, $result->{rows}), $window =~ /OFFSET 1$/ ? 24 : 0, '... the rows');
	cmp_ok(clean($window), '>', 0, '... the requests');
}

# Token files: one token, line ends after it, and nothing else

my $folder = PostgreSQL::Test::Utils::tempdir();
my $file = "$folder/token";
PlfTest::make_server(
	$node, 'filed',
	base_url => $api->url,
	page_size => 10,
	mapping => "access_token_file '$file'");

# The SQLSTATE that a file ends in, '' for all links.
sub with_file
{
	my ($name, $state, $requests) = @_;
	my $result = query(PlfTest::all_of('filed'));

	is($result->{state}, $state, "$name: SQLSTATE");
	is($result->{rows}, $state eq '' ? $links : '', '... the rows');
	is(clean('... '), $requests // ($state eq '' ? 3 : 0), '... the requests');
	is( query(q{SELECT coalesce(sqlstate, '') FROM payment_links_check('filed')})->{rows},
		$requests ? '28000' : $state,
		'... and payment_links_check() reports the same error');
	clean('... ');
	return $result;
}

foreach my $case (
	[ 'a token', $token, '' ],
	[ 'a line', "$token\n", '' ],
	[ 'a line of another system', "$token\r\n", '' ],
	[ 'empty lines after it', "$token\n\r\n\n", '' ],
	[ 'an empty line before it', "\n$token", '28000' ],
	[ 'a second line', "$token\nX-Injected: 1\n", '28000' ],
	[ 'a second line of another system', "$token\r\nX-Injected: 1\r\n", '28000' ],
	[ 'a carriage return within', "$token\rX-Injected:1", '28000' ],
	[ 'a zero byte', "$token\0X-Injected:1", '28000' ],
	[ 'a zero byte after it', "$token\0\n", '28000' ],
	[ 'a space', "$token X", '28000' ],
	[ 'a space after it', "$token \n", '28000' ],
	[ 'a tab', "$token\tX", '28000' ],
	[ 'a letter beyond ASCII', "$token\xc3\xa9", '28000' ],
	[ 'a byte order mark', "\xef\xbb\xbf$token", '28000' ],
	[ 'the word before it', "Bearer $token", '28000' ],
	[ 'nothing', '', '28000' ],
	[ 'a line end', "\n", '28000' ],
	[ 'too much', 'x' x 65537, '28000' ],
	[ 'much after it', $token . "\n" x 65536, '28000' ],
	[ 'percent-encoded line ends', "$token%0d%0aX-Injected:1", '28000', 1 ])
{
	my ($name, $content, $state, $requests) = @$case;

	unlink $file;
	append_to_file($file, $content);
	chmod 0600, $file;
	my $result = with_file("a file with $name", $state, $requests);
	unlike($result->{errors}, qr/X-Injected|\Q$token\E/, '... and its content is not shown');
}

# A good token file, with one thing wrong

sub good_file
{
	my ($mode) = @_;

	unlink $file;
	append_to_file($file, "$token\n");
	chmod $mode, $file;
	return;
}

foreach my $case ([ '0600', '' ], [ '0400', '' ], map { [ $_, '42501' ] } qw(0640 0644 0604 0602 0660 0610 0000))
{
	my ($mode, $state) = @$case;

	good_file(oct $mode);
	with_file("a file with mode $mode", $state);
}
good_file(oct '0600');
rename $file, "$folder/other";
with_file('no file', '58P01');
symlink "$folder/other", $file;
with_file('a link to a file', '');
unlink $file;
symlink $file, $file;
with_file('a link to itself', '58030');
unlink $file;
mkdir $file;
with_file('a folder', '42809');
rmdir $file;
mkfifo($file, 0600);
with_file('a pipe that nobody writes to', '42809');
unlink $file;

$session->quit;
$node->stop;
done_testing();
