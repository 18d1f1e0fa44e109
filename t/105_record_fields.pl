# A field of a PL/pgSQL record whose type has changed: an error only where the executor
# evaluates the condition with it, as for a local table.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 60);
my $node = PlfTest::cluster('main');
my $session = PlfTest->session($node);

PlfTest::make_server($node, 'links', base_url => $api->url);
$session->query('CREATE TABLE copy AS SELECT * FROM links.payment_links');

# In the first round the field is of the column's type, and in the second an array.
sub outcome
{
	my ($table, $value, $condition, $end) = @_;
	my $result = $session->query(
		"CREATE OR REPLACE FUNCTION rounds() RETURNS text LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS \$\$
		DECLARE r record; number bigint; said text = '';
		BEGIN
			FOR round IN 1 .. 2 LOOP
				IF round = 1 THEN SELECT $value AS f INTO r; ELSE SELECT ARRAY[1] AS f INTO r; END IF;
				SELECT count(*) INTO number FROM (SELECT * FROM $table WHERE $condition $end) s;
				said = said || ' ' || number;
			END LOOP;
			RETURN said;
		END \$\$; SELECT rounds()");

	return "$result->{rows}$result->{state}";
}

foreach my $case (
	[ 'a status behind a false condition', q{'open'::text}, q{debitor_name = 'nobody' AND status = r.f} ],
	[ 'a status behind a true OR', q{'open'::text}, '(round = 2 OR status = r.f)' ],
	[ 'a status behind a true OR, and a window', q{'open'::text}, '(round = 2 OR status = r.f)', 'LIMIT 3 OFFSET 2' ],
	[ 'an id behind a false condition', q{gen_random_uuid()}, q{debitor_name = 'nobody' AND id = r.f} ])
{
	my ($name, $value, $condition, $end) = @$case;
	my $local = outcome('copy', $value, $condition, $end // '');

	like($local, qr/^ \d+ \d+$/, "$name: no error with a local table");
	is(outcome('links.payment_links', $value, $condition, $end // ''), $local, '... nor with the foreign table');
}
is(outcome('links.payment_links', q{'open'::text}, 'status = r.f', ''), '42804', 'a status that is compared with the field is an error');
done_testing();
