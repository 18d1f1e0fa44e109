# The extension can be created in a schema that has another role's operators, functions,
# types and casts.  Its objects are then the same as in any other schema, and call
# pg_catalog's functions.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $node = PlfTest::cluster('main');
my $api = SampleApi->new(count => 3);

# The hostile schema has each function and operator that the objects of the extension call,
# and each type that they name, with argument types that the parser would prefer to
# pg_catalog's.
my @types = qw(text jsonb name oid timestamptz record fdw_handler void bool int4 int8 numeric interval uuid);
my @json = map { "($_)" } 'jsonb, jsonb', 'jsonb, text', 'anyelement, anyelement', 'jsonb, varchar', 'anynonarray, text';
my $hostile = q{
	CREATE SCHEMA hostile;
	CREATE FUNCTION hostile.raise(a anyelement, b anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE
		AS $$BEGIN RAISE 'hostile'; END$$;
	CREATE FUNCTION hostile.raise_text(a jsonb, b jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE
		AS $$BEGIN RAISE 'hostile'; END$$;
	CREATE FUNCTION hostile.raise_texts(a jsonb, b text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE
		AS $$BEGIN RAISE 'hostile'; END$$;
	CREATE FUNCTION hostile.raise_any(a anyelement, b anyelement) RETURNS bool LANGUAGE plpgsql IMMUTABLE
		AS $$BEGIN RAISE 'hostile'; END$$;
	CREATE FUNCTION hostile.raise_item(a jsonb, b varchar) RETURNS text LANGUAGE plpgsql IMMUTABLE
		AS $$BEGIN RAISE 'hostile'; END$$;
	CREATE FUNCTION hostile.jsonb_typeof(anyelement) RETURNS text LANGUAGE sql AS $$SELECT 'array'::text$$;
	CREATE FUNCTION hostile.jsonb_array_elements(anyelement, OUT value text) RETURNS SETOF text LANGUAGE sql
		AS $$SELECT 'hostile'::text$$;
	CREATE FUNCTION hostile."current_user"() RETURNS name LANGUAGE sql AS $$SELECT 'hostile'::name$$;
	CREATE OPERATOR hostile.->> (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = hostile.raise_text);
	CREATE OPERATOR hostile.->> (LEFTARG = jsonb, RIGHTARG = varchar, FUNCTION = hostile.raise_item);
	CREATE OPERATOR hostile.->> (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = hostile.raise);
	CREATE OPERATOR hostile.#>> (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = hostile.raise_text);
	CREATE OPERATOR hostile.#>> (LEFTARG = jsonb, RIGHTARG = text[], FUNCTION = hostile.raise_texts);
	CREATE OPERATOR hostile.#>> (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = hostile.raise);
	CREATE OPERATOR hostile.= (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = hostile.raise_any);
	CREATE TYPE hostile.item AS ENUM ('title', 'array');
	CREATE FUNCTION hostile.to_item(a text) RETURNS hostile.item LANGUAGE plpgsql IMMUTABLE
		AS $$BEGIN RAISE 'hostile'; END$$;
	CREATE CAST (text AS hostile.item) WITH FUNCTION hostile.to_item(text) AS IMPLICIT;
	CREATE FUNCTION hostile.of_item(a hostile.item) RETURNS numeric LANGUAGE plpgsql IMMUTABLE
		AS $$BEGIN RAISE 'hostile'; END$$;
	CREATE CAST (hostile.item AS numeric) WITH FUNCTION hostile.of_item(hostile.item) AS IMPLICIT;
	CREATE CAST (hostile.item AS text) WITH INOUT AS IMPLICIT;
	CREATE FUNCTION hostile.raise_enum(a jsonb, b hostile.item) RETURNS text LANGUAGE plpgsql IMMUTABLE
		AS $$BEGIN RAISE 'hostile'; END$$;
	CREATE OPERATOR hostile.->> (LEFTARG = jsonb, RIGHTARG = hostile.item, FUNCTION = hostile.raise_enum);
	CREATE FUNCTION hostile.payment_links_fdw_handler(VARIADIC int[]) RETURNS fdw_handler LANGUAGE c
		AS 'payment_links_fdw', 'payment_links_fdw_handler';
	CREATE FUNCTION hostile.payment_links_fdw_validator(anyarray, oid) RETURNS void LANGUAGE sql AS '';
};
$hostile .= "CREATE DOMAIN hostile.$_ AS int4 CHECK (false);\n" foreach @types;
$hostile =~ s/(?<=\W)(jsonb|text|name|varchar|oid|numeric|bool|fdw_handler|void)(?=\W)(?!;| AS int4)/pg_catalog.$1/g;
$hostile =~ s/hostile\.pg_catalog\./hostile./g;
$hostile =~ s/(?<=DOMAIN hostile\.)pg_catalog\.//g;

# The objects of the extension, from all catalogs that hold text or trees. contents() takes
# out the name of the schema, OIDs, and places in the script.
my $contents = q{
	SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C") FROM (
		SELECT format('%s %s %s', pg_describe_object(classid, objid, 0), f, concat_ws(' ', d.description, p.proargdefaults, p.prosqlbody,
			v.ev_action, p.provolatile, p.proparallel, p.proisstrict, p.prorows, p.proacl))
		FROM pg_depend
			LEFT JOIN pg_proc p ON classid = 'pg_proc'::regclass AND p.oid = objid
			LEFT JOIN pg_description d ON d.classoid = classid AND d.objoid = objid
			LEFT JOIN pg_rewrite v ON classid = 'pg_class'::regclass AND v.ev_class = objid
			LEFT JOIN LATERAL (SELECT CASE WHEN p.oid IS NOT NULL THEN pg_get_functiondef(p.oid)
				WHEN classid = 'pg_class'::regclass THEN pg_get_viewdef(objid) END) AS b (f) ON true
		WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
			AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'payment_links_fdw')) AS l (line)};

sub contents
{
	my ($database, $schema) = @_;
	my $text = $node->safe_psql($database, "SET search_path = pg_catalog; $contents");

	$text =~ s/\b\Q$schema\E\./SCHEMA./g;
	$text =~ s/:(location|stmt_location|stmt_len|list_start|list_end|rexpr_list_start|rexpr_list_end) -?\d+//g;
	$text =~ s/:(relid|funcid|checkAsUser|reltype|userid) \d+/:$1 OID/g;
	return $text;
}

my $clean = contents('postgres', 'public');
like($clean, qr/function SCHEMA\.payment_link_items.*\n.*->>/s, 'the objects of the extension in schema public');
unlike($clean, qr/hostile/, '... have nothing of the hostile schema');

# Each search_path of the session that creates the extension: the script ignores it.

my @paths = ('hostile, public', 'hostile, pg_catalog', 'pg_catalog, hostile', '"$user", public');
foreach my $n (0 .. $#paths)
{
	my $database = "d$n";

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, $hostile);
	my ($code, $out, $errors) = $node->psql($database,
		"SET search_path = $paths[$n]; CREATE EXTENSION payment_links_fdw SCHEMA hostile");
	is($errors, '', "the extension is created in a hostile schema, with search_path $paths[$n]");
	is(contents($database, 'hostile'), $clean, '... with the same objects');

	# The objects are used while the hostile schema is first in the search_path.
	my $session = PlfTest->session($node, database => $database);
	$session->query('SET search_path = hostile, pg_catalog');
	is($session->query(q{SELECT * FROM payment_link_items('[{"title": "a", "type": "b", "quantity": "1.50",
		"unit_price": {"value": "2.0", "currency": "EUR"}, "vat_rate": 0.21}]'::pg_catalog.jsonb)})->{rows},
		'1|a|b||1.50||2.0|EUR|0.21', '... payment_link_items() returns the items');
	is($session->answer(q{SELECT * FROM payment_link_items('{}'::pg_catalog.jsonb)}),
		'', '... and none of a JSON object');
	is($session->query('SELECT pg_catalog.count(*) FROM payment_links_credentials')->{rows},
		'0', '... payment_links_credentials can be read');
	$session->query("CREATE SERVER links FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (base_url '${\ $api->url}');
		CREATE USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (access_token '$PlfTest::access_token')");
	is($session->query('IMPORT FOREIGN SCHEMA x FROM SERVER links INTO hostile')->{state}, '', '... a table is imported');
	is($session->query(q{SELECT pg_catalog.string_agg(DISTINCT n.nspname::pg_catalog.text, ','::pg_catalog.text)
		FROM pg_catalog.pg_attribute a, pg_catalog.pg_type t, pg_catalog.pg_namespace n
		WHERE a.attrelid OPERATOR(pg_catalog.=) 'payment_links'::pg_catalog.regclass AND a.attnum OPERATOR(pg_catalog.>) 0
			AND t.oid OPERATOR(pg_catalog.=) a.atttypid AND n.oid OPERATOR(pg_catalog.=) t.typnamespace})->{rows},
		'pg_catalog', '... its types are all of pg_catalog');
	is($session->query('SELECT pg_catalog.count(*) FROM payment_links')->{rows}, 3, '... its links are counted');
	is($session->query(q{SELECT pg_catalog.count(i.title) FROM payment_links l, payment_link_items(l.items) i
		WHERE l.items IS NOT NULL})->{state}, '', '... and read with their items');
	$session->quit;
}

$node->stop;
done_testing();
