# TlsFront: puts nginx before a sample API, as a server of TLS and HTTP/2 with
# a certificate of a throwaway authority, and ends it with the test.  Core Perl
# only.
#
#	use lib 't';
#	use SampleApi;
#	use TlsFront;
#	plan skip_all => TlsFront->missing unless TlsFront->available;
#	my $api = SampleApi->new(count => 250);
#	my $front = TlsFront->new(upstream_port => $api->port);
#	... OPTIONS (base_url '$url', ca_file '$ca') with $front->url and
#	$front->ca_file ...
#	is_deeply([ map { $_->{protocol} } $front->log ], ['HTTP/2.0']);
#
# It needs the openssl command and nginx (package nginx in Debian), whose own
# configuration and service it leaves alone.

package TlsFront;

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);

# How long nginx may take to start or to write its log; seconds.
use constant PATIENCE => 30;

# Ports are free when they are chosen, but somebody may be faster than nginx.
use constant TRIES => 5;

my $proxy_program =
  dirname(abs_path(__FILE__)) . '/../test/sample_api/connect_proxy.py';
my %running;    # pid => pid of the process that started it

# Whether what it takes is installed; missing says what is not.
sub available { return !defined missing(); }

sub missing
{
	return 'the command openssl is not installed' unless program('openssl');
	my $nginx = program('nginx');
	return 'nginx is not installed (on Debian the package nginx)'
	  unless $nginx;
	my $build = `'$nginx' -V 2>&1`;
	return 'nginx was built without TLS or HTTP/2'
	  unless $build =~ /http_ssl_module/ && $build =~ /http_v2_module/;
	return '127.0.0.2 is not an address of this machine'
	  unless IO::Socket::INET->new(LocalAddr => '127.0.0.2', Listen => 1);
	return;
}

# The path of a command; what a distribution keeps for root is found as well.
sub program
{
	my ($name) = @_;
	foreach my $folder (split(/:/, $ENV{PATH} // ''),
		'/usr/local/sbin', '/usr/sbin')
	{
		return "$folder/$name" if length $folder && -x "$folder/$name";
	}
	return;
}

# new(upstream_port, settings => ['keepalive_requests 3', ...]): a running
# front; settings are directives of nginx for its server.
sub new
{
	my ($class, %args) = @_;
	my $upstream = delete $args{upstream_port}
	  // croak 'upstream_port is required';
	my $settings = delete $args{settings} // [];
	croak 'unknown argument: ' . join(', ', sort keys %args) if %args;

	my $self = bless {
		dir => File::Temp->newdir('tls_front_XXXXXX', TMPDIR => 1),
		http => HTTP::Tiny->new(
			timeout => PATIENCE,
			proxy => undef,
			http_proxy => undef,
			keep_alive => 0),
	}, $class;
	$self->make_certificates;
	foreach (1 .. TRIES)
	{
		$self->write_config($upstream, $settings);
		return $self if $self->start;
	}
	croak 'nginx did not start: ' . slurp($self->file('error.log'));
}

# For base_url.  The certificate is for localhost, 127.0.0.1 and api.test, but
# not for the address of wrong_name_url.
sub url { return 'https://localhost:' . $_[0]->{port}; }
sub wrong_name_url { return 'https://127.0.0.2:' . $_[0]->{port}; }

# The TLS port spoken to without TLS.
sub plain_url { return 'http://localhost:' . $_[0]->{port}; }

# A port that speaks HTTP spoken to in TLS; what it says is in the log.
sub not_tls_url { return 'https://127.0.0.1:' . $_[0]->{mark_port}; }
sub port { return $_[0]->{port}; }
sub pid { return $_[0]->{pid}; }

# The authority that issued the certificate, and one that did not.
sub ca_file { return $_[0]->file('ca.pem'); }
sub other_ca_file { return $_[0]->file('other_ca.pem'); }

# For a SampleApi that is to speak TLS itself, in HTTP/1.1.
sub cert_file { return $_[0]->file('server.pem'); }
sub key_file { return $_[0]->file('server.key'); }

sub file { my ($self, $name) = @_; return "$self->{dir}/$name"; }

# The requests since the start or clear_log, in the order in which they ended:
# {protocol ("HTTP/2.0"), connection (its serial number), uri, status, encoding
# (of the answer, or ''), host, authorization, staging (1 if the request had
# the header that carries the token)}.
sub log
{
	my ($self) = @_;
	$self->write_mark;
	return map { delete $_->{mark}; $_ }
	  grep { $_->{mark} eq '' }
	  read_json($self->file('access.log'), $self->{log_start});
}

sub clear_log
{
	my ($self) = @_;
	$self->{mark} = $self->write_mark;
	$self->{log_start} = -s $self->file('access.log');
	return;
}

# How many connections these requests used.
sub connections
{
	my ($self) = @_;
	my %serial = map { $_->{connection} => 1 } $self->log;
	return scalar keys %serial;
}

# How many connections were opened since the start or clear_log, those included
# that came to nothing; only true as long as nothing was passed upstream.
sub attempts
{
	my ($self) = @_;
	my $before = $self->{mark} // { connection => 0, number => 0 };
	my $now = $self->write_mark;
	return $now->{connection} - $before->{connection} -
	  ($now->{number} - $before->{number});
}

# A proxy, for HTTP and SOCKS, through which the front is reached as these hosts
# (api.test if not said), on port 443: {url, socks_url, log, clear_log, record,
# stop}.  It refuses others as it is told, and with tls it is spoken to in TLS:
# proxy({ refusal => '302 Location: /', tls => 1 }, 'api.test')
sub proxy
{
	my ($self, @hosts) = @_;
	my $how = ref $hosts[0] ? shift @hosts : {};
	return TlsFront::Proxy->start($self, $how,
		map { "$_:443=$self->{port}" } @hosts ? @hosts : ('api.test'));
}

sub stop
{
	my ($self) = @_;
	stop_pid($self->{pid}) if defined $self->{pid};
	return;
}

sub DESTROY { my ($self) = @_; $self->stop; return; }

sub make_certificates
{
	my ($self) = @_;

	# Of its own, so that the system's openssl.cnf decides nothing.
	spew($self->file('openssl.cnf'), <<'END');
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
subjectAltName = DNS:localhost, DNS:api.test, IP:127.0.0.1
END
	$self->make_certificate('ca', 'authority', 'TlsFront authority');
	$self->make_certificate('other_ca', 'authority', 'Another authority');
	$self->make_certificate('server', 'server', 'TlsFront',
		'-CA' => $self->file('ca.pem'),
		'-CAkey' => $self->file('ca.key'));
	return;
}

# Makes NAME.pem and NAME.key; signed by itself unless the options say by whom.
sub make_certificate
{
	my ($self, $name, $extensions, $subject, @options) = @_;
	my $log = $self->file('openssl.log');
	my @command = (
		program('openssl'), 'req', '-x509', '-new', '-nodes', '-sha256',
		'-newkey' => 'ec', '-pkeyopt' => 'ec_paramgen_curve:prime256v1',
		'-config' => $self->file('openssl.cnf'),
		'-extensions' => $extensions, '-subj' => "/CN=$subject",
		'-days' => 2,
		'-keyout' => $self->file("$name.key"),
		'-out' => $self->file("$name.pem"), @options);

	my $pid = launch($log, @command);
	waitpid $pid, 0;
	croak 'openssl failed: ' . slurp($log) if $? != 0;
	return;
}

# Chooses ports and writes nginx.conf.
sub write_config
{
	my ($self, $upstream, $settings) = @_;
	my ($port, $mark_port) = free_ports(2);
	my ($listen, $http2) = ('ssl http2', '');
	my $nginx = program('nginx');

	# From 1.25.1 on the parameter of listen draws a warning.
	my ($major, $minor, $patch) =
	  `'$nginx' -v 2>&1` =~ m{nginx/(\d+)\.(\d+)\.(\d+)};
	($listen, $http2) = ('ssl', "http2 on;\n")
	  if $major * 1e6 + $minor * 1e3 + $patch >= 1_025_001;

	$self->{port} = $port;
	$self->{mark_port} = $mark_port;
	$self->{log_start} = 0;
	$self->{marks} = 0;
	unlink $self->file('nginx.pid');

	my $temporary = join '',
	  map { "${_}_temp_path $self->{dir};\n" }
	  qw(client_body proxy fastcgi uwsgi scgi);
	my $more = join '', map { "$_;\n" } @$settings;
	spew($self->file('nginx.conf'), <<"END");
daemon off;
master_process off;
pid $self->{dir}/nginx.pid;
error_log $self->{dir}/error.log;
events { worker_connections 512; }
http {
$temporary
map \$http_authorization \$authorization { "" 0; default 1; }
map \$http_x_qonto_staging_token \$staging { "" 0; default 1; }
log_format presence escape=json '{"protocol":"\$server_protocol",'
	'"connection":\$connection,"uri":"\$request_uri","status":\$status,'
	'"encoding":"\$sent_http_content_encoding","host":"\$host",'
	'"authorization":\$authorization,"staging":\$staging,'
	'"mark":"\$arg_tls_front_mark"}';
access_log $self->{dir}/access.log presence;
upstream api {
	server 127.0.0.1:$upstream;
	keepalive 32;
}
server {
	listen 127.0.0.1:$port $listen;
	listen 127.0.0.2:$port $listen;
	$http2
	ssl_certificate $self->{dir}/server.pem;
	ssl_certificate_key $self->{dir}/server.key;
	location / {
		proxy_pass http://api;
		proxy_http_version 1.1;
		proxy_set_header Host \$http_host;
		proxy_set_header Connection "";
		proxy_next_upstream off;
		proxy_redirect off;
	}
	$more
}
server {
	listen 127.0.0.1:$mark_port;
	return 204;
}
}
END
	return;
}

# Whether nginx has come up; if not, it has ended.
sub start
{
	my ($self) = @_;
	my @command = (program('nginx'),
		'-p' => "$self->{dir}/",
		'-c' => $self->file('nginx.conf'),
		'-e' => $self->file('error.log'));

	# It has no way of its own to end with a test that is killed.
	unshift @command, program('setpriv'), '--pdeathsig', 'TERM'
	  if program('setpriv');
	my $pid = launch($self->file('error.log'), @command);
	$running{$pid} = $$;
	my $deadline = time + PATIENCE;

	# The file comes after the ports are bound.
	until (-s $self->file('nginx.pid'))
	{
		local $?;
		if (waitpid($pid, POSIX::WNOHANG()) == $pid)
		{
			delete $running{$pid};
			return 0;
		}
		if (time > $deadline)
		{
			stop_pid($pid);
			return 0;
		}
		sleep 0.01;
	}
	$self->{pid} = $pid;
	return 1;
}

# An answer may be there before its line in the log.  What nginx, one process,
# has logged when it logs a later request is all that was answered before.
# Returns {number (of the mark), connection (its serial number)}.
sub write_mark
{
	my ($self) = @_;
	my $number = ++$self->{marks};
	my $response = $self->{http}->get(
		"http://127.0.0.1:$self->{mark_port}/?tls_front_mark=$number");
	croak "nginx: $response->{status} $response->{content}"
	  unless $response->{success};
	my $deadline = time + PATIENCE;

	while (1)
	{
		return { number => $number, connection => $1 }
		  if slurp($self->file('access.log')) =~
		  /"connection":(\d+),[^\n]*"mark":"$number"\}\n/;
		croak 'nginx does not write its log' if time > $deadline;
		sleep 0.01;
	}
}

# Numbers of TCP ports that are free on both addresses.
sub free_ports
{
	my ($count) = @_;
	my (@sockets, @ports);

	while (@ports < $count)
	{
		my $first = IO::Socket::INET->new(
			LocalAddr => '127.0.0.1',
			LocalPort => 0,
			Listen => 1) or croak "could not bind a port: $!";
		my $second = IO::Socket::INET->new(
			LocalAddr => '127.0.0.2',
			LocalPort => $first->sockport,
			Listen => 1);
		push @sockets, $first, $second;
		push @ports, $first->sockport if $second;
	}
	return @ports;
}

# Starts a command with its output, both kinds, at the end of a file.
sub launch
{
	my ($output, @command) = @_;
	my $pid = fork() // croak "could not fork: $!";
	if ($pid == 0)
	{
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', $output);
		open(STDERR, '>&', \*STDOUT);
		exec @command or POSIX::_exit(127);
	}
	return $pid;
}

# The lines of a file from that byte on, as what their JSON says.
sub read_json
{
	my ($path, $start) = @_;
	return map { JSON::PP->new->utf8->decode($_) }
	  split /\n/, substr(slurp($path), $start);
}

sub slurp
{
	my ($path) = @_;
	local $/;
	open(my $file, '<:raw', $path) or return '';
	return readline($file) // '';
}

sub spew
{
	my ($path, $text) = @_;
	open(my $file, '>:raw', $path) or croak "could not write $path: $!";
	print $file $text;
	close $file or croak "could not write $path: $!";
	return;
}

# Ends a process, if this very process started it; leaves $? alone.
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

package TlsFront::Proxy;

use Carp qw(croak);

# start(front, {refusal, tls}, 'host:port=local port', ...)
sub start
{
	my ($class, $front, $how, @map) = @_;
	my $log = $front->file('proxy.log.' . ++$front->{proxies});
	my @options = ('--log', $log, '--record', "$log.record");

	push @options, '--refusal', $how->{refusal} if $how->{refusal};
	push @options,
	  '--tls-cert', $front->cert_file, '--tls-key', $front->key_file
	  if $how->{tls};

	# Not open(..., '-|'): closing such a handle waits for the proxy's end.
	pipe(my $output, my $input) or croak "could not make a pipe: $!";
	my $pid = fork() // croak "could not fork: $!";
	if ($pid == 0)
	{
		open(STDOUT, '>&', $input);
		close $input;
		close $output;
		exec $ENV{PYTHON} || 'python3', $proxy_program,
		  '--exit-with', getppid(), @options, map { ('--map', $_) } @map
		  or POSIX::_exit(127);
	}
	$running{$pid} = $$;
	close $input;
	my $port = <$output>;
	close $output;
	croak 'the proxy did not start' unless defined $port;
	chomp $port;
	return bless {
		front => $front,    # whose folder has to stay
		pid => $pid,
		port => $port,
		scheme => $how->{tls} ? 'https' : 'http',
		log => $log,
		log_start => 0,
	}, $class;
}

# For the option "proxy".
sub url { return "$_[0]->{scheme}://127.0.0.1:$_[0]->{port}"; }
sub socks_url { return "socks5h://127.0.0.1:$_[0]->{port}"; }
sub pid { return $_[0]->{pid}; }

# All bytes that clients sent it since its start, within tunnels too.
sub record { return TlsFront::slurp("$_[0]->{log}.record"); }

# {method, target, status, headers (their names, sorted, in lower case)}
sub log
{
	my ($self) = @_;
	return TlsFront::read_json($self->{log}, $self->{log_start});
}

sub clear_log
{
	my ($self) = @_;
	$self->{log_start} = -s $self->{log};
	return;
}

sub stop { my ($self) = @_; TlsFront::stop_pid($self->{pid}); return; }

sub DESTROY { my ($self) = @_; $self->stop; return; }

1;
