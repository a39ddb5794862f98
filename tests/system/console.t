#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# The guests' consoles: what a guest prints before anybody looks is kept; a
# daemon that is killed and started again loses nothing; logs rotate; a full
# disk under a log stops nothing; one client at a time; clear words at the end.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;

my $m = Machine->boot;
my $consoled = 'xenconsoled --log=all --log-dir=/logs --log-size=8k --log-keep=3'
	. ' --pid-file=/run/xenconsoled.pid';

$m->dom0;
$m->run('dmesg -n 1; mkdir -p /logs; mount -t tmpfs -o size=512k logs /logs');
$m->run('kill $(cat /run/xenconsoled.pid); while pidof xenconsoled; do sleep 0.1; done');
$m->run($consoled);

like($m->run('cat /proc/$(cat /run/xenconsoled.pid)/status'), qr/CapEff:\s+0+\n.*Seccomp:\s+2\n/s,
	'the daemon has no capabilities and a filter of system calls');

my ($out, $status) = $m->cmd($consoled);
isnt($status, 0, 'a second daemon is refused');
like($out, qr/already running, as process \d+/, '... and told why');

($out, $status) = $m->cmd('xenconsole 77');
isnt($status, 0, 'no console of a domain that is not there');
like($out, qr/there is no domain 77/, '... and told why');

$m->run('xl create /etc/xen/demo.cfg', 60);
my ($id) = $m->run('xl domid demo') =~ /(\d+)/;
like($m->run('sleep 8; cat /logs/guest-demo.log', 40), qr/guest: init is up/,
	'the log has what the guest printed');

$m->send("xl console demo\n");
ok($m->seen_within(qr/guest: init is up.*$Machine::prompt/s, 20),
	'output from before the client came is kept for it');

# A second client, from the background of the same shell, is not possible; so
# leave, and hold the console by one in the background.
$m->leave_console;
$m->run("(sleep 3 | xenconsole $id >/dev/null) & sleep 1");
($out, $status) = $m->cmd("xenconsole $id </dev/null");
isnt($status, 0, 'a second client is refused');
like($out, qr/the console of domain $id is in use by process \d+/, '... and told by whom');
$m->run('killall xenconsole; sleep 1');

# The key leaves it whatever the input is.
($out, $status) = $m->cmd("printf '\\035' >/tmp/key; timeout 15 xenconsole $id </tmp/key >/dev/null");
is($status, 0, 'Ctrl-] from a file ends the client');

# A long run of numbered lines, and a daemon that dies in the middle of it.
my $lines = 4000;
$m->send("xl console demo\n");
$m->send("\n");
$m->expect($Machine::prompt, 20);
$m->send("sleep 4; i=0; while [ \$i -lt $lines ]; do echo line-\$i-; i=\$((i+1)); done; echo all-\$i\n");
$m->leave_console;
my $restart = 'kill -9 $(pidof xenconsoled); sleep 2; ' . $consoled;
$m->run("(sleep 6; $restart; : >/tmp/restarted) &");
$m->send("xl console demo\n");
ok($m->seen_within(qr/\nall-$lines\n/, 90), 'a client lives through a restart of the daemon');
$m->send("\n");
ok($m->seen_within($Machine::prompt, 10), '... and can still talk to the guest');
my %seen = map { $_ => 1 } $m->text =~ /line-(\d+)-/g;
is(scalar(grep { !$seen{$_} } 0 .. $lines - 1), 0, 'no line is missing');
$m->leave_console;
# It may have come late, after the last line.
$m->run('until [ -e /tmp/restarted ]; do sleep 0.1; done', 30);

$out = $m->run('cd /logs; ls -s guest-demo.log*; cat $(ls -r guest-demo.log*) | grep -c line-; cd');
like($out, qr/guest-demo\.log\.3/, 'the log rotates');
unlike($out, qr/guest-demo\.log\.4/, '... and keeps as many files as asked for');
like($m->run('ls -l /logs/hypervisor.log'), qr/hypervisor/, 'there is a log of the hypervisor');

# A full disk, under a log that makes no room by rotating.
$m->run('kill $(cat /run/xenconsoled.pid); while pidof xenconsoled; do sleep 0.1; done');
$m->run("$consoled --log-size=0");
$m->cmd('dd if=/dev/zero of=/logs/fill bs=1k count=600 2>/dev/null; df /logs');
$m->send("xl console demo\n");
$m->send("\n");
$m->expect($Machine::prompt, 20);
$m->send("i=0; while [ \$i -lt 2000 ]; do echo full-\$i-; i=\$((i+1)); done; echo still-\$i\n");
ok($m->seen_within(qr/\nstill-2000\n/, 60), 'with a full disk under the log the console goes on');
$m->leave_console;
$m->run('rm /logs/fill');
$m->send("xl console demo\n");
$m->send("echo after-\$((1+1))\n");
$m->expect(qr/after-2\n/, 20);
$m->leave_console;
like($m->run('grep "^.xenconsoled: [0-9]* bytes" /logs/guest-demo.log; true'),
	qr/^\[xenconsoled: \d+ bytes are missing here: No space left on device\]$/m,
	'... and the log says what it lacks');

# The end of the domain.
$m->send("xl console demo; echo client-\$?\n");
$m->send("\n");
$m->expect($Machine::prompt, 20);
$m->send("poweroff\n");
ok($m->seen_within(qr/client-0\n/, 60), 'the client ends when the domain does');
like($m->run('sleep 1; ls /run/xen/consoled; echo end'), qr/^(hypervisor\.index\n)?end$/,
	'nothing is left of the domain');
$m->send("poweroff -f\n");
done_testing;
