#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# The measures against leaks by speculation, which no emulator needs and so nothing else
# executes: all of them on, under a control domain and a guest with two processors each,
# and a part of the small kernels of tests/guests; then what the options that choose
# among them lead to. Each line of @boots is a boot with these options, and what it has
# to say in `xl dmesg`.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

plan skip_all => 'the messages are ours' if ($ENV{HV} // '') =~ /xen/;

# On entry and exit, through traps, system calls and switches of all kinds
my @guests = qw(undisturbed traps user-mode bad-iret debug-storm registers-of-others grants);
my @boots = (
	{ options => 'spec-ctrl=yes pv-l1tf=no xpti=yes', full => 1,
		says => [qr/isolated \(XPTI\) for all domains/,
			qr/indirect branches by retpoline; on entry.* RSB.*; on exit VERW/] },
	{ options => 'spec-ctrl=no xpti=no',
		says => [qr/indirect branches by jmp; on entry nothing; on exit nothing; between domains nothing/],
		silent => [qr/L1TF checks/] },
	# What is malformed is left out; the rest holds.
	{ options => 'spec-ctrl=no-verw,rsb,bti-thunk=lfence spec-ctrl=yes,frobnicate '
			. 'pv-l1tf=perhaps xpti=dom0=yes,domu=no xpti=domu=maybe',
		says => [qr/'spec-ctrl=yes,frobnicate' is malformed and left out/,
			qr/'pv-l1tf=perhaps' is malformed and left out/,
			qr/'xpti=domu=maybe' is malformed and left out/,
			qr/isolated \(XPTI\) for the control domain/,
			qr/indirect branches by lfence; on entry.* RSB.*; on exit nothing/],
		silent => [qr/L1TF checks/] },
);

sub guests {
	my ($m) = @_;
	my $file = Guests::config($m, 'two', vcpus => 2);

	like(Guests::create($m, $file), qr/, 2 CPU/, 'a guest with two processors comes up');
	$m->run('xl shutdown -w two', 60);
	$m->cmd('sh /guests/run-in-dom0.sh /guests version', 90);
	for my $name (@guests) {
		my ($text) = $m->cmd("sh /guests/run-in-dom0.sh /guests $name", 120);
		like($text, qr/^ok \d+ /m, $name) or diag($text);
	}
}

for my $b (@boots) {
	my $m = Machine->boot(env => { HV_ARGS => $b->{options}, SMP => 2,
		INITRD => $b->{full} ? Guests::image_with_tests() : $ENV{INITRD} });

	$m->dom0;
	$m->run('dmesg -n 1');
	my ($log) = $m->cmd('xl dmesg');
	note($_) for $log =~ /^.*(Speculation: .*)$/mg;
	like($log, $_, "$b->{options}: as printed") for @{ $b->{says} };
	unlike($log, $_, "$b->{options}: not printed") for @{ $b->{silent} // [] };
	guests($m) if $b->{full};
	is($m->audit, '', 'counts and links are right') if $b->{full};
	$m->send("poweroff\n");
	is($m->ended(60), 0, "$b->{options}: powers off");
}
done_testing;
