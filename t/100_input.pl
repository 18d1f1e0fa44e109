# Options with good and bad values, in right and wrong places.  An accepted option is stored as
# it was typed and shows in EXPLAIN; a refused option stores nothing.  No test in this file
# makes a request.  Texts are bytes of UTF-8.

use strict;
use warnings;

use lib 't';

use JSON::PP;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PlfTest::cluster('main');
my $session = PlfTest->session($node);
my @cases;

# Tries to make an object with these options, and takes it back: how that was refused,
# what was stored, and where a query would go.
$session->query(<<'END');
SET client_min_messages = warning;
CREATE SERVER qonto FOREIGN DATA WRAPPER payment_links_fdw;
CREATE FUNCTION attempt(place text, options text, OUT state text, OUT message text,
	OUT hint text, OUT stored text[], OUT shown text) LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	BEGIN
		EXECUTE format(CASE place
			WHEN 'server' THEN 'CREATE SERVER tried FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (%s)'
			WHEN 'table' THEN 'CREATE FOREIGN TABLE tried (id uuid) SERVER qonto OPTIONS (%s)'
			WHEN 'column' THEN 'CREATE FOREIGN TABLE tried (tried text OPTIONS (%s)) SERVER qonto'
			WHEN 'mapping' THEN 'CREATE USER MAPPING FOR PUBLIC SERVER qonto OPTIONS (%s)'
			WHEN 'import' THEN 'IMPORT FOREIGN SCHEMA tried FROM SERVER qonto INTO public OPTIONS (%s)'
			WHEN 'wrapper' THEN 'ALTER FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (%s)'
		END, options);
		IF place = 'server' THEN
			CREATE FOREIGN TABLE tried (id uuid) SERVER tried;
		END IF;
		IF place IN ('server', 'table', 'column') THEN
			FOR line IN EXPLAIN SELECT * FROM tried LOOP
				IF line ~ '^ +API (Host|Request): ' THEN
					shown := concat_ws(' ', shown, regexp_replace(line, '^ +API \w+: ', ''));
				END IF;
			END LOOP;
		END IF;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	END;
	SELECT array_agg(option) INTO stored FROM (
		SELECT unnest(srvoptions) FROM pg_foreign_server WHERE srvname = 'tried'
		UNION ALL SELECT unnest(ftoptions) FROM pg_foreign_table
		UNION ALL SELECT unnest(attfdwoptions) FROM pg_attribute
		UNION ALL SELECT unnest(umoptions) FROM pg_user_mapping
		UNION ALL SELECT unnest(fdwoptions) FROM pg_foreign_data_wrapper
		UNION ALL SELECT attname || ' imported' FROM pg_attribute
			WHERE attrelid = to_regclass('payment_links') AND attname IN ('id', 'items', 'attrs')) t (option);
	DROP FOREIGN TABLE IF EXISTS tried, payment_links;
	DROP SERVER IF EXISTS tried;
	DROP USER MAPPING IF EXISTS FOR PUBLIC SERVER qonto;
END $$;
END

sub quote
{
	my ($text) = @_;

	$text =~ s/([\\'])/\\$1/g;
	$text =~ s/([\x01-\x1f\x7f])/sprintf '\\x%02x', ord $1/ge;
	return "E'$text'";
}

my $host = 'thirdparty.qonto.com';
my $request = 'GET /v2/payment_links?page=1&per_page=100';

# These options are refused like that (without a message: in whatever words), or accepted
# ('') and then are stored and shown.
sub attempt
{
	my ($place, $options, $state, $message, $hint, $stored, $shown) = @_;

	push @cases,
	  {
		place => $place,
		options => $options,
		expected => {
			state => $state || undef,
			message => $message,
			hint => $hint,
			stored => $stored,
			shown => $shown
		}
	  };
	return;
}

# Each of these values is accepted, and shows where it can be seen.
sub good_as
{
	my ($place, $option, $shown, @values) = @_;

	attempt($place, "$option " . quote($_), '', undef, undef, ["$option=$_"], $shown)
	  foreach @values;
	return;
}

sub good
{
	my ($place, $option, @values) = @_;
	return good_as($place, $option,
		$place eq 'mapping' ? undef : "$host $request", @values);
}

# Each of these values is refused, with this hint.  The message quotes no long value.
sub bad
{
	my ($place, $option, $hint, @values) = @_;

	foreach my $value (@values)
	{
		my $hidden = $place eq 'mapping' || $value =~ /\@/ || length $value > 200;

		attempt($place, "$option " . quote($value),
			'22023',
			qq{invalid value for option "$option"} . ($hidden ? '' : qq{: "$value"}),
			$hint);
	}
	return;
}

# Whole numbers

my @no_numbers = (
	'', ' ', '-', '+', 'many', 'NULL', 'true', 'NaN', 'inf', '--1', '+-1', '1-',
	'1 2', '1,0', '1_0', '1.0', '1.', '.5', '0.4', '1.5', '1e1', '1E0', '0x1',
	'0X1F', '0b1', '0o7', '1ms', '1 s', '10%', q('1'), '"1"', '1;', "1\x01",
	"\xc2\xa01", "1\xc2\xa0", '１', '١', '²', '1é', '99999999999999999999',
	'9223372036854775808', '2147483648', '-2147483649', '9' x 1000, "1\nX: 1");
my @limits = (
	[ 'page_size', 1, 100 ],
	[ 'concurrency', 1, 32 ],
	[ 'max_requests', 0, 2147483647 ],
	[ 'max_retries', 0, 20 ]);
foreach my $limits (@limits)
{
	my ($option, $least, $most) = @$limits;
	my $hint = "A whole number from $least to $most is expected.";

	foreach my $place ('server', $option eq 'max_retries' ? () : 'table')
	{
		foreach my $value ($least, $most, '+1', ' 1 ', "\t1\n", '007')
		{
			good_as(
				$place, $option,
				"$host GET /v2/payment_links?page=1&per_page="
				  . ($option eq 'page_size' ? $value + 0 : 100),
				$value);
		}
		bad($place, $option, $hint, @no_numbers, $least - 1, $most + 1, -$most);
	}
}
good_as('server', 'page_size', "$host GET /v2/payment_links?page=1&per_page=10", '010');

# Times, which need their unit

my @no_times = (
	'', ' ', 's', 'ms', '10S', '10MS', '10sec', '10 seconds', '10m', '10M',
	'10mins', '10s10s', '10s 10ms', '10 s s', '10s;', '10ss', '1,5s', '1..5s',
	'1e400s', 'NaNs', 'infs', '-1s', '-1us', '0x10s', '0X1Ps', '10ｓ', '١٠s', '10µs',
	"10s\x01", "10\xc2\xa0s", 'soon', '10s;DROP SERVER qonto', '2147483648ms',
	'2147483.648s', '2147484s', '35792min', '597h', '25d', '1e10d',
	'99999999999999999999ms', '9' x 400 . 's');
my @bare_numbers = ('0', '10', ' 10 ', '+10', '-10', '1.5', '1e3', '0x10', '9' x 20);
my @times = (
	'100ms', '101 ms', '0.1s', '100000us', '+1s', ' 1s ', "1\ts", '1.5s', '.5s',
	'1.s', '1e1s', '010s', '1min', '1h', '1d', '24d', '2147483647ms',
	'2147483.647s', '2147483647000us');
foreach my $least (100, 0)
{
	foreach my $option ($least ? qw(connect_timeout request_timeout) : 'max_retry_wait')
	{
		good('server', $option, @times, $least ? () : ('0ms', '0s', '-0s', '1us', '99.9ms'));
		bad(
			'server',
			$option,
			qq{A time such as "500ms", "10s" or "1min" is expected, from ${least}ms to 2147483647ms.},
			@no_times,
			$least ? ('99ms', '99.9ms', '99999us', '0s') : ());
		bad('server', $option,
			'A time needs its unit, as in "500ms", "10s" or "1min".',
			@bare_numbers);
	}
}

# Costs

foreach my $option (qw(fdw_startup_cost fdw_page_cost fdw_tuple_cost))
{
	good('server', $option, '0', '-0', '0.0', '1', '.5', '5.', '1e3', '1e-3', '1e308',
		' 1 ', '+1');
	bad(
		'server', $option, 'A number that is not negative is expected.', '', ' ',
		'-1', '-0.0001', 'NaN', 'nan', 'inf', 'Infinity', '-inf', '1e309', '1e-400',
		'1e', 'e1', '1ms', '1,5', '1.5.5', '1 1', '１', '١', 'cheap', "1\x01", '0x10', '0X1P4');
}

# Switches and words

foreach my $option (qw(sort_pushdown count_pushdown async_capable))
{
	foreach my $place (qw(server table))
	{
		good($place, $option, qw(true false TRUE on off yes no t f 1 0));
		bad(
			$place, $option, 'Valid values are "true" and "false".', '', ' ', 'o',
			'2', '-1', '01', ' true', 'true ', "on\n", 'truee', 'maybe', 'NULL',
			'ｔｒｕｅ', 'true;false');
	}
}
good('server', 'environment', 'production');
good_as('server', 'environment', "thirdparty-sandbox.staging.qonto.co $request", 'sandbox');
bad('server', 'environment', 'Valid values are "production" and "sandbox".',
	'', 'Production', 'SANDBOX', ' sandbox', 'sandbox ', 'prod', 'staging', 'test',
	'production,sandbox', "sandbox\x01", 'https://gateway.example');
foreach my $place (qw(server table))
{
	good($place, 'on_drift', qw(repair error));
	bad($place, 'on_drift', 'Valid values are "repair" and "error".',
		'', 'Repair', 'ERROR', 'repair ', 'ignore', 'true', 'repair,error');
}

# URLs: where a token goes.  proxy has the same rules, but for scheme, port and path.

my $not_a_url = 'A URL of the form scheme://host[:port] is expected.';
my $not_plain = 'A URL has no spaces, no control characters and no letters beyond ASCII.';
my $has_user =
  'The URL must not hold a user name or password: the options of a server are public.';
my $has_query = 'The URL must have no query and no fragment.';
my $bad_host =
  'The host must be a name, an IPv4 address, or an IPv6 address in brackets and without a zone.';
my $bad_port = 'The port must be a number from 1 to 65535.';
my $bad_path =
  'The path must not hold "." or ".." as a step, control characters, or characters that have to be percent-encoded.';
my $name_63 = 'a' x 63;
my %bad_urls = (
	$not_a_url => [
		'', ':', '://', '//', 'a', '/v2', 'gateway.example', 'localhost:8080',
		'//gateway.example', 'https', 'https:', 'https:/', 'https://', 'https:///',
		'https:gateway.example', 'https:/gateway.example', 'https:///gateway.example',
		'https:////gateway.example', 'https://:443', 'https://::1',
		'https:\\\\gateway.example', 'htt_ps://gateway.example', ':https://gateway.example',
		'javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd'
	],
	$not_plain => [
		' ', ' https://gateway.example', 'https://gateway.example ',
		'https://gateway .example', "https://gateway.example\n",
		"\thttps://gateway.example", "https://gateway.example/\r\nX-Evil: 1",
		"https://gateway.example\r\nX-Evil:1", "https://gate\x01way.example",
		"https://gateway.example/\x7f", 'https://exämple.com', 'https://gateway.example/é',
		'https://ⓛocalhost', 'https://gateway。example', "https://gateway\xe2\x80\x8b.example",
		"https://\xe2\x80\xaeelpmaxe.yawetag", 'https://gateway.example:４４３'
	],
	$has_user => [
		'https://user@gateway.example', 'https://user:hidden@gateway.example',
		'https://@gateway.example', 'https://:@gateway.example',
		'https://:hidden@gateway.example', 'https://user%40x@gateway.example',
		'http://localhost@evil.example', 'http://localhost:80@evil.example',
		'http://127.0.0.1:80@evil.example:80', 'https://gateway.example\\@evil.example',
		'https://[::1]@evil.example', 'https://a@b@c', 'https://@'
	],
	$has_query => [
		'https://gateway.example?', 'https://gateway.example#',
		'https://gateway.example/?page=1', 'https://gateway.example/#top',
		'https://gateway.example/a?b', 'https://gateway.example/a#b',
		'http://evil.example#localhost', 'http://localhost#@evil.example',
		'http://localhost?@evil.example', 'http://localhost?.evil.example',
		'https://?', 'https://#', 'https://gateway.example:443?'
	],
	$bad_host => [
		'https://.', 'https://..', 'https://.gateway.example', 'https://gateway..example',
		'https://gateway.example..', 'https://*', 'https://*.example', 'https://a,b',
		'https://a;b', 'https://a&b', 'https://a=b', 'https://a!b', 'https://$HOME',
		'https://(a)', "https://'a'", 'https://"a"', 'https://<a>', 'https://{a}',
		'https://a|b', 'https://a^b', 'https://a`b', 'https://a\\b', 'https://a~b',
		'https://%', 'https://g%61teway.example', 'https://gateway%2eexample',
		'https://gateway.example%', 'https://gateway%00.example',
		'https://gateway.example%2fevil', 'https://gateway.example%40evil.example',
		'https://gateway.example%0d%0aX-Evil:1', 'http://localhost%2eevil.example',
		'http://localhost%00.evil.example', 'http://%6cocalhost',
		'https://1.2.3.4.5', 'https://1.2.3', 'https://256.0.0.1', 'https://1.2.3.256',
		'https://999', 'https://gateway.1', 'https://gateway.0x1f', 'https://0x',
		'http://127', 'http://127.1', 'http://127.0.1', 'http://127.0.0.1.',
		'http://127.0.0.256', 'http://127.0.0.1.1', 'http://127.0.0.01', 'http://0177.0.0.1',
		'http://0177.1', 'http://0x7f.0.0.1', 'http://0x7f000001', 'http://2130706433',
		'http://017700000001', 'http://0', 'http://4294967296',
		'https://[]', 'https://[', 'https://[::1', 'https://[::g]', 'https://[::1]]',
		'https://[[::1]]', 'https://[1:2:3:4:5:6:7:8:9]', 'https://[1:2]', 'https://[:::]',
		'https://[12345::]', 'https://[127.0.0.1]', 'https://[localhost]',
		'http://[::1].evil.example', 'http://[::1]evil.example', 'http://[::1%25lo]',
		'http://[::1%lo]', 'https://[fe80::1%25eth0]', 'https://[fe80::1%eth0]',
		'https://[fe80::1%]', 'https://[v1.a]', "https://${name_63}a.example",
		'https://' . join('.', ($name_63) x 4), 'https://' . 'a.' x 5000 . 'example'
	],
	$bad_port => [
		'https://gateway.example:', 'https://gateway.example:/', 'https://gateway.example:0',
		'https://gateway.example:00', 'https://gateway.example:0443',
		'https://gateway.example:65536', 'https://gateway.example:99999',
		'https://gateway.example:100000', 'https://gateway.example:4294967739',
		'https://gateway.example:' . '9' x 50, 'https://gateway.example:-1',
		'https://gateway.example:+443', 'https://gateway.example:443abc',
		'https://gateway.example:abc', 'https://gateway.example:0x1bb',
		'https://gateway.example:80:90', 'https://gateway.example:%34%34%33',
		'https://gateway.example:443.', 'https://gateway.example:443\\', 'https://[::1]:',
		'https://[::1]:65536'
	]);
foreach my $hint (sort keys %bad_urls)
{
	bad('server', $_, $hint, @{ $bad_urls{$hint} })
	  foreach qw(base_url token_url authorize_url proxy);
}
foreach my $option (qw(base_url token_url authorize_url))
{
	bad(
		'server', $option, $bad_path,
		map { "https://gateway.example/$_" } '.', '..', 'a/../b', '../../etc/passwd',
		'./a', 'a/.', '%2e', '%2E%2e/a', '.%2e', '%', '%4', '%zz', '%00', '%0d%0aX-Evil:%201',
		'%0A', '%1f', '%7F', 'a\\b', '"', '<', '>', '{a}', '[a]', '^', '`', '|', '%%', '%u0041');
	bad(
		'server', $option,
		'The scheme must be https; http is for a loopback host only.',
		'http://gateway.example', 'http://10.0.0.1', 'http://128.0.0.1', 'http://126.255.255.255',
		'http://0.0.0.0', 'http://169.254.169.254', 'http://1.0.0.127', 'http://localhost.',
		'http://localhost.evil.example', 'http://evil.localhost', 'http://xlocalhost', 'http://localhost6',
		'http://ip6-localhost', 'http://localhost.localdomain', 'http://localhost-',
		'http://127.0.0.1.evil.example', 'http://evil.example/localhost', 'http://evil.example/127.0.0.1',
		'http://[::]', 'http://[::2]', 'http://[1::1]', 'http://[::ffff:127.0.0.1]', 'http://[::ffff:7f00:1]',
		'http://[::127.0.0.1]', 'http://[fe80::1]', 'ftp://gateway.example', 'ws://127.0.0.1', 'wss://gateway.example',
		'gopher://127.0.0.1', 'httpss://gateway.example', 'xhttps://gateway.example', 'http+unix://localhost',
		'unix://localhost/tmp/socket', 'socks5h://localhost:1080', 'h://localhost', 'file://localhost/etc/passwd');
}
foreach my $case (
	[ 'https://gateway.example', 'gateway.example' ],
	[ 'https://gateway.example/', 'gateway.example' ],
	[ 'HTTPS://Gateway.EXAMPLE:8443/', 'gateway.example:8443' ],
	[ 'https://gateway.example.', 'gateway.example.' ],
	[ 'https://gateway.example:1', 'gateway.example:1' ],
	[ 'https://gateway.example:65535', 'gateway.example:65535' ],
	[ 'https://gateway', 'gateway' ],
	[ 'https://my_gateway-1', 'my_gateway-1' ],
	[ 'https://xn--exmple-cua.com', 'xn--exmple-cua.com' ],
	[ 'https://3com.example', '3com.example' ],
	[ "https://$name_63.example", "$name_63.example" ],
	[ 'https://gateway.example/a/b//c/', 'gateway.example' ],
	[ 'https://gateway.example/%20%7E%c3%a9/...;a=b,c@d:e!$&()*+\'', 'gateway.example' ],
	[ 'https://gateway.example/' . 'a/' x 5000, 'gateway.example' ],
	[ 'https://192.0.2.1:443/x', '192.0.2.1:443' ],
	[ 'https://[2001:DB8::1]', '[2001:db8::1]' ],
	[ 'https://[2001:db8::192.0.2.1]:8443/x', '[2001:db8::192.0.2.1]:8443' ],
	[ 'https://localhost', 'localhost' ],
	[ 'http://LocalHost:80', 'localhost:80' ],
	[ 'http://localhost/prefix', 'localhost' ],
	[ 'http://127.0.0.1:8080', '127.0.0.1:8080' ],
	[ 'http://127.255.255.255', '127.255.255.255' ],
	[ 'hTTp://[::1]:8080', '[::1]:8080' ],
	[ 'http://[0:0:0:0:0:0:0:1]', '[0:0:0:0:0:0:0:1]' ],
	[ 'http://[::0.0.0.1]', '[::0.0.0.1]' ])
{
	good_as('server', 'base_url', "$case->[1] $request", $case->[0]);
	good('server', $_, $case->[0]) foreach qw(token_url authorize_url);
}
good('server', 'proxy', 'http://proxy.example:3128', 'https://proxy.example:3128/',
	'SOCKS5H://[::1]:1080', 'http://10.0.0.1:80', 'http://localhost:65535');
bad('server', 'proxy', 'The scheme of a proxy must be http, https or socks5h.',
	'socks4://proxy.example:1080', 'socks5://proxy.example:1080', 'socks://proxy.example:1080',
	'ftp://proxy.example:21', 'file://localhost:1/etc/passwd');
bad('server', 'proxy',
	'The URL of a proxy needs its port, as in "http://proxy.example:3128".',
	'http://proxy.example', 'https://proxy.example/', 'socks5h://[::1]');
bad('server', 'proxy', 'The URL of a proxy has no path.',
	'http://proxy.example:3128/path', 'http://proxy.example:3128//a');

# Files

foreach my $case ([ 'server', 'ca_file' ], [ 'mapping', 'access_token_file' ])
{
	good(@$case, '/etc/ssl/own.pem', '/', '/a b/ü', '/../etc/x', '//x', '/%00', '/' . 'a' x 5000);
	bad(@$case, 'An absolute path is expected.',
		'', ' ', '.', 'own.pem', './own.pem', '../own.pem', '~/own.pem', ' /own.pem',
		'\\own.pem', 'C:\\own.pem', 'file:///own.pem', "\n/own.pem");
	bad(@$case, 'A path has no control characters.',
		"/own.pem\n", "/o\twn.pem", "/own\x01.pem", "/own\x7f.pem", "/own\r\nX-Evil: 1");
}

# Tokens, which no message repeats

foreach my $option (
	qw(access_token staging_token client_id client_secret refresh_token))
{
	good('mapping', $option, 'x', 'ory_at_sample.token-1~+/=', '!"#$%&\'()*,:;<>?@[\\]^`{|}',
		'Bearer', 'bearer', 'x' x 5000);
	bad('mapping', $option, 'The value is empty.', '');
	bad('mapping', $option,
		'Leave out the word "Bearer": it is sent before the token anyway.',
		'Bearer hidden', 'bearer hidden', 'BEARER ', "Bearer \thidden");
	bad('mapping', $option, 'A token has no spaces.', ' ', ' hidden', 'hidden ', 'hidden hidden',
		'Basic hidden');
	bad('mapping', $option,
		'A token has no control characters and no letters beyond ASCII.',
		"hidden\n", "\thidden", "hidden\r\nX-Evil: 1", "hidden\x01", "hidden\x7f", 'hiddén',
		'ｈidden', "hidden\xc2\xa0", "hidden\xe2\x80\xa8");
}

# What belongs to the renewal of tokens: where an application is sent back to, and
# what the wrapper itself writes, which a dump brings back

good('mapping', 'redirect_uri', 'http://localhost/callback', 'https://gateway.example/a?b=c&d=e%20f',
	'http://127.0.0.1:8080', 'urn:ietf:wg:oauth:2.0:oob', 'com.example.app:/callback', ':');
bad('mapping', 'redirect_uri',
	'The redirect URI of the application is expected, as it is registered.',
	'', ' ', 'localhost', '/callback', 'http://localhost/#top', 'http://localhost/call back',
	"http://localhost/\n", 'http://exämple.com', "http://localhost/\x7f");
foreach my $option (qw(access_token_expires_at refresh_token_expires_at refreshed_at))
{
	good('mapping', $option, '2026-01-31T23:59:59Z', '0001-01-01T00:00:00Z',
		'9999-12-31T23:59:59Z', '2028-02-29T00:00:00Z', '2000-02-29T12:00:00Z');
	bad('mapping', $option, 'A time such as "2026-01-31T23:59:59Z" is expected.',
		'', ' ', 'now', 'infinity', '-infinity', 'tomorrow', '0', '1790000000', '2026-01-31',
		'2026-01-31 23:59:59Z', '2026-01-31T23:59:59', '2026-01-31T23:59:59z',
		'2026-01-31T23:59:59+00', '2026-01-31T23:59:59Z ', ' 2026-01-31T23:59:59Z',
		'2026-01-31T23:59:59.5Z', '2026-1-31T23:59:59Z', '+026-01-31T23:59:59Z',
		'2026-00-31T23:59:59Z', '2026-13-01T23:59:59Z', '2026-01-00T23:59:59Z',
		'2026-01-32T23:59:59Z', '2026-02-29T23:59:59Z', '1900-02-29T00:00:00Z',
		'2026-04-31T23:59:59Z', '2026-01-31T24:00:00Z', '2026-01-31T23:60:00Z',
		'2026-01-31T23:59:60Z', '0000-01-01T00:00:00Z', '2026-01-31T23:59:59Z BC',
		'２026-01-31T23:59:59Z', "2026-01-31T23:59:59\n");
}
good('mapping', 'token_host', 'oauth.qonto.com', 'localhost:8080', '[::1]:443', 'x');
bad('mapping', 'token_host',
	q(A host is expected, with its port if that is not the scheme's own.),
	'', ' ', 'https://oauth.qonto.com', 'oauth.qonto.com/', 'user@oauth.qonto.com',
	'oauth.qonto.com?x', 'oauth.qonto.com#x', 'oauth\\qonto', 'oauth qonto', "oauth\n", 'öauth');
good('mapping', 'stored_by', '7711941134097943002/5', '1/1', '18446744073709551615/4294967295');
bad('mapping', 'stored_by',
	'A system identifier and the OID of a database are expected, with a slash between them.',
	'', ' ', '7711941134097943002', 'postgres', '1/postgres', '-1/5', '1 / 5', '1/5 ', '1.0/5',
	"1/5\n", '１/5');
good('mapping', 'last_failure', '',
	'2026-01-31T23:59:59Z 0123456789abcdef final the token host refused it',
	'anything at all', 'é', "\x01");

# Paths into a link, and constants

good('column', 'field', 'id', 'amount.value', 'attrs', 'not.yet.known', 'ID', ' id ', 'a b.c d',
	'$', '*', '@', '-1', '0', 'a]', 'a\\u0000b', 'a"b', "a'b", 'ключ.鍵', "line\nbreak", "tab\t\x01",
	join('.', 1 .. 16), join('.', ('long' x 1000) x 4));
bad(
	'column', 'field',
	'A dotted path into a payment link, such as "amount.value", is expected: a step is empty.',
	'', '.', '..', '.id', 'id.', 'amount..value', join('.', 1 .. 15) . '.', '.' x 20);
bad(
	'column', 'field',
	'A dotted path into a payment link, such as "amount.value", is expected: array indexes are not supported.',
	'[', 'items[0]', 'items[0].title', 'items[*]', '[id]', 'a.b[-1]', join('.', 1 .. 15) . '.a[0]');
bad(
	'column', 'field',
	'A dotted path into a payment link, such as "amount.value", is expected: it has too many steps.',
	join('.', 1 .. 17), join('.', ('a') x 1000), join('.', 1 .. 17) . '.');
good_as('column', 'constant', "$host $request", '', ' ', 'fr', "it's", '[]', 'a.b[0]', "\n\x01",
	'é', 'x' x 10000);

# What IMPORT FOREIGN SCHEMA makes

my %imports = (
	true => [ 'id imported', 'items imported', 'attrs imported' ],
	false => ['id imported']);
attempt('import', "import_json '$_->[0]'", '', undef, undef, $imports{ $_->[1] }, undef)
  foreach [qw(true true)], [qw(on true)], [qw(FALSE false)], [qw(no false)];
bad('import', 'import_json', 'Valid values are "true" and "false".',
	'', 'perhaps', '2', ' false', 'false;');

# Options that are not there, or elsewhere

my %valid = (
	server => {
		pagesize => 'page_size',
		page_sise => 'page_size',
		PAGE_SIZE => 'page_size',
		concurency => 'concurrency',
		'concurrency ' => 'concurrency',
		max_request => 'max_requests',
		max_retry => 'max_retries',
		connection_timeout => 'connect_timeout',
		request_time => 'request_timeout',
		baseurl => 'base_url',
		token_uri => 'token_url',
		authorise_url => 'authorize_url',
		'base-url' => 'base_url',
		enviroment => 'environment',
		sort_push_down => 'sort_pushdown',
		ondrift => 'on_drift',
		cafile => 'ca_file',
		startup_cost => 'fdw_startup_cost',
		'pagé_size' => 'page_size'
	},
	table => { pagesize => 'page_size', max_requets => 'max_requests' },
	column => { feld => 'field', Field => 'field', fields => 'field' },
	mapping => {
		acess_token => 'access_token',
		access_token_path => 'access_token_file',
		stagingtoken => 'staging_token',
		clientid => 'client_id',
		client_secrets => 'client_secret',
		redirect_url => 'redirect_uri',
		refreshtoken => 'refresh_token',
		refresh_at => 'refreshed_at'
	},
	import => { import_jsonb => 'import_json', importjson => 'import_json' });
foreach my $place (sort keys %valid)
{
	foreach my $name (sort keys %{ $valid{$place} })
	{
		attempt($place, qq{"$name" 'hidden'}, 'HV00D', qq{invalid option "$name"},
			qq{Perhaps you meant the option "$valid{$place}{$name}".});
	}
}
my %options_of = (
	server => [ 'a server',
		'environment, base_url, token_url, authorize_url, page_size, concurrency, max_requests, connect_timeout, request_timeout, max_retries, max_retry_wait, '
		  . 'sort_pushdown, count_pushdown, on_drift, fdw_startup_cost, fdw_page_cost, fdw_tuple_cost, async_capable, proxy, ca_file'
	],
	table => [ 'a foreign table',
		'page_size, concurrency, max_requests, sort_pushdown, count_pushdown, on_drift, async_capable' ],
	column => [ 'a column', 'field, constant' ],
	mapping => [ 'a user mapping',
		'access_token, access_token_file, staging_token, client_id, client_secret, refresh_token, redirect_uri, '
		  . 'access_token_expires_at, refresh_token_expires_at, refreshed_at, token_host, stored_by, last_failure'
	],
	import => [ 'IMPORT FOREIGN SCHEMA', 'import_json' ]);
my %places_of;
foreach my $place (qw(server table column mapping import))
{
	my ($words, $names) = @{ $options_of{$place} };

	push @{ $places_of{$_} }, $place foreach split /, /, $names;
	attempt($place, qq{"$_" 'hidden'}, 'HV00D', qq{invalid option "$_"},
		"The options of $words are: $names.")
	  foreach 'x', 'host', 'ö', 'q;', 'zzzzzzzzzzzzzzzzzzzz', 'z' x 63;
}
foreach my $option (sort keys %places_of)
{
	my $home = join ' or ', map { $options_of{$_}[0] } @{ $places_of{$option} };

	foreach my $place (qw(server table column mapping import wrapper))
	{
		next if grep { $_ eq $place } @{ $places_of{$option} };
		attempt($place, "$option 'hidden'", 'HV00D', qq{invalid option "$option"},
			qq{The option "$option" belongs to $home.});
	}
}
attempt('wrapper', "$_ 'hidden'", 'HV00D', qq{invalid option "$_"},
	'The foreign-data wrapper itself has no options; servers, foreign tables, columns and user mappings have options.')
  foreach qw(pagesize host debug);

# Several at once: one bad option spoils all

attempt('server', "page_size '50', concurrency '4'",
	'', undef, undef, [ 'page_size=50', 'concurrency=4' ],
	"$host GET /v2/payment_links?page=1&per_page=50");
attempt('server', "page_size '50', concurrency '33'",
	'22023', 'invalid value for option "concurrency": "33"',
	'A whole number from 1 to 32 is expected.');
attempt('column', "field 'id', constant 'fr'",
	'22023', 'options "field" and "constant" exclude each other',
	'A column either comes from the API or is the same in every row.');
attempt('mapping', "access_token 'hidden', access_token_file '/etc/qonto/token'",
	'22023', 'options "access_token" and "access_token_file" exclude each other',
	'Drop one of them with ALTER USER MAPPING ... OPTIONS (DROP ...).');
attempt('mapping', "refresh_token 'hidden', access_token_file '/etc/qonto/token'",
	'22023', 'options "refresh_token" and "access_token_file" exclude each other',
	'A program that keeps an access token file renews the token in it.');
attempt('mapping', "access_token 'hidden', staging_token 'hidden'",
	'', undef, undef, [ 'access_token=hidden', 'staging_token=hidden' ]);

# What core stops before it gets here, in its own words

foreach my $place (qw(server table column mapping))
{
	attempt($place, $_->[0], $_->[1])
	  foreach [ q{page_size '1', page_size '2'}, '42710' ], [ q{"" '1'}, '42601' ],
	  [ q{page_size 1}, '42601' ], [ q{page_size}, '42601' ], [ q{page_size NULL}, '42601' ],
	  [ q{page_size E'1\\x00'}, '22021' ], [ q{page_size E'\\xff'}, '22021' ],
	  [ q{page_size U&'1\\0000'}, '42601' ], [ '', '42601' ];
}

# All of them, in one query.

my $values = join ",\n", map {
	sprintf '(%d, %s, %s)', $_, quote($cases[$_]{place}), quote($cases[$_]{options})
} 0 .. $#cases;
my $result = $session->query(
	"SELECT to_json(a) FROM (VALUES $values) c (n, place, options), attempt(place, options) a ORDER BY n"
);
is($result->{errors}, '', 'the cases could be tried');
my @results = map { JSON::PP->new->decode($_) } split /\n/, $result->{rows};
is(scalar @results, scalar @cases, scalar @cases . ' cases');

foreach my $n (0 .. $#results)
{
	my $name = "$cases[$n]{place}: $cases[$n]{options}";
	my $expected = $cases[$n]{expected};

	delete @{$_}{qw(message hint)} foreach $expected->{state} && !$expected->{message}
	  ? ($expected, $results[$n])
	  : ();

	$name = substr($name, 0, 100) . '...' if length $name > 100;
	$name =~ s/#/\\#/g;
	is_deeply($results[$n], $expected, $name);
}

$session->quit;
$node->stop;
done_testing();
