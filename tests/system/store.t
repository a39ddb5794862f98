#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# The store under a running guest: replaced, then killed and started again. The
# guest's kernel and the control domain's, over their rings, notice neither.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

plan skip_all => 'the store of others' if $ENV{TOOLS} eq 'debian';
my $m = Machine->boot;
$m->dom0;
$m->run('dmesg -n 1');

sub pid {
	chomp(my $pid = $m->run('cat /run/xenstored.pid'));
	return $pid;
}

# A guest goes down when the store asks its kernel to.
sub goes_down {
	my ($name, $when) = @_;
	my (undef, $status) = $m->cmd("xl shutdown -w $name", 60);
	is($status, 0, "a guest shuts down $when");
}

Guests::create($m, Guests::config($m, 'updated'));
Guests::create($m, Guests::config($m, 'killed'));
my $old = pid();
my ($out, $status) = $m->cmd('xenstore control live-update', 30);
like($out, qr/^OK$/m, 'live update');
isnt(pid(), $old, '... by another process');
like($m->run('xenstore control check'), qr/^OK$/m, 'check');
goes_down('updated', 'after the update');
ok(Guests::gone($m, 'updated'), '... and is gone');

my $tree = $m->run('xenstore-ls -f /local/domain/$(xl domid killed)');
$old = pid();
$m->run("kill -9 $old; until [ \"\$(cat /run/xenstored.pid)\" != $old ] && xenstore-exists /; do " .
	'sleep 0.1; done');
isnt(pid(), $old, 'killed, it comes back by itself');
is($m->run('xenstore-ls -f /local/domain/$(xl domid killed)'), $tree,
	'... and the tree is the same');
like($m->run('xenstore control check'), qr/^OK$/m, 'check');
goes_down('killed', 'after the kill');
# xl and the console daemon have come back, too.
ok(Guests::gone($m, 'killed'), '... and xl, which has waited for that, removes it')
	or diag($m->run('cat /var/log/xen/xl-killed.log; ps | grep "[x]l create"'));
Guests::create($m, Guests::config($m, 'later'));
like($m->run('cat /var/log/xen/console/guest-later.log'), qr/\S/, 'a new guest has its console');
goes_down('later', 'with the new store');
$m->send("poweroff\n");
is($m->ended(60), 0, 'powers off');
done_testing;
