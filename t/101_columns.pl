# Columns: which types a field may have, which names are no field, and which values a path finds
# in a link.  Then the URLs of requests, by base_url.

use strict;
use warnings;

use lib 't';

use JSON::PP;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 3);
my $node = PlfTest::cluster('main');
my $session = PlfTest->session($node);

sub query { return $session->query(@_); }

PlfTest::make_server($node, 'links', base_url => $api->url);

# Plans a query of a table with these columns, and takes it back.
query(<<'END');
CREATE TYPE mood AS ENUM ('open', 'paid');
CREATE TYPE every_status AS ENUM ('open', 'expired', 'canceled', 'paid', 'processing');
CREATE DOMAIN some_status AS every_status;
CREATE TYPE pair AS (a text, b text);
CREATE DOMAIN some_text AS text;
CREATE DOMAIN some_varchar AS varchar(9);
CREATE DOMAIN some_uuid AS uuid;
CREATE DOMAIN some_numeric AS numeric(14,2);
CREATE DOMAIN some_instant AS timestamptz;
CREATE DOMAIN some_switch AS boolean;
CREATE DOMAIN some_texts AS text[];
CREATE DOMAIN some_json AS json;
CREATE DOMAIN some_jsonb AS jsonb;
CREATE DOMAIN some_mood AS mood;
CREATE DOMAIN more_text AS some_text CHECK (value <> '');
CREATE DOMAIN some_integer AS integer;
CREATE DOMAIN some_day AS date;
CREATE FUNCTION plan(columns text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE FOREIGN TABLE tried (%s) SERVER links', columns);
	EXECUTE 'EXPLAIN SELECT * FROM tried';
	DROP FOREIGN TABLE tried;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;
END

# Which of the columns can be planned, as a list of answers.
sub plans
{
	my ($columns) = @_;
	my $values = join ', ', map { "(\$q\$$_\$q\$)" } @$columns;

	return [ map { JSON::PP->new->decode($_) }
		  split /\n/, query("SELECT to_json(p) FROM (VALUES $values) v (c), plan(c) p")->{rows} ];
}

# Types

my @texts = ('text', 'character varying', 'character varying(5)', 'some_text', 'some_varchar',
	'more_text');
my @statuses = qw(every_status some_status);
my @enums = (qw(mood some_mood), @statuses);
my @numbers = ('numeric', 'numeric(14,2)', 'some_numeric');
my @switches = ('boolean', 'some_switch');
my @lists = ('text[]', 'some_texts');
my @jsons = ('json', 'jsonb', 'some_json', 'some_jsonb');
my @uuids = ('uuid', 'some_uuid');
my @instants = ('timestamp with time zone', 'timestamp(0) with time zone', 'some_instant');
my @never = (
	'smallint', 'integer', 'bigint', 'real', 'double precision', 'money', 'date',
	'time without time zone', 'time with time zone', 'timestamp without time zone',
	'interval', 'bytea', 'xml', 'name', '"char"', 'character(5)', 'bit(3)', 'inet',
	'point', 'oid', 'regclass', 'tsvector', 'jsonpath', 'int4range', 'integer[]', 'uuid[]',
	'numeric[]', 'character varying[]', 'mood[]', 'jsonb[]', 'pair', 'some_text[]',
	'some_integer', 'some_day');
my @all = (@texts, @enums, @numbers, @switches, @lists, @jsons, @uuids, @instants, @never);
my %types = (
	id => \@uuids,
	status => \@statuses,
	amount => \@numbers,
	currency => \@enums,
	expiration_date => \@instants,
	created_at => \@instants,
	resource_type => \@enums,
	reusable => \@switches,
	url => \@enums,
	potential_payment_methods => \@lists,
	invoice_id => \@uuids,
	invoice_number => \@enums,
	debitor_name => \@enums,
	items => \@jsons,
	attrs => \@jsons,
	"other OPTIONS (field 'amount.value')" => \@numbers,
	"other OPTIONS (field 'attrs')" => \@jsons,
	"other OPTIONS (field 'items.title')" =>
	  [ @enums, @numbers, @switches, @lists, @jsons ],
	"id OPTIONS (field 'not.yet.known')" =>
	  [ @enums, @numbers, @switches, @lists, @jsons ],
	"other OPTIONS (constant '')" => \@all,
	"id OPTIONS (constant 'never read')" => \@all);
foreach my $column (sort keys %types)
{
	my ($name, $options) = split / /, $column, 2;
	my %fits = map { $_ => 1 } @texts, @{ $types{$column} };
	my $plans = plans([ map { join ' ', $name, $_, $options // () } @all ]);

	is_deeply(
		$plans,
		[
			map {
				(my $type = $_) =~ s/\(\d+\)//;
				$fits{$_} ? { state => undef, message => undef, hint => undef }
				  : {
					state => 'HV004',
					message => qq{column "$name" of foreign table "tried" cannot have type $type},
					hint => $name eq 'status' && $type =~ /mood$/
					? 'Add them with ALTER TYPE ... ADD VALUE, or declare the column as text.'
					: 'Declare it with ' . (defined $options && $options =~ /items|not/ ? 'one of these types' : 'that type or as text')
					  . ', and cast it in a view.'
				  }
			} map { s/numeric\(14,2\)/numeric/r } @all
		],
		"types of $column")
	  or diag(explain($plans));
}

# Names that are no field

my $names = 'a column of another name needs the option "field" or "constant".';
my %hints = (
	ammount => 'amount',
	amounts => 'amount',
	Amount => 'amount',
	'amount.value' => 'amount',
	value => undef,
	ID => 'id',
	uuid => 'id',
	state => 'status',
	Status => 'status',
	satus => 'status',
	curency => 'currency',
	expiration => 'expiration_date',
	expires_at => undef,
	expirationdate => 'expiration_date',
	createdAt => 'created_at',
	created => 'created_at',
	resourcetype => 'resource_type',
	re_usable => 'reusable',
	uri => 'url',
	potential_methods => 'potential_payment_methods',
	invoice => 'invoice_id',
	debtor_name => 'debitor_name',
	item => 'items',
	attributes => 'attrs',
	x => undef,
	'' . 'y' x 63 => undef,
	'größe' => undef,
	"line\nbreak" => undef,
	"id'; DROP TABLE x; --" => undef);
foreach my $name (sort keys %hints)
{
	(my $quoted = $name) =~ s/"/""/g;
	is_deeply(
		plans([qq{"$quoted" text}]),
		[
			{
				state => 'HV005',
				message =>
				  qq{column "$name" of foreign table "tried" is no field of a payment link},
				hint => defined $hints{$name} ? qq{Perhaps you meant "$hints{$name}"; $names}
				: ucfirst $names
			}
		],
		"the name $name");
}
is_deeply(
	plans([ 'id uuid, nonsense text', 'nonsense text, id integer', 'id integer, nonsense text', '' ]),
	[
		(map { { state => $_->[0], message => $_->[1], hint => $_->[2] } }
			  ([ 'HV005', 'column "nonsense" of foreign table "tried" is no field of a payment link', ucfirst $names ]) x 2,
			[ 'HV004', 'column "id" of foreign table "tried" cannot have type integer',
				'Declare it with that type or as text, and cast it in a view.' ]),
		{ state => undef, message => undef, hint => undef }
	],
	'one bad column spoils the table, none is one too');

# What a path finds

$api->links(
	replace => [],
	raw => [
		    '{"\u0069d":"01995126-3edf-752b-8170-d3686d7603f8",'
		  . '"amount":{"value":"1.10","currency":"EUR"},"ID":"upper","a b":"space","q\"q":"quote",'
		  . '"b\\\\b":"backslash","\u00e9":"escaped","a.b":"dotted","a]":"bracket",'
		  . '"a":{"b":{"c":[1,{"d":2}]},"n":null,"":"empty","\u0062b":"inner"},"t\tt":"tab","$":"dollar",'
		  . '"null":"word","number":-1.50E+2,"'
		  . 'l' x 5000
		  . '":"long",'
		  . join('', map { qq("$_":{) } 1 .. 15)
		  . '"16":"end"'
		  . '}' x 16
	]);
my @paths = (
	[ 'id', '01995126-3edf-752b-8170-d3686d7603f8' ],
	[ 'ID', 'upper' ],
	[ 'Id', undef ],
	[ ' id', undef ],
	[ 'id.x', undef ],
	[ 'amount.value', '1.10' ],
	[ 'amount.value.0', undef ],
	[ 'amount.Value', undef ],
	[ 'amount', '{"value":"1.10","currency":"EUR"}' ],
	[ 'a b', 'space' ],
	[ 'q"q', 'quote' ],
	[ 'b\\b', 'backslash' ],
	[ "\xc3\xa9", 'escaped' ],
	[ '\\u00e9', undef ],
	[ 'a.b', '{"c":[1,{"d":2}]}' ],
	[ 'a.b.c', '[1,{"d":2}]' ],
	[ 'a.b.c.d', undef ],
	[ 'a.b.c.1', undef ],
	[ 'a.b.c.1.d', undef ],
	[ 'a.n', undef ],
	[ 'a.n.n', undef ],
	[ 'a.bb', 'inner' ],
	[ 'a]', 'bracket' ],
	[ "t\tt", 'tab' ],
	[ '$', 'dollar' ],
	[ 'null', 'word' ],
	[ 'number', '-1.50E+2' ],
	[ 'l' x 5000, 'long' ],
	[ 'l' x 4999, undef ],
	[ join('.', 1 .. 16), 'end' ],
	[ join('.', 1 .. 15), '{"16":"end"}' ],
	[ join('.', 1 .. 14, 16), undef ]);
query('CREATE FOREIGN TABLE paths ('
	  . join(', ', map { "c$_ text OPTIONS (field \$q\$$paths[$_][0]\$q\$)" } 0 .. $#paths)
	  . ') SERVER links');
my $row = JSON::PP->new->decode(
	query('SELECT json_build_array(' . join(', ', map { "c$_" } 0 .. $#paths) . ') FROM paths')->{rows});
foreach my $n (0 .. $#paths)
{
	is($row->[$n], $paths[$n][1], 'the path ' . substr($paths[$n][0], 0, 60));
}

# A NOT NULL that is NOT VALID (PostgreSQL 18 and later) does not say that no link has a NULL.

$api->reset;
$api->config(count => 60);
SKIP: {
	skip 'NOT NULL cannot be NOT VALID before 18', 4 if $node->pg_version < 18;
	query('CREATE FOREIGN TABLE not_valid (id uuid, expiration_date timestamptz) SERVER links');
	foreach my $sql (
		'SELECT count(*) FROM not_valid WHERE expiration_date IS NULL',
		'SELECT count(id) FROM not_valid WHERE expiration_date IS NULL',
		'SELECT count(expiration_date) FROM not_valid',
		'SELECT expiration_date FROM not_valid ORDER BY expiration_date')
	{
		my $before = query($sql);

		query('ALTER FOREIGN TABLE not_valid ADD CONSTRAINT dated NOT NULL expiration_date NOT VALID');
		is_deeply([ @{ query($sql) }{qw(rows errors)} ], [ @{$before}{qw(rows errors)} ], "NOT VALID: $sql");
		query('ALTER FOREIGN TABLE not_valid DROP CONSTRAINT dated');
	}
}

# Where a request goes: to base_url and nowhere else, whatever is in its path, here decoded.

$api->reset;
my $at = 'http://127.0.0.1:' . $api->port;
foreach my $case (
	[ '', '' ],
	[ '/', '' ],
	[ '///', '' ],
	[ '/v2', '/v2' ],
	[ '/a//b/', '/a//b' ],
	[ '/%20%7e%c3%a9', "/ ~\x{e9}" ],
	[ '/%3Fpage=7%23', '/?page=7#' ],
	[ '/...;a=b,c@d:e', '/...;a=b,c@d:e' ],
	[ '/a&page=7', '/a&page=7' ],
	[ '/http://evil.example', '/http://evil.example' ])
{
	my ($typed, $asked) = @$case;

	query("ALTER SERVER links OPTIONS (SET base_url '$at$typed')");
	$api->clear_log;
	my $state = query('SELECT id FROM links.payment_links')->{state};
	my ($entry) = $api->log;
	is_deeply(
		[ $state, $api->count, @{$entry}{qw(path query token)} ],
		[
			$asked eq '' ? '' : 'HV00R', 1,
			"$asked/v2/payment_links", 'page=1&per_page=100', 'good'
		],
		"a request to $typed");
}

# A table's option wins over its server's.

query("ALTER SERVER links OPTIONS (SET base_url '$at', page_size '2')");
query("CREATE FOREIGN TABLE own (id uuid) SERVER links OPTIONS (page_size '3')");
$api->clear_log;
is(query('SELECT count(*) FROM (SELECT id FROM own WHERE random() < 2) l')->{rows}, '3', 'a table with its own page size');
is_deeply([ $api->requests ], ['GET /v2/payment_links?page=1&per_page=3'], '... asks for such pages');

$session->quit;
$node->stop;
done_testing();
