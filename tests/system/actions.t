#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# What follows the end of a guest: each action of xl.cfg(5) for power-off, reboot,
# crash and watchdog, by a small kernel (tests/guests/end) that ends for the reason
# it is told; then xl reboot and xl shutdown of a Linux guest.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

my %number = (poweroff => 0, reboot => 1, crash => 3, watchdog => 4);
my %letter = (poweroff => '-', reboot => 'r', crash => 'c', watchdog => 'w');
my $cores = '/var/lib/xen/dump';
my $m = Machine->boot(env => { INITRD => Guests::image_with_tests() });

$m->dom0;
$m->run('dmesg -n 1');

# The config file of a guest that lives so many seconds.
sub ends {
	my ($name, $reason, $action, $seconds) = @_;
	return Guests::config($m, $name, kernel => '"/guests/test-end"', ramdisk => undef, memory => 16,
		"on_$reason" => "\"$action\"", extra => "\"reason=$number{$reason} seconds=$seconds\"");
}

# Waits until a shell condition holds.
sub until_true {
	my ($condition, $seconds) = @_;
	my (undef, $status) = $m->cmd("i=0; until { $condition; }; do i=\$((i+1));"
		. " if [ \$i -gt $seconds ]; then i=never; break; fi; sleep 1; done; [ \$i != never ]", 3 * $seconds + 10);
	return !$status;
}

# The six letters of a domain's state.
sub state {
	my ($name) = @_;
	my ($state) = $m->cmd("xl list $name 2>/dev/null") =~ /([-rbpsd]{4}[-rscwS?][-d])\s+\d+\.\d+\s*$/m;
	return $state // 'none';
}

# What the tools allocate once and keep.
$m->run('xl create ' . ends('first', 'poweroff', 'destroy', 0));
ok(Guests::gone($m, 'first'), 'a first guest comes and goes');
my $before = $m->census;

sub nothing_left {
	is($m->census_diff($before, 1), '', '... and nothing is left');
}

for my $reason (qw(poweroff reboot crash watchdog)) {
	# One that stays shows how it ended.
	my $name = "keep-$reason";
	$m->run('xl create ' . ends($name, $reason, 'preserve', 0));
	ok(until_true("xl list $name | grep -q '[-]s$letter{$reason}'", 20), "on_$reason=preserve: it stays")
		or diag(state($name));
	$m->run("xl destroy $name");
	nothing_left();

	$name = "end-$reason";
	$m->run('xl create ' . ends($name, $reason, 'destroy', 0));
	ok(Guests::gone($m, $name), "on_$reason=destroy: it is gone");
	nothing_left();

	$name = "again-$reason";
	$m->run('xl create ' . ends($name, $reason, 'restart', 3));
	my $id = $m->run("xl domid $name") + 0;
	ok(until_true("[ \"\$(xl domid $name 2>/dev/null || echo 0)\" -gt $id ]", 30),
		"on_$reason=restart: there is a new one");
	ok(until_true("xl destroy $name 2>/dev/null", 10), '... which can be destroyed');
	ok(Guests::gone($m, $name), '... for good');
	nothing_left();
}

# The old one under another name, the new one under its own.
$m->run('xl create ' . ends('twin', 'crash', 'rename-restart', 4));
ok(until_true('xl list twin-1 2>/dev/null | grep -q "[-]sc"', 30),
	'on_crash=rename-restart: the crashed one is kept as twin-1');
ok(until_true('xl domid twin >/dev/null 2>&1', 10), '... and there is a new one');
my ($uuids) = $m->cmd("xl list -v | awk '\$1 ~ /^twin(-1)?\$/ { print \$7 }' | sort -u | wc -l");
is($uuids + 0, 2, '... of another UUID');
ok(until_true('xl destroy twin', 10), '... the new one can be destroyed');
$m->cmd('for d in twin twin-1 twin-2; do xl destroy $d; done 2>/dev/null');
ok(Guests::gone($m, $_), "$_ is gone") for qw(twin twin-1);
nothing_left();

# Core files, of the guest's memory.
for my $after (qw(destroy restart)) {
	my $name = "core-$after";
	$m->run("rm -rf $cores; xl create " . ends($name, 'crash', "coredump-$after", 3));
	my $id = $m->run("xl domid $name") + 0;
	ok(until_true("ls $cores/*-$name.$id.core >/dev/null 2>&1", 30), "on_crash=coredump-$after: a core file")
		or diag(scalar $m->cmd("cat /var/log/xen/xl-$name.log"));
	if ($after eq 'destroy') {
		ok(Guests::gone($m, $name), '... the domain is gone');
	} else {
		ok(until_true("[ \"\$(xl domid $name 2>/dev/null || echo 0)\" -gt $id ]", 30), '... there is a new one');
		ok(until_true("xl destroy $name 2>/dev/null", 10), '... which can be destroyed');
		ok(Guests::gone($m, $name), '... for good');
	}
	my $core = $m->run("f=\$(ls $cores/*-$name.$id.core); head -c 4 \$f | tr -c A-Z .; wc -c <\$f");
	like($core, qr/^\.ELF/, '... it is an ELF file');
	cmp_ok(($core =~ /(\d+)\s*$/)[0], '>', 16 << 20, '... with all of its memory');
	$m->run("rm -rf $cores");
	nothing_left();
}

# An unknown action is an error in the config file.
my ($out, $status) = $m->cmd('xl create ' . ends('odd', 'crash', 'explode', 0) . ' 2>&1');
isnt($status, 0, 'an unknown action is refused');
like($out, qr{/tmp/odd\.cfg:\d+:\d+: .*explode}, '... by file, line and column');

# The guest is asked, and follows.
Guests::create($m, Guests::config($m, 'linux'));
my $id = $m->run('xl domid linux');
$m->run('xl reboot linux', 60);
ok(Guests::reborn($m, 'linux', $id), 'xl reboot: the guest is a new one');
$id = $m->run('xl domid linux');
like($m->run('xl reboot -w linux', 90), qr/^Rebooting domain \d+\nWaiting for 1 domains\nDomain \d+ has been shut down, reason code 1$/m,
	'xl reboot -w tells when it is down');
ok(Guests::reborn($m, 'linux', $id), '... and the guest is a new one');
like($m->run('xl shutdown -a -w', 90), qr/^Shutting down domain \d+\n.*reason code 0$/ms,
	'xl shutdown -a -w ends it');
ok(Guests::gone($m, 'linux'), '... and it is gone');
is($m->census_diff($before, 16), '', '... and nothing is left');
$m->send("poweroff\n");
is($m->ended(60), 0, 'powers off');
done_testing;
