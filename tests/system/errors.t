#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Bad input: an error, xl's exit status, and nothing left behind: no frame,
# domain, port or store node.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

# With tools of ours the message names the cause in one line; Debian's are
# wordier and differ.
my $ours = $ENV{TOOLS} ne 'debian';
my $m = Machine->boot;
$m->dom0;
$m->run('dmesg -n 1');

Guests::create($m, Guests::config($m, 'first'));
$m->run('xl destroy first');
ok(Guests::gone($m, 'first'), 'a first guest comes and goes');

my $before;

# Runs a command that has to fail; the pattern is for what our tools say.
sub refused {
	my ($what, $command, $re) = @_;
	my ($out, $status) = $m->cmd("($command) 2>&1", 60);
	isnt($status, 0, "$what: fails") or diag($out);
	isnt($out, '', '... and says something');
	if ($ours) {
		like($out, $re, '... which names the cause');
		my @lines = grep { /\S/ && !/^Parsing config from / } split /\n/, $out;
		is(scalar(@lines), 1, '... in one line') or diag($out);
	}
	is($m->census_diff($before), '', '... and nothing is left');
}

sub create {
	my ($name, %keys) = @_;
	return 'xl create ' . Guests::config($m, $name, %keys);
}

$m->run('head -c 1000000 /boot/vmlinuz-guest >/tmp/truncated; head -c 100000 /dev/zero >/tmp/zeros; '
	. 'head -c 100000 /boot/initrd-guest >/tmp/cut-ramdisk; '
	. 'cd /tmp; echo zeros | cpio -o -H newc >/tmp/empty-ramdisk 2>/dev/null; cd /');
$m->run('cp /bin/busybox /tmp/not-a-kernel');
$m->run('mkdir -p /tmp/dir; printf "name = \"x\"\nmemory = = 3\n" >/tmp/syntax.cfg');
$before = $m->census;

refused('a kernel that is missing', create('nokernel', kernel => '"/boot/none"'),
	qr{/boot/none.*No such file}i);
refused('a kernel that is cut short', create('cut', kernel => '"/tmp/truncated"'),
	qr{/tmp/truncated}i);
refused('a kernel that is zeros', create('zeros', kernel => '"/tmp/zeros"'), qr{/tmp/zeros}i);
refused('a program that is no PV kernel', create('nopv', kernel => '"/tmp/not-a-kernel"'),
	qr{/tmp/not-a-kernel}i);
refused('a ramdisk that is missing', create('noramdisk', ramdisk => '"/boot/none"'),
	qr{/boot/none.*No such file}i);
refused('a ramdisk that is cut short', create('cutrd', ramdisk => '"/tmp/cut-ramdisk"'),
	qr{/tmp/cut-ramdisk}i) if $ours;
refused('a config file that is missing', 'xl create /tmp/none.cfg', qr{/tmp/none\.cfg.*No such file}i);
refused('a syntax error', 'xl create /tmp/syntax.cfg', qr{/tmp/syntax\.cfg:2:\d+});
refused('more memory than there is', create('big', memory => 100000), qr{memory}i);
refused('a domain that does not exist', 'xl destroy nobody', qr{nobody}i);
refused('... by number', 'xl destroy 77', qr{77});
refused('... and its console', 'xl console nobody </dev/null', qr{nobody}i);
refused('a command that does not exist', 'xl frobnicate', qr{frobnicate}i);
refused('a command without its argument', 'xl destroy 2>&1 | head -n 1; false', qr{argument});

# A name that is taken.
Guests::create($m, Guests::config($m, 'twin'));
$before = $m->census;
refused('a name that is taken', create('twin'), qr{twin}i);
$m->run('xl destroy twin');

# A ramdisk without an init: the guest's kernel panics, the system is as before.
ok(Guests::gone($m, 'twin'), 'the guest is destroyed');
$before = $m->census;
$m->run(create('noroot', ramdisk => '"/tmp/empty-ramdisk"', extra => '"console=hvc0 quiet panic=1"',
		on_reboot => '"destroy"', on_crash => '"destroy"'), 60);
ok(Guests::gone($m, 'noroot', 60), 'a guest with a useless ramdisk panics and is destroyed');
is($m->census_diff($before), '', '... and nothing is left');

# After all that things still work.
like(Guests::create($m, Guests::config($m, 'last')), qr/^Linux/, 'a guest can be created as before');
$m->send("poweroff\n");
is($m->ended(60), 0, 'the machine powers off');
done_testing;
