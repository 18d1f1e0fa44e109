# A user mapping with options that cannot be stored again is found before the token host is
# asked.  Otherwise the refresh token or code would be used up, and its successor lost.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PlfTest::cluster('main');
my $bench = OAuthTest->new($node, 'links');
my $api = $bench->api;
is($bench->read_all, 'read', 'the mapping reads all links');

# Changes the mapping without checks of its options, as another version would have written
# them.
sub unchecked
{
	my ($changes) = @_;

	$bench->as_admin("ALTER FOREIGN DATA WRAPPER payment_links_fdw NO VALIDATOR;
		ALTER USER MAPPING FOR CURRENT_USER SERVER links OPTIONS ($changes);
		ALTER FOREIGN DATA WRAPPER payment_links_fdw VALIDATOR payment_links_fdw_validator");
	$api->clear_log;
	return;
}

my $refresh = q{SELECT payment_links_refresh('links') > now()};
my $exchange = q{SELECT payment_links_authorize('links', 'code')};
foreach my $case (
	[ 'an option that this version does not know', q{ADD future_option 'x'}, 'HV00D', 'invalid option "future_option"', 'DROP future_option' ],
	[ 'a token file beside the refresh token', q{ADD access_token_file '/x'}, '22023',
		'options "refresh_token" and "access_token_file" exclude each other', 'DROP access_token_file' ],
	[ 'a bad redirect_uri', q{SET redirect_uri 'x'}, '22023', 'invalid value for option "redirect_uri"',
		q{SET redirect_uri 'http://localhost/callback'} ])
{
	my ($name, $changes, $state, $message, $back) = @$case;
	my $before = $bench->mapping->{refresh_token};

	unchecked($changes);
	foreach my $sql ($refresh, $exchange)
	{
		my $result = $bench->query($sql);
		is("$result->{state} $result->{message}", "$state could not store a new access token: $message", "$name is an error");
		is($api->count, 0, '... without a request');
	}
	is($bench->mapping->{refresh_token}, $before, '... and the refresh token is unchanged');
	unchecked($back);
	is($bench->query($refresh)->{rows}, 't', '... after the options are corrected the token is renewed');
	ok($bench->holds_the_newest, '... and the new tokens are stored');
}

# Times that cannot be read, of the options that the wrapper itself writes
foreach my $case (
	[ map { ("SET $_ 'soon'") } qw(access_token_expires_at refresh_token_expires_at refreshed_at) ],
	[ q{SET refreshed_at ''} ])
{
	unchecked(join ', ', @$case);
	my $result = $bench->query($refresh);
	like("$result->{state} $result->{message}", qr/^22023 could not store .*: invalid value for option "\w+"$/, "@$case is an error");
	is($api->count, 0, '... without a request');
	unchecked(join ', ', map { $_ =~ s/'.*'/'2026-01-31T23:59:59Z'/r } @$case);
	is($bench->query($refresh)->{rows}, 't', '... after the times are corrected the token is renewed');
}

# A code that the token host refuses leaves the mapping as it is.
my $version = $bench->as_admin('SELECT xmin FROM pg_user_mapping');
like($bench->query($exchange)->{message}, qr/invalid_grant/, 'a code is refused');
is($bench->as_admin('SELECT xmin FROM pg_user_mapping'), $version, '... and the mapping is not written');

$bench->quit;
$node->stop;
done_testing();
