#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Isolated page tables (xpti=). The machine is stopped while a guest spins, and QEMU's
# monitor says what the page tables in use then map: for a guest that is isolated, of the
# hypervisor's slots just the way in; for the control domain, which here isn't, all. Then
# NMIs, which come at any instruction of the ways in and out, while guests that use
# these ways in all manners do what they do; and a Linux on two processors. (X7)

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use POSIX ();
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

plan skip_all => 'the messages are ours' if ($ENV{HV} // '') =~ /xen/;

my $m = Machine->boot(monitor => 1, env => { INITRD => Guests::image_with_tests(), SMP => 2,
	HV_ARGS => 'xpti=yes,no-dom0 guest_loglvl=none' });

$m->dom0;
like($m->text, qr/\(HV\) Speculation: page tables isolated \(XPTI\) for guests\n/, 'the log says it');
$m->run('dmesg -n 1; xl vcpu-pin 0 all 0');
my $file = Guests::config($m, 'linux', vcpus => 2, cpus => '"1"');
like(Guests::create($m, $file), qr/, 2 CPU/, 'a Linux on two vCPUs comes up');
Guests::console($m, 'linux');
$m->send("(while :; do :; done) & (while :; do :; done) & echo busy-\$((1+1))\n");
$m->expect(qr/busy-2\n/, 30);
$m->leave_console;

# What is mapped from 0xffff800000000000 to 0xffff87ffffffffff in CPU @cpu's tables while it
# is in ring 3: a list of [start, length, rights].
sub mapped {
	my ($cpu) = @_;

	for (1 .. 200) {
		$m->monitor('stop', "cpu $cpu");
		my $registers = $m->monitor("cpu $cpu", 'info registers');
		my $mem = $registers =~ /CPL=3/ ? $m->monitor("cpu $cpu", 'info mem') : '';
		$m->monitor('cont');
		if ($mem) {
			return map { [hex($_->[0]), hex($_->[1]), $_->[2]] }
				map { /^(?:ffff)?(8[0-7]\w{10})-(?:ffff)?\w+ (\w+) (\S+)/ ? [$1, $2, $3] : () }
				split /\n/, $mem;
		}
		select(undef, undef, undef, 0.05);
	}
	return ();
}

my $direct = 0x830000000000;
my $m2p_end = 0x808000000000;

sub total {
	my $sum = 0;
	$sum += $_->[1] for @_;
	return $sum;
}

$m->run('(while :; do :; done) & echo $! >/tmp/busy');
my @own = grep { $_->[0] >= $direct } mapped(0);
cmp_ok(total(@own), '>', 1 << 30, 'the control domain runs with all of the direct map');
$m->run('kill $(cat /tmp/busy)');

my @guest = mapped(1);
note(sprintf('%012x %6d KiB %s', $_->[0], $_->[1] >> 10, $_->[2])) for @guest;
is(total(grep { $_->[0] >= $direct } @guest), 0, 'a guest with nothing of it');
my @rest = grep { $_->[0] >= $m2p_end } @guest;
ok(@rest && total(@rest) <= 48 * 4096, '... and of the hypervisor with the way in only');
is(scalar(grep { $_->[2] !~ /^-r/ } @rest), 0, '... none of it for user mode');

# Sends NMIs to all CPUs, by a process of its own, until it is told to stop; returns how
# many.
sub nmis_while {
	my ($do) = @_;
	pipe(my $from, my $to) or die "pipe: $!\n";
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		my ($n, $end) = (0, 0);
		$SIG{TERM} = sub { $end = 1 };
		while (!$end) {
			$m->monitor(('nmi') x 20);
			$n += 20;
			select(undef, undef, undef, 0.02);
		}
		syswrite($to, "$n\n");
		POSIX::_exit(0);
	}
	$do->();
	kill 'TERM', $pid;
	my $n = readline($from);
	waitpid($pid, 0);
	return $n;
}

# Guests that come and go by exceptions, bad returns, single steps, calls from user mode.
my $nmis = nmis_while(sub {
	for my $name (qw(bad-iret debug-registers debug-storm noncanonical page-tables pt-races
			root-races stale-types traps user-mode)) {
		my ($text) = $m->cmd("sh /guests/run-in-dom0.sh /guests $name", 90);
		like($text, qr/^ok \d+ /m, $name) or diag($text);
	}
});
cmp_ok($nmis, '>', 1000, "... while $nmis NMIs came");
Guests::console($m, 'linux');
$m->leave_console;
$m->run('xl destroy linux');
ok(Guests::gone($m, 'linux'), 'the Linux guest was there all the while');
is($m->audit, '', 'counts and links of the hypervisor are right');
$m->send("poweroff\n");
is($m->ended(60), 0, 'powers off');
done_testing;
