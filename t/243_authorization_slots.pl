# The address of a consent is good for ten to twenty minutes: its state and PKCE verifier
# belong to a slot of ten minutes, of which the current one and the one before are taken.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clock = PlfTest::clock();
plan skip_all => 'needs a compiler' unless defined $clock;

# The server's clock stands in the first seconds of a slot, and goes on from there.
my $slot = 600;
my $folder = PostgreSQL::Test::Utils::tempdir();
my $ahead = $slot - time % $slot + 5;
PlfTest::set_clock("$folder/clock", $ahead);

sub next_slot
{
	my ($slots) = @_;

	$ahead += $slot * ($slots // 1);
	PlfTest::set_clock("$folder/clock", $ahead);
	return;
}

my $node = PlfTest::cluster('main');
$node->stop;
PlfTest::start_with($node, $clock, PLF_CLOCK => "$folder/clock");
my $bench = OAuthTest->new($node, 'links', mapping => { refresh_token => undef });
my ($api, $session) = ($bench->api, $bench->session);
my $other = PlfTest->session($node);

# What the address of the consent says, by name.
sub asked
{
	my ($by) = @_;
	my ($query) = ($by // $session)->query(q{SELECT payment_links_authorize_url('links')})->{rows} =~ /\?(.*)/;

	return { map { split /=/, $_, 2 } split /&/, $query };
}

# Consents at that address: the address to which the browser is sent back, and its code.
sub consent
{
	my ($asked) = @_;
	my %ask = map { $_ => $asked->{$_} } qw(state code_challenge code_challenge_method);
	my $told = $api->oauth_consent(%ask);

	return ("http://localhost/callback?code=$told->{code}&state=$told->{state}", $told->{code});
}

# Exchanges a code or an address: 't' or the error, and the requests that took.
sub exchange
{
	my ($given, $by) = @_;

	$api->clear_log;
	my $result = ($by // $session)->query("SELECT payment_links_authorize('links', '$given') > now()");
	return ($result->{state} ? "$result->{state} $result->{message}" : $result->{rows}) . ' ' . $bench->asked;
}

my $good = 't authorization_code 200';
my $late = '28000 the authorization was asked for too long ago ';
my $not_ours = '28000 the authorization was not asked for by this user mapping ';
my $refused = '28000 the token host refused the authorization code (invalid_grant) authorization_code 400';

# In the slot and the next

my $first = asked();
is_deeply(asked($other), $first, 'in a slot the address is one for all sessions');
is(exchange((consent($first))[0]), $good, 'it is good in its slot');
my ($address) = consent($first);
next_slot();
my $second = asked();
isnt($second->{$_}, $first->{$_}, "in the next slot there is another $_") foreach qw(state code_challenge);
is(exchange((consent($second))[0]), $good, 'which is good');
is(exchange($address, $other), $good, '... and so is the one before, with a verifier of its own');
my ($burnt) = consent($first);
my ($later) = consent($second);

# After that it is not, and no code is burnt.

next_slot();
is(exchange($burnt), $late, 'after two slots the address is too old');
like($session->query("SELECT payment_links_authorize('links', '$burnt')")->{detail},
	qr/^The address that payment_links_authorize_url\(\) gave is good for 10 minutes at least; the code was not sent\.$/,
	'... and why');
is(exchange($later, $other), $good, '... that of the slot between is good');
is(exchange($later), $refused, '... once');
next_slot(-2);
is(exchange($burnt), $good, '... the code of the one that was too old was not used up');
next_slot(2);
my ($early) = consent(asked());
next_slot(-1);
is(exchange($early), $not_ours, 'an address from the future is none');
my ($old) = consent(asked());
next_slot(143);
is(exchange($old), $late, 'a day later an address is too old');
next_slot();
is(exchange($old), $not_ours, '... and then forgotten');
is(exchange((consent(asked()))[0]), $good, '... a new one is good');

# The state of one slot with the code of another

my $third = asked();
next_slot();
my $fourth = asked();
my (undef, $code) = consent($fourth);
is(exchange("http://localhost/?code=$code&state=$third->{state}"), $refused,
	'a state decides the verifier that is sent');

# A code alone does not tell its slot: that of the address which the session gave last for
# this mapping is taken, else the current one.

(undef, $code) = consent(asked());
is(exchange($code), $good, 'a code alone, in its slot');
(undef, $code) = consent(asked());
is(exchange($code, $other), $good, '... in another session');
(undef, $code) = consent(asked());
next_slot();
is(exchange($code), $good, 'a code alone, in the next slot, in the session that gave the address');
(undef, $code) = consent(asked());
next_slot();
is(exchange($code, PlfTest->session($node)), $refused, '... not in another session, which cannot know');
(undef, $code) = consent(asked());
next_slot(2);
is(exchange($code), $refused, '... nor after two slots');

# The session has given an address for another mapping since.
$bench->as_admin(q{CREATE ROLE bob; GRANT USAGE ON FOREIGN SERVER links TO bob;
	CREATE USER MAPPING FOR bob SERVER links OPTIONS (client_id 'other', client_secret 'x', redirect_uri 'http://localhost/')});
(undef, $code) = consent(asked());
$session->query(q{SET ROLE bob; SELECT payment_links_authorize_url('links'); RESET ROLE});
is(exchange($code), $good, 'an address for another mapping changes nothing in the slot');

$_->quit foreach $other, $bench;
$node->stop;
done_testing();
