#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# A Debian 12 on a disk: comes up under systemd, has network, and what it writes
# is there after a reboot.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

# The test writes to a copy.
my $disk = "$ENV{IMAGES}/debian-test-$$.disk";
system('cp', '--sparse=always', "$ENV{IMAGES}/debian-6.1.img", $disk) == 0 or die "cp: $?\n";

END { unlink $disk if defined $disk }

my $m = Machine->boot(dom0 => '6.1', env => { DISK => $disk });
$m->dom0;
$m->run('dmesg -n 1; i=0; until [ -b /dev/vda ] || [ $i -gt 60 ]; do i=$((i+1)); sleep 1; done; ls -l /dev/vda', 90);

sub login {
	$m->expect(qr/debian login: /, 240);
	$m->send("root\n");
	$m->expect(qr/root\@debian:.*# /, 60);
	# No control sequences round what is printed.
	$m->send("exec env TERM=dumb bash\n");
	$m->expect(qr/bash\n.*root\@debian:.*# /s, 30);
}

sub network_works {
	my ($what) = @_;
	$m->send("for i in \$(seq 60); do ip route get 10.0.2.2 && break; sleep 1; done;"
		. " ping -c 1 -W 10 10.0.2.2; echo ping-\$?-\n");
	ok($m->seen_within(qr/ping-0-/, 90), $what);
}

$m->send("xl create -c /etc/xen/debian.cfg\n");
login();
pass('a login on the console');
$m->send("systemctl is-system-running --wait; echo state-\$((1+1))\n");
my ($state) = $m->expect(qr/\n(\w+)\nstate-2/, 180);
is($state, 'running', 'systemd is content') or do {
	$m->send("systemctl --failed --no-pager --plain\n");
	$m->expect(qr/loaded units listed.*# /s, 30);
	diag($m->{before});
};
network_works('the network works');
$m->send("echo kept >/root/kept; sync; reboot\n");
$m->expect(qr/reboot: Restarting system/, 90);
# Its console ends with it; the next one is another domain's.
$m->leave_console;
$m->run('i=0; until [ "$(xl domid debian 2>/dev/null)" -gt 1 ] || [ $i -ge 60 ]; do'
	. ' i=$((i+1)); sleep 1; done; xl domid debian', 90);
$m->run('xl network-list debian');
$m->send("xl console debian\n");
login();
$m->send("cat /root/kept; echo cat-\$?-\n");
ok($m->seen_within(qr/\nkept\ncat-0-/, 30), 'a reboot keeps what was written');
network_works('the network works after it');
$m->send("poweroff\n");
ok($m->seen_within(qr/reboot: (?:Power down|System halted)/, 90), 'it powers itself off');
$m->leave_console;
ok(Guests::gone($m, 'debian'), '... and is gone');
$m->send("poweroff\n");
is($m->ended(60), 0, 'the machine powers off');

done_testing;
