# Scans under an Append wait for their pages together: each notices its page, even if the page
# arrived while another scan was served.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

plan skip_all => 'the library that makes it slow is for epoll'
  unless $^O eq 'linux';

# An Append puts its members' descriptors into a set, one after the other, and then
# waits.  Slowed down, so that the pages come in between.
my $slow = PlfTest::compiled('slow', <<'END');
#include <stdio.h>
#include <sys/epoll.h>

int
epoll_ctl(int set, int what, int fd, struct epoll_event *event)
{
	int			(*next) (int, int, int, struct epoll_event *) =
		dlsym(RTLD_NEXT, "epoll_ctl");
	char		path[64];
	char		target[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (what == EPOLL_CTL_ADD &&
		readlink(path, target, sizeof(target) - 1) > 0 &&
		strstr(target, "eventpoll") != NULL)
		usleep(100000);
	return next(set, what, fd, event);
}
END
plan skip_all => 'no C compiler' unless defined $slow;

my $api = SampleApi->new(count => 25, config => { latency_ms => 20 });
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
PlfTest::start_with($node, $slow);
$node->safe_psql('postgres', 'CREATE EXTENSION payment_links_fdw');
PlfTest::make_server($node, 'links', base_url => $api->url);
my $session = PlfTest->session($node);

foreach my $members (2, 3)
{
	my $all = join ' UNION ALL ', ('SELECT id FROM links.payment_links') x $members;

	like($session->query("EXPLAIN (COSTS off) $all")->{rows},
		qr/^Append\n(  ->  Async Foreign Scan.*\n(?: {8}.*\n?)+){$members}$/,
		"$members scans at the same time");
	# Before libcurl stirs by itself, which it does after connect_timeout.
	$session->query(q{SET statement_timeout = '8s'});
	my $result = $session->query("SELECT count(*) FROM ($all) l");
	is($result->{state}, '', '... come to their end');
	is($result->{rows}, 25 * $members, '... with all links of each');
}

done_testing();
