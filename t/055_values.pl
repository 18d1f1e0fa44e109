# Timestamps and uuids: for every spelling the column has the value, or the error, that the
# input function of its type gives for the same text.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 0);
my $node = PlfTest::cluster('main');
my $session = PlfTest->session($node);

PlfTest::make_server($node, 'links', base_url => $api->url);
$session->query("SET timezone = 'Europe/Paris'");
$session->query("SET datestyle = 'German'");

# A list of one link, where the field says that.
sub send_link
{
	my ($field, $text) = @_;
	my %fields = (
		id => '"00000000-0000-7000-8000-000000000001"',
		status => '"open"',
		amount => '{"value": "13.30", "currency": "EUR"}',
		created_at => '"2026-01-01T00:00:00Z"',
		$field => "\"$text\"");

	$api->links(replace => [], raw => [ '{' . join(', ', map { "\"$_\": $fields{$_}" } sort keys %fields) . '}' ]);
	return;
}

sub same_as_input
{
	my ($field, $type, $text) = @_;
	my $expected = $session->query("SELECT '$text'::$type");

	send_link($field, $text);
	my $got = $session->query("SELECT $field FROM links.payment_links");
	is("$got->{state} $got->{rows}", "$expected->{state} $expected->{rows}", "$type $text");
	return;
}

my @days = qw(2026-01-31 2024-02-29 2023-02-29 2000-02-29 1900-02-29 2400-02-29 2026-04-30 2026-04-31
  2026-12-31 2026-12-32 2026-00-10 2026-13-01 2026-01-00 2026-02-30 1970-01-01 1999-12-31 2000-01-01 0001-01-01
  0001-12-31 0000-12-31 0099-07-04 9999-12-31 1582-10-10 2026-03-29);
my @times = qw(00:00:00 08:00:00 23:59:59 23:59:60 24:00:00 24:00:01 25:00:00 12:60:00 12:59:61 02:30:00);
my @fractions = qw(.0 .5 .000001 .123 .123456 .999999 .1234567 .9999995 .0000004);
my @zones = qw(Z z +00:00 -00:00 +02:00 -11:30 +15:59 +24:00 +02:61);

same_as_input('created_at', 'timestamptz', "${_}T08:09:10Z") foreach @days;
same_as_input('created_at', 'timestamptz', "2026-07-08T${_}Z") foreach @times;
same_as_input('created_at', 'timestamptz', "2026-12-31T23:59:59${_}Z") foreach @fractions;
same_as_input('created_at', 'timestamptz', "2026-12-31T23:59:59.5$_") foreach @zones;
same_as_input('created_at', 'timestamptz', $_)
  foreach '2026-07-08t08:09:10Z', '2026-07-08 08:09:10Z', '2026-07-08T08:09:10+00:00';

my $uuid = '0192a4b6-c8d0-7e1f-8a3b-5c7d9e0f1a2b';
same_as_input('invoice_id', 'uuid', $_)
  foreach $uuid, uc $uuid, "{$uuid}", $uuid =~ tr/-//dr, '0192-a4b6-c8d0-7e1f-8a3b-5c7d-9e0f-1a2b',
  substr($uuid, 0, 35), "${uuid}0", $uuid =~ tr/-/_/r, $uuid =~ s/b$/g/r, $uuid =~ s/^0/ /r,
  $uuid =~ s/c8d0-7/c8d07-/r, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'x' x 36;

done_testing();
