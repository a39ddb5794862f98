#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# A guest floods the store (tests/guests/store-flood): all nodes, watches and
# transactions that it may have, requests without reading replies, a broken ring. Beside
# it a guest notices what is done to it (tests/guests/undisturbed), and the control
# domain writes and reads all the time. Afterwards nothing is left of it. Tries S4.
#
# Whether the control domain has to wait for the flood is asked in two ways. The store
# counts what it does for others between a look that may have missed a request and that
# request's turn: that has nothing to do with how fast this machine is. And the time
# that a write and a read take is compared with that of the same two programs when they
# don't ask the store: most of it is their start, in an emulator, beside two guests. Of
# each half of them take less, so that one pause of the host is no failure.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

# What may come before a request of the control domain: two turns of each other connection,
# the one that was under way and the next, 8 requests each. In units of work a turn is
# 1,024, of the one guest that can ask for so much, and so is what a round does of big
# changes; half as much again for the last request of a turn and for the others.
my $connections = 10;
my %most = (requests => 2 * 8 * $connections, work => 2 * (1024 + 1024) * 3 / 2);

sub median {
	my @sorted = sort { $a <=> $b } split(' ', $_[0]);

	return $sorted[@sorted / 2];
}

my $m = Machine->boot(env => { INITRD => Guests::image_with_tests() });
$m->dom0;
$m->run('dmesg -n 1');
$m->run("cat >/tmp/start.sh <<'END'
# start.sh NAME KERNEL ARGUMENTS: a guest; what it says goes to /tmp/NAME.out
printf 'name=\"%s\"\\nkernel=\"/guests/test-%s\"\\nmemory=32\\n' \$1 \$2 >/tmp/\$1.cfg
printf 'on_crash=\"destroy\"\\nextra=\"%s\"\\n' \"\$3\" >>/tmp/\$1.cfg
xl create -p /tmp/\$1.cfg >/dev/null || exit
xl console \$1 </dev/null >/tmp/\$1.out &
sleep 0.3
xl unpause \$1
END
cat >/tmp/time.sh <<'END'
# time.sh NAME: writes and reads nodes as long as the guest is there, and runs both
# programs for nothing; the times of all of them, in 1/100 s
n=0; store=; none=; wrong=0
while xl domid \$1 >/dev/null 2>&1 && [ \$n -lt 5000 ]; do
	n=\$((n+1))
	a=\$(cut -d' ' -f1 /proc/uptime | tr -d .)
	xenstore-write /tool/probe \$n && [ \"\$(xenstore-read /tool/probe)\" = \$n ] || wrong=\$((wrong+1))
	b=\$(cut -d' ' -f1 /proc/uptime | tr -d .)
	xenstore-write 2>/dev/null || [ \"\$(xenstore-read 2>/dev/null)\" ]
	c=\$(cut -d' ' -f1 /proc/uptime | tr -d .)
	store=\"\$store \$((b-a))\"; none=\"\$none \$((c-b))\"
done
xenstore-rm /tool/probe
echo \"probes: \$n, wrong: \$wrong, with the store:\$store, without:\$none\"
END
cat >/tmp/both.sh <<'END'
sh /tmp/start.sh witness undisturbed 'stop=1 late=3000'
w=\$(xl domid witness)
i=0
until xenstore-read /local/domain/\$w/data/ready >/dev/null 2>&1 || [ \$i -ge 100 ]; do sleep 0.2; i=\$((i+1)); done
sh /tmp/start.sh flood store-flood \$1
sh /tmp/time.sh flood
xl destroy flood >/dev/null 2>&1 && echo 'flood has not ended'
xenstore-write /local/domain/\$w/data/stop 1
i=0
while xl domid witness >/dev/null 2>&1 && [ \$i -lt 60 ]; do sleep 0.5; i=\$((i+1)); done
xl destroy witness >/dev/null 2>&1 && echo 'witness has not ended'
sleep 0.3
for g in witness flood; do tr -d '\\r' </tmp/\$g.out | sed -n 's/^/'\$g': /p'; done
END");
# What tools, kernel and store keep is allocated by a first time.
$m->run('sh /tmp/both.sh rounds=1', 300);
my $before = $m->census;
my $out = $m->run('sh /tmp/both.sh rounds=2', 400);
my ($wrong, $with, $without) =
	$out =~ /probes: \d+, wrong: (\d+), with the store:([ \d]+), without:([ \d]+)/m;
# Columns: domain, requests and errors a second, mean and longest time, what it waited for.
my ($requests, $work) = $m->run('xenstore-top -n 1') =~ /^ *0(?: +[\d.]+){4} +(\d+) +(\d+) /m;

like($out, qr/^flood: Test result: SUCCESS/m, 'the flood found the end of everything') or diag($out);
like($out, qr/^witness: Test result: SUCCESS/m, '... and the other guest is undisturbed') or diag($out);
is($wrong, 0, '... and the control domain reads what it wrote');
cmp_ok($requests // 1e9, '<=', $most{requests}, '... with few requests of others before its own');
cmp_ok($work // 1e9, '<=', $most{work}, '... and little work');
cmp_ok(median($with // 1e9), '<=', 2 * median($without // 0) + 100,
	'... in not much more time than the programs take');
note("waited for: $requests requests, work of $work");
note($1) while $out =~ /(flood: \d+ .*|probes: .*|witness: undisturbed.*)/g;
is($m->audit, '', '... and counts and links are right');
is($m->census_diff($before, 2), '', '... and nothing is left');
$m->send("poweroff\n");
is($m->ended(60), 0, 'powers off');
done_testing;
