#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Much at once, on four processors: guests come and go in several loops while
# others spin, change their number of processors and their memory, are paused,
# crash, call at random; debug keys are pressed. Nothing may be left, the control
# domain keeps its share, and the hypervisor's counts are right throughout.
# STRESS_ROUNDS says how long (a round is some 5 s).

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

my $rounds = $ENV{STRESS_ROUNDS} || 2;
my $image = Guests::image_with_tests();
my $m = Machine->boot(env => { INITRD => $image, SMP => 4 });

$m->dom0;
$m->run('dmesg -n 1');
is($m->run('nproc') + 0, 4, 'the control domain has four processors');

# The share of the processors' time that the control domain gets in 4 s in which it wants
# all of it, as the hypervisor accounts for it: what else the host does hits all alike.
sub share {
	my %before = seconds_used();
	$m->run('for c in 1 2 3 4; do timeout 4 sh -c "while :; do :; done" & done; wait', 60);
	my %after = seconds_used();
	my $all = 0;
	$all += $after{$_} - $before{$_} for keys %after;
	return $all ? ($after{'Domain-0'} - $before{'Domain-0'}) / $all : 0;
}

# Seconds by domain.
sub seconds_used {
	return $m->run('xl list') =~ /^(\S+) +\d+ +\d+ +\d+ +\S+ +([\d.]+)$/mg;
}

my $linux = Guests::config($m, 'linux', vcpus => 4, memory => 160, maxmem => 192,
	on_crash => '"destroy"');
my $spinner = Guests::config($m, 'spinner', vcpus => 4, memory => 96);

# What tools and kernel allocate once and keep is allocated then.
Guests::create($m, $linux);
$m->run('for i in 1 2 3; do (echo "name=\"first$i\"; kernel=\"/guests/test-timers\"; memory=16") '
	. '>/tmp/first$i.cfg; xl create -p /tmp/first$i.cfg; done; xl list', 30);
$m->run('for d in linux first1 first2 first3; do xl destroy $d; done', 60);
ok(Guests::gone($m, $_), "$_ comes and goes") for qw(linux first1 first2 first3);
my $before = $m->census;

Guests::create($m, $linux);
# Two guests whose four processors never rest.
for my $n (1, 2) {
	$m->run("sed s/spinner/spinner$n/ $spinner >/tmp/spinner$n.cfg");
	$m->send("xl create -c /tmp/spinner$n.cfg\n");
	$m->expect(qr/guest: init is up/, 120);
	$m->expect($Machine::prompt, 60);
	$m->send("for c in 1 2 3 4; do while :; do :; done & done; echo all-spin\n");
	$m->expect(qr/\nall-spin\n/, 30);
	$m->leave_console;
}
my $share = share();
# Its weight is 1024, theirs 256 each: two thirds are due.
cmp_ok($share, '>', 0.5, sprintf('beside 8 spinning processors it gets %.0f %% of the time', 100 * $share));

my $small = '/tmp/small.sh';
$m->run("cat >$small <<'END'
# small.sh NAME KERNEL COUNT: creates and destroys
i=0
while [ \$i -lt \$3 ]; do
	printf 'name=\"%s\"\\nkernel=\"/guests/test-%s\"\\nmemory=16\\non_crash=\"destroy\"\\n' \$1 \$2 >/tmp/\$1.cfg
	xl create /tmp/\$1.cfg >/dev/null || echo failed-create \$1
	[ \$((i % 3)) -eq 0 ] || sleep 0.3
	xl destroy \$1 >/dev/null 2>&1
	i=\$((i + 1))
done
END");

for my $round (1 .. $rounds) {
	my @loops = map { "sh $small s$_->[0] $_->[1] 4 &" } ([1, 'random-hypercalls'], [2, 'timers'],
		[3, 'crash-bad-stack'], [4, 'grants']);
	my $out = $m->run(join(' ', @loops)
		. ' for i in 1 2 3; do'
		. ' xl vcpu-set linux $i; xl mem-set linux $((100 + i * 20));'
		. ' xl pause spinner1; xl debug-keys qerHga; xl unpause spinner1;'
		. ' xl vcpu-pin spinner2 0 $i; sleep 0.5; done;'
		. ' xl vcpu-set linux 4; xl vcpu-pin spinner2 all all; wait',
		# Far more than it takes: to find what hangs, not what is slow on a busy host.
		600);
	unlike($out, qr/failed-create/, "round $round: every guest was created");
	is($m->audit, '', '... and the books are right');
}
Guests::console($m, 'linux');
$m->send("nproc; echo still-\$((1+1))\n");
ok($m->seen_within(qr/still-2\n/, 60), 'the guest between all that is well');
$m->leave_console;
$m->run('for d in linux spinner1 spinner2; do xl destroy $d; done', 60);
ok(Guests::gone($m, $_), "$_ is gone") for qw(linux spinner1 spinner2);
is($m->census_diff($before, 2), '', 'nothing is left');
is($m->audit, '', 'the books are right at the end');
$m->send("poweroff\n");
is($m->ended(60), 0, 'powers off');
done_testing;
