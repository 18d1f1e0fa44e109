# OAuthTest: what the tests of renewed tokens share: servers whose user mapping has a refresh
# token of the sample API's authorization server, the options of that mapping, and the requests
# that the authorization server got.
#
#	my $bench = OAuthTest->new($node, 'links', count => 25);
#	$bench->due;
#	is($bench->session->query(PlfTest::all_of('links'))->{rows}, $bench->links);
#	is($bench->asked, 'refresh_token 200');
#
# A bench is a sample API of its own, a server on it, an open session, and one of a
# superuser.

package OAuthTest;

use strict;
use warnings;

use HTTP::Tiny;
use PlfTest;
use POSIX qw(strftime);
use SampleApi;
use Time::HiRes qw(sleep);

# Makes a bench whose user mapping has a refresh token and no access token yet.  Of the
# arguments, "server" are options of the server, "mapping" of the user mapping (undef leaves
# an option out), "with" of the session; all others are the sample API's.
sub new
{
	my ($class, $node, $name, %args) = @_;
	my ($server, $mapping, $with) =
	  map { $_ // {} } delete @args{qw(server mapping with)};
	my $api = SampleApi->new(count => 25, config => { token => [] }, %args);
	my $self = bless { node => $node, name => $name, api => $api }, $class;

	my %options = (
		client_id => 'sample-client',
		client_secret => 'sample-client-secret',
		refresh_token => $api->oauth_issue->{refresh_token},
		redirect_uri => 'http://localhost/callback',
		%$mapping);
	PlfTest::make_server(
		$node, $name,
		page_size => 10,
		server_options($api),
		%$server,
		mapping => join ', ',
		map { "$_ '$options{$_}'" } grep { defined $options{$_} } sort keys %options);
	$self->{links} = PlfTest::links_of($api);
	$self->{with} = $with;
	$self->connect;
	$api->clear_log;
	return $self;
}

# Opens the bench's two sessions; to be called again after a restart of the server.
sub connect
{
	my ($self) = @_;

	$self->{session} = PlfTest->session($self->{node}, %{ $self->{with} });
	$self->{admin} = PlfTest->session($self->{node});
	$self->{admin}->query("SET log_statement = 'none'");
	return;
}

sub quit_sessions
{
	my ($self) = @_;

	$_->quit foreach $self->{session}, $self->{admin};
	return;
}

# The options of a server that lead to a sample API, or to a front before it.
sub server_options
{
	my ($api, $front) = @_;
	my ($url, $oauth) = $front ? ($front->url) x 2 : ($api->url, $api->oauth_url);

	return (
		base_url => $url,
		token_url => "$oauth/oauth2/token",
		authorize_url => "$oauth/oauth2/auth");
}

sub api { return $_[0]->{api}; }
sub name { return $_[0]->{name}; }
sub session { return $_[0]->{session}; }
sub links { return $_[0]->{links}; }
sub query { my ($self, $sql) = @_; return $self->{session}->query($sql); }

# Reads all links: the rows, or SQLSTATE and message of the error.
sub read_all
{
	my ($self, $session) = @_;
	my $result = ($session // $self->{session})->query(PlfTest::all_of($self->{name}));

	return $result->{rows} eq $self->{links} && $result->{state} eq '' ? 'read'
	  : "$result->{state} $result->{message}";
}

# The user mapping of this role, by default of the role that runs the tests, as
# {option => value}.
sub mapping
{
	my ($self, $role) = @_;
	my $rows = $self->as_admin(
		"SELECT unnest(umoptions) FROM pg_user_mappings WHERE srvname = '$self->{name}' AND usename = "
		  . (defined $role ? "'$role'" : 'CURRENT_USER'));

	return { map { split /=/, $_, 2 } split /\n/, $rows };
}

# Adds or sets options of the user mapping, or drops one whose value is undef, in the given
# session or in the superuser's.
sub change
{
	my ($self, %change) = @_;
	my $session = delete $change{session};
	my $is = $self->mapping;
	my @list = map {
		!defined $change{$_} ? (exists $is->{$_} ? "DROP $_" : ())
		  : (exists $is->{$_} ? 'SET' : 'ADD') . " $_ '$change{$_}'"
	} sort keys %change;
	my $sql = "ALTER USER MAPPING FOR CURRENT_USER SERVER $self->{name} OPTIONS ("
	  . join(', ', @list) . ')';

	return unless @list;
	$self->as_admin($sql, $session);
	return;
}

# The rows of a superuser's query; dies if the query fails.
sub as_admin
{
	my ($self, $sql, $session) = @_;
	my $result = ($session // $self->{admin})->query($sql);

	die "$sql: $result->{errors}" if $result->{state};
	return $result->{rows};
}

# The time so many seconds from now, in the form that the options have.
sub in_seconds { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + $_[0])); }

# Makes the token host answer so many ms late, and later if the server is slow; but never
# so late that the request is sent again.
sub answer_late
{
	my ($self, $ms) = @_;
	my $late = $ms * $PlfTest::slowdown;

	return $self->{api}->fault(
		kind => 'latency',
		ms => $late < 8000 ? $late : 8000,
		path => '/oauth2/token');
}

# Makes the token host hold its answers until release; after ten seconds the request is
# sent again.  What a test does before release happens before the answer, even on a loaded
# machine.
sub hold_answers
{
	my ($self) = @_;

	return $self->{api}->fault(kind => 'latency', held => \1, path => '/oauth2/token');
}

# Sets the access token to end in so many seconds (-1), and clears the log of the sample API.
sub due
{
	my ($self, $seconds) = @_;

	$self->change(access_token_expires_at => in_seconds($seconds // -1));
	$self->{api}->clear_log;
	return;
}

# Makes the bench as it was at the start: a new refresh token and no access token, no fault,
# an empty log.
sub renew
{
	my ($self, %change) = @_;

	$self->{api}->reset;
	$self->{api}->config(token => []);
	$self->change(
		map({ $_ => undef }
			qw(access_token access_token_expires_at refresh_token_expires_at refreshed_at
			  token_host stored_by last_failure)),
		client_id => 'sample-client',
		client_secret => 'sample-client-secret',
		refresh_token => $self->{api}->oauth_issue->{refresh_token},
		redirect_uri => 'http://localhost/callback',
		%change);
	$self->{api}->clear_log;
	return;
}

# The requests to the token host in the log: a line for each, with its grant and status.
sub asked
{
	my ($self) = @_;

	return join "\n",
	  map { ($_->{oauth}{grant} // $_->{path}) . " $_->{status}" }
	  grep { $_->{oauth} } $self->{api}->log;
}

# How many requests in the log went to the API itself.
sub read_requests
{
	my ($self) = @_;

	return scalar grep { !$_->{oauth} } $self->{api}->log;
}

# Whether the mapping has the newest refresh token that the authorization server gave, and
# an access token that is good.
sub holds_the_newest
{
	my ($self, $role) = @_;
	my ($oauth, $mapping) = ($self->{api}->oauth, $self->mapping($role));

	return ($mapping->{refresh_token} eq ($oauth->{refresh_token} // '')
		&& grep { $_ eq ($mapping->{access_token} // '') } @{ $oauth->{access_tokens} }) ? 1 : 0;
}

# Process ids of the workers that refresh a token now, each on a line.
sub workers
{
	my ($self) = @_;

	return $self->as_admin(
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'payment_links_fdw token refresh'");
}

# Waits until no worker is left. Returns 1, or 0 if one is still there after the timeout.
sub workers_are_gone
{
	my ($self) = @_;

	return $self->{node}->poll_query_until('postgres',
		"SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'payment_links_fdw token refresh'");
}

# Waits until the worker has this wait event. Returns 1, or 0 after the timeout.
sub worker_waits
{
	my ($self, $event) = @_;

	return $self->{node}->poll_query_until(
		'postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity
		WHERE backend_type = 'payment_links_fdw token refresh' AND wait_event = '$event'");
}

# Waits until all these sessions wait at the same time, for their turn or for a worker:
# pg_stat_activity has the same wait event for both.  Returns 1, or 0 after the timeout.
sub sessions_wait
{
	my ($self, @sessions) = @_;
	my $pids = join ', ', map { $_->pid } @sessions;

	return $self->{node}->poll_query_until('postgres',
		"SELECT count(*) = ${\ scalar @sessions} FROM pg_stat_activity
		WHERE pid IN ($pids) AND state = 'active' AND wait_event_type = 'Extension'");
}

# Waits until the sample API has so many requests (1) in flight.
sub wait_until_asked
{
	my ($self, $number) = @_;

	foreach (1 .. 3000)
	{
		return 1 if $self->{api}->stats->{in_flight} >= ($number // 1);
		sleep 0.01;
	}
	return 0;
}

sub quit
{
	my ($self) = @_;

	$self->quit_sessions;
	$self->{api}->stop;
	return;
}

1;
