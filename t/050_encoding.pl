# Databases whose encoding is not UTF-8: text that the encoding can represent is exact, other
# text is an error that names the place.

use strict;
use warnings;
use utf8;

use lib 't';

use Encode qw(encode_utf8);
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 0);
my $node = PlfTest::cluster('main');
my $number = 0;

# JSON text of a link; its id ends in the number it is made with.
sub link_text
{
	my (%fields) = @_;
	my %all = (
		id => sprintf('"00000000-0000-7000-8000-%012d"', ++$number),
		status => '"open"',
		amount => '{"value": "13.30", "currency": "EUR"}',
		expiration_date => 'null',
		created_at => '"2026-01-01T00:00:00Z"',
		%fields);

	return '{' . join(', ', map { "\"$_\": $all{$_}" } sort keys %all) . '}';
}

my $one = '00000000-0000-7000-8000-000000000001';
my @representable = (
	link_text(
		debitor_name => '"Café Zoë & Søn, \u00e0 Nîmes"',
		invoice_number => '"FÄ-2026-№"',
		potential_payment_methods => '["prélèvement", "\u00e9ch\u00e9ance", null]',
		items => '[{"title": "Crème brûlée", "quantity": 1.10}]',
		'clé' => '{"été": "Août"}',
		note => '"ÿ"'));
my %unrepresentable = (
	debitor_name => '"Łódź"',
	invoice_number => '"5 \u20ac"',
	potential_payment_methods => '["card", "支付宝"]',
	items => '[{"title": "\ud83d\ude00"}]');

# Three databases with the same servers and tables
foreach my $encoding (qw(UTF8 LATIN1 SQL_ASCII))
{
	my $database = lc $encoding;

	$node->safe_psql('postgres',
		"CREATE DATABASE $database TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'"
	);
	$node->safe_psql($database, 'CREATE EXTENSION payment_links_fdw');
	PlfTest::make_server($node, 'links',
		database => $database,
		base_url => $api->url);
}

sub session
{
	my ($database, $encoding) = @_;
	my $session = PlfTest->session($node,
		database => $database,
		encoding => $encoding);

	# As a client of that encoding types it
	$session->query(
		encode_utf8(
			q{CREATE FOREIGN TABLE named (
				id uuid,
				pays text OPTIONS (constant 'Réunion'),
				"été" text OPTIONS (field 'clé.été'),
				note text,
				debitor_name varchar(40),
				methods text OPTIONS (field 'potential_payment_methods'),
				goods json OPTIONS (field 'items')) SERVER links;
			ALTER FOREIGN TABLE named ALTER note OPTIONS (field 'note');
			CREATE TYPE season AS ENUM ('Août', 'Décembre');
			CREATE FOREIGN TABLE seasons (saison season OPTIONS (field 'clé.été')) SERVER links}
		));
	return $session;
}

# What the database holds, in UTF-8 and in bytes of its own
sub check_texts
{
	my ($session, $encoding, $bytes) = @_;
	my $rows = sub { $session->query(encode_utf8($_[0])) };
	my $is = sub {
		my ($sql, $expected, $name) = @_;
		my $result = $rows->($sql);

		is($result->{rows} . $result->{errors},
			encode_utf8($expected), "$encoding: $name");
	};

	$is->('SELECT debitor_name FROM links.payment_links',
		'Café Zoë & Søn, à Nîmes', 'text');
	$is->(
		'SELECT octet_length(debitor_name) FROM links.payment_links',
		$bytes, 'text in bytes');
	$is->(
		'SELECT potential_payment_methods, cardinality(potential_payment_methods)
		FROM links.payment_links',
		'{prélèvement,échéance,NULL}|3', 'text[]');
	$is->('SELECT items FROM links.payment_links',
		'[{"title": "Crème brûlée", "quantity": 1.10}]', 'jsonb');
	$is->(
		"SELECT title, quantity FROM links.payment_links, payment_link_items(items)",
		'Crème brûlée|1.10', 'items');
	$is->(
		'SELECT pays, "été", note, debitor_name FROM named',
		'Réunion|Août|ÿ|Café Zoë & Søn, à Nîmes',
		'options');
	$is->('SELECT goods FROM named',
		'[{"title": "Crème brûlée", "quantity": 1.10}]', 'json');
	$is->('SELECT saison FROM seasons', 'Août', 'an enum');
	$is->(
		"SELECT note FROM named WHERE \"été\" = 'Août' AND note = 'ÿ'",
		'ÿ', 'conditions');
	return;
}

# UTF-8 and LATIN1

$api->links(replace => [], raw => \@representable);
my $utf8 = session('utf8');
check_texts($utf8, 'UTF8', 28);
is( $utf8->query(q{SELECT invoice_number, attrs ->> 'note' FROM links.payment_links})
	  ->{rows},
	encode_utf8('FÄ-2026-№|ÿ'),
	'UTF8: attrs');

my $latin1 = session('latin1');
check_texts($latin1, 'LATIN1', 23);
my $result = $latin1->query('SELECT attrs FROM links.payment_links');
is($result->{state}, '22P05',
	'LATIN1: attrs has a letter that is not to be represented');
like(
	$result->{context},
	qr/\Acolumn "attrs" of payment link $one, page 1\z/,
	'... and the error says where');

# What LATIN1 does not have is an error only where it is asked for.

foreach my $column (sort keys %unrepresentable)
{
	$number = 0;
	$api->links(
		replace => [],
		raw => [
			link_text(),
			link_text($column => $unrepresentable{$column}),
			link_text()
		]);
	$result = $latin1->query("SELECT id, $column FROM links.payment_links");
	is($result->{state}, '22P05', "LATIN1: $column");
	is($result->{rows}, '', '... no row');
	# From 16 on jsonb's own line comes first.
	like(
		$result->{context},
		qr/^column "$column" of payment link 00000000-0000-7000-8000-000000000002, page 1\z/m,
		'... column, link and page');
	is( $latin1->query(
			"SELECT count(id), min(status), sum(amount), count(created_at) FROM links.payment_links"
		)->{rows},
		'3|open|39.90|3',
		'... other columns are read');
}

# The API's words are shown as far as they can be.

$api->fault(kind => 'status', status => 422, detail => 'échec à Łódź');
is( ($latin1->query('SELECT id FROM links.payment_links')->{detail} =~
		  /\AThe API said: (.*) \(invalid\)\./)[0],
	encode_utf8('échec à ?ód?'),
	'LATIN1: what the API says');
is( ($utf8->query('SELECT id FROM links.payment_links')->{detail} =~
		  /\AThe API said: (.*) \(invalid\)\./)[0],
	encode_utf8('échec à Łódź'),
	'UTF8: what the API says');
is( $latin1->query(
		q{SELECT ok, message ~ 'chec', length(message) > 0 FROM payment_links_check('links')}
	)->{rows},
	'f|t|t',
	'LATIN1: payment_links_check');
$api->clear_faults;

# SQL_ASCII keeps the bytes of UTF-8.

$number = 0;
$api->links(
	replace => [],
	raw => [
		link_text(
			debitor_name => '"Łódź \u20ac"',
			potential_payment_methods => '["支付宝", "é"]',
			items => '[{"title": "Crème 😀"}]',
			'clé' => '{"été": "Août"}',
			note => '"ÿ"')
	]);
my $ascii = session('sql_ascii', 'SQL_ASCII');
is( $ascii->query(
		'SELECT debitor_name, octet_length(debitor_name), potential_payment_methods, items
		FROM links.payment_links'
	)->{rows},
	encode_utf8('Łódź €|11|{支付宝,é}|[{"title": "Crème 😀"}]'),
	'SQL_ASCII: text, text[] and jsonb');
is( $ascii->query('SELECT pays, "' . encode_utf8('été') . '", note, goods FROM named')
	  ->{rows},
	encode_utf8('Réunion|Août|ÿ|[{"title": "Crème 😀"}]'),
	'SQL_ASCII: options and json');

# Not UTF-8 at all is not JSON.

$api->fault(kind => 'invalid_utf8', field => 'debitor_name');
is($_->query('SELECT id FROM links.payment_links')->{state},
	'08P01', 'invalid UTF-8')
  foreach $utf8, $latin1, $ascii;
$api->clear_faults;

$_->quit foreach $utf8, $latin1, $ascii;
$node->stop;
done_testing();
