# SampleApi: starts the sample API of test/sample_api for a TAP test, and ends
# it with the test.  Core Perl only.
#
#	use lib 't';
#	use SampleApi;
#	my $api = SampleApi->new(count => 250);
#	$api->fault(kind => 'status', status => 503, nth => [2]);
#	... CREATE SERVER ... OPTIONS (base_url '$url') with $api->url ...
#	is_deeply([ $api->requests ], ['GET /v2/payment_links?page=1&per_page=100']);
#
# A hash value that must be a JSON number has to be a Perl number.

package SampleApi;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use HTTP::Tiny;
use JSON::PP;
use POSIX ();

my $program =
  dirname(abs_path(__FILE__)) . '/../test/sample_api/sample_api.py';
my %running;    # pid => pid of the process that started it

# new(count, seed, token, staging_token, prefix, tls_cert, tls_key,
# config => {any settings}): a running server.
sub new
{
	my ($class, %args) = @_;
	my $config = delete $args{config};
	my @command = ($ENV{PYTHON} || 'python3', $program, '--exit-with', $$);

	foreach my $name (
		qw(count seed token staging_token prefix tls_cert tls_key host))
	{
		next unless exists $args{$name};
		(my $option = $name) =~ tr/_/-/;
		push @command, "--$option", delete $args{$name};
	}
	croak 'unknown argument: ' . join(', ', sort keys %args) if %args;
	push @command, '--config', JSON::PP->new->ascii->encode($config)
	  if defined $config;

	# Not open(..., '-|'): closing such a handle waits for the server's end.
	pipe(my $output, my $input) or croak "could not make a pipe: $!";
	my $pid = fork() // croak "could not fork: $!";
	if ($pid == 0)
	{
		open(STDOUT, '>&', $input);
		close $input;
		close $output;
		exec @command or POSIX::_exit(127);
	}
	$running{$pid} = $$;
	close $input;
	my $port = <$output>;
	close $output;
	croak 'the sample API did not start' unless defined $port;
	chomp $port;

	my %option = @command[ 4 .. $#command ];
	my $host = $option{'--host'} || '127.0.0.1';
	my $scheme = exists $option{'--tls-cert'} ? 'https' : 'http';
	return bless {
		pid => $pid,
		port => $port,
		url => "$scheme://$host:$port" . ($option{'--prefix'} || ''),
		oauth_url => "$scheme://$host:$port",
		control => "http://$host:$port/_control/",
		http => HTTP::Tiny->new(
			timeout => 60,
			proxy => undef,
			http_proxy => undef,
			keep_alive => 0),
	}, $class;
}

# For base_url: scheme, host, port and prefix.
sub url { return $_[0]->{url}; }
# Where the authorization server is: scheme, host and port.
sub oauth_url { return $_[0]->{oauth_url}; }
sub port { return $_[0]->{port}; }
sub pid { return $_[0]->{pid}; }

# Posts data to /_control/PATH, or gets it without data; returns what is said.
sub control
{
	my ($self, $path, $data) = @_;
	my $response =
	  defined $data
	  ? $self->{http}->post($self->{control} . $path,
		{ content => JSON::PP->new->utf8->encode($data) })
	  : $self->{http}->get($self->{control} . $path);
	croak "sample API, $path: $response->{status} $response->{content}"
	  unless $response->{success};
	return $response->{content}
	  unless ($response->{headers}{'content-type'} // '') =~ /json/;
	return JSON::PP->new->utf8->allow_nonref->decode($response->{content});
}

# Log, faults, settings and links as at the start.
sub reset { my ($self) = @_; return $self->control('reset', {}); }

# config(latency_ms => 20, ...): changes settings.
sub config { my ($self, %settings) = @_; return $self->control('config', \%settings); }

# fault(kind => ..., nth => [3], ...): adds a fault.
sub fault { my ($self, %fault) = @_; return $self->control('fault', \%fault); }

# clear_faults: drops faults and scheduled changes.
sub clear_faults { my ($self) = @_; return $self->control('clear_faults', {}); }

# Sends the answers that are held (fault(kind => 'latency', held => \1)), and drops these
# faults alone.
sub release { my ($self) = @_; return $self->control('release', {}); }

# links(insert => [...], remove => [...], ...): changes links, returns the new ids.
sub links
{
	my ($self, %change) = @_;
	return @{ $self->control('links', \%change)->{ids} };
}

# before(n => 3, links => {...}, config => {...}): schedules a change.
sub before { my ($self, %change) = @_; return $self->control('before', \%change); }

# Waits until no request is being answered, not even one whose client is gone.  That
# all requests which were sent are in the log is so whatever is asked here.
sub quiet { my ($self) = @_; return $self->control('quiet', {}); }

# The requests since the last reset or clear_log, as "METHOD path?query".
sub requests
{
	my ($self) = @_;
	return map {
		"$_->{method} $_->{path}" . (length $_->{query} ? "?$_->{query}" : '')
	} $self->log;
}

# The same with all that is known of each, as hashes.
sub log { my ($self) = @_; return @{ $self->control('log') }; }

sub clear_log { my ($self) = @_; return $self->control('clear', {}); }

# How many requests since the last reset or clear_log.
sub count { my ($self) = @_; return $self->control('count'); }

# {count, in_flight, max_in_flight, connections}
sub stats { my ($self) = @_; return $self->control('stats'); }

# What the authorization server did and has issued: {requests, granted, refused,
# refresh_token, access_tokens}.
sub oauth { my ($self) = @_; return $self->control('oauth'); }

# A new pair, as a token answer: {access_token, refresh_token, expires_in, ...}.
sub oauth_issue { my ($self) = @_; return $self->control('oauth_issue', {}); }

# oauth_expire('access', 'refresh'): all that were issued of these kinds.
sub oauth_expire
{
	my ($self, @kinds) = @_;
	return $self->control('oauth_expire', { map { $_ => \1 } @kinds });
}

# All that was issued.
sub oauth_revoke { my ($self) = @_; return $self->control('oauth_revoke', {}); }

# oauth_forget_answers(2): the second token request from now is carried out,
# but not answered; or several.
sub oauth_forget_answers
{
	my ($self, @nth) = @_;
	return $self->control('oauth_forget_answers', { n => \@nth });
}

# advance(3600): tokens and codes are that much older; seconds.
sub advance { my ($self, $seconds) = @_; return $self->control('advance', { seconds => $seconds }); }

# oauth_consent(code_challenge => ..., ...): the browser of somebody who consents
# in the clear; what the redirect tells, {code, scope, state} or {error, ...}.
sub oauth_consent
{
	my ($self, %query) = @_;
	my %ask = (
		client_id => 'sample-client',
		redirect_uri => 'http://localhost/callback',
		response_type => 'code',
		scope => 'payment_link.read offline_access',
		state => 'consent-of-a-test',
		%query);
	my $browser = HTTP::Tiny->new(max_redirect => 0, proxy => undef, http_proxy => undef);
	my $response = $browser->get("$self->{oauth_url}/oauth2/auth?" . $browser->www_form_urlencode(\%ask));
	croak "sample API, /oauth2/auth: $response->{status} $response->{content}"
	  unless $response->{status} == 302;
	my %told;
	(my $told = $response->{headers}{location}) =~ s/^.*?\?//;
	foreach my $pair (split /&/, $told)
	{
		my ($name, $value) = split /=/, $pair, 2;
		$value =~ tr/+/ /;
		$told{$name} = $value =~ s/%(..)/chr hex $1/ger;
	}
	return \%told;
}

sub stop
{
	my ($self) = @_;
	stop_pid($self->{pid});
	return;
}

sub DESTROY { my ($self) = @_; $self->stop; return; }

# Ends a server, if this very process started it; leaves $? alone.
sub stop_pid
{
	my ($pid) = @_;
	local ($?, $!);

	return unless ($running{$pid} // 0) == $$;
	delete $running{$pid};
	kill 'TERM', $pid;
	waitpid $pid, 0;
	return;
}

END
{
	stop_pid($_) foreach keys %running;
}

1;
