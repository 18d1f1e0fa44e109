# An address of payment_links_authorize_url() can be used for ten to twenty minutes: its state
# and PKCE verifier belong to a slot of ten minutes, and payment_links_authorize() accepts the
# current slot and the one before.

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

# The server's clock is set to the first seconds of a slot, and runs on.
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

# The parameters of the address, as {name => value}.
sub asked
{
	my ($by) = @_;
	my ($query) = ($by // $session)->query(q{SELECT payment_links_authorize_url('links')})->{rows} =~ /\?(.*)/;

	return { map { split /=/, $_, 2 } split /&/, $query };
}

# Consents at an address with these parameters. Returns the address to which the browser is
# then sent, and the code in it.
sub consent
{
	my ($asked) = @_;
	my %ask = map { $_ => $asked->{$_} } qw(state code_challenge code_challenge_method);
	my $told = $api->oauth_consent(%ask);

	return ("http://localhost/callback?code=$told->{code}&state=$told->{state}", $told->{code});
}

# Exchanges a code or an address. Returns 't' or the error, and the requests for tokens.
sub exchange
{
	my ($given, $by) = @_;

	$api->clear_log;
	my $result = ($by // $session)->query("SELECT payment_links_authorize('links', '$given') > now()");
	return ($result->{state} ? "$result->{state} $result->{message}" : $result->{rows}) . ' ' . $bench->asked;
}

my $good = 't authorization_code 200';
my $late = '28000 the authorization began too long ago ';
my $not_ours = '28000 this user mapping did not ask for the authorization ';
my $refused = '28000 the token host refused the authorization code (invalid_grant) authorization_code 400';

# In the slot and the next

my $first = asked();
is_deeply(asked($other), $first, 'in one slot all sessions return the same address');
is(exchange((consent($first))[0]), $good, 'an address is accepted in its slot');
my ($address) = consent($first);
next_slot();
my $second = asked();
isnt($second->{$_}, $first->{$_}, "in the next slot there is another $_") foreach qw(state code_challenge);
is(exchange((consent($second))[0]), $good, 'the address of the second slot is accepted');
is(exchange($address, $other), $good, '... and so is that of the first slot, whose verifier is sent');
my ($burnt) = consent($first);
my ($later) = consent($second);

# Two slots later an address is refused before its code is sent.

next_slot();
is(exchange($burnt), $late, 'two slots later an address is too old');
like($session->query("SELECT payment_links_authorize('links', '$burnt')")->{detail},
	qr/^An address that payment_links_authorize_url\(\) gave can be used for at least 10 minutes\. The code was not sent\.$/,
	'... the detail says why');
is(exchange($later, $other), $good, '... the address of the slot between is accepted');
is(exchange($later), $refused, '... once, since its code is then used up');
next_slot(-2);
is(exchange($burnt), $good, '... the code of the address that was too old was not used up');
next_slot(2);
my ($early) = consent(asked());
next_slot(-1);
is(exchange($early), $not_ours, 'an address of a later slot is not accepted');
my ($old) = consent(asked());
next_slot(143);
is(exchange($old), $late, 'a day later an address is too old');
next_slot();
is(exchange($old), $not_ours, '... ten minutes more, and its state is not recognized any more');
is(exchange((consent(asked()))[0]), $good, '... a new address is accepted');

# The state of one slot with the code of another

my $third = asked();
next_slot();
my $fourth = asked();
my (undef, $code) = consent($fourth);
is(exchange("http://localhost/?code=$code&state=$third->{state}"), $refused,
	'the state of the address decides which verifier is sent');

# A code alone does not tell its slot: the verifier is that of the last address which the
# session returned for this mapping, or else that of the current slot.

(undef, $code) = consent(asked());
is(exchange($code), $good, 'a code alone is accepted in its slot');
(undef, $code) = consent(asked());
is(exchange($code, $other), $good, '... in another session');
(undef, $code) = consent(asked());
next_slot();
is(exchange($code), $good, 'a code alone is accepted in the next slot, in the session that returned the address');
(undef, $code) = consent(asked());
next_slot();
is(exchange($code, PlfTest->session($node)), $refused, '... not in another session, which does not know the slot');
(undef, $code) = consent(asked());
next_slot(2);
is(exchange($code), $refused, '... nor after two slots');

# Afterwards the session has returned an address for another mapping.
$bench->as_admin(q{CREATE ROLE bob; GRANT USAGE ON FOREIGN SERVER links TO bob;
	CREATE USER MAPPING FOR bob SERVER links OPTIONS (client_id 'other', client_secret 'x', redirect_uri 'http://localhost/')});
(undef, $code) = consent(asked());
$session->query(q{SET ROLE bob; SELECT payment_links_authorize_url('links'); RESET ROLE});
is(exchange($code), $good, 'after an address for another mapping a code alone is accepted in its slot');

$_->quit foreach $other, $bench;
$node->stop;
done_testing();
