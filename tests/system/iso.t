#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# The bootable image, on BIOS and on UEFI, as a disk of a pc and of a q35.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

for my $f (['bios', 'pc'], ['uefi', 'q35']) {
	my ($firmware, $machine) = @$f;
	my $m = Machine->boot(log => Machine::log_name("$0-$firmware"),
		env => { ISO => $ENV{ISO_FILE}, FIRMWARE => $firmware, MACHINE => $machine });
	ok(eval { $m->dom0(180); 1 }, "the control domain is up by $firmware on $machine") or do {
		diag($@);
		next;
	};
	$m->run('dmesg -n 1');
	like(Guests::create($m, Guests::config($m, 'first')), qr/^Linux/, '... and a guest on it');
	$m->run('xl destroy first');
	$m->send("poweroff\n");
	is($m->ended(60), 0, '... powers off');
}
done_testing;
