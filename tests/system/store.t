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

sub pid { return $m->run('cat /run/xenstored.pid'); }

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
$m->run('kill -9 $(cat /run/xenstored.pid); sleep 1; xenstored --pid-file /run/xenstored.pid');
is($m->run('xenstore-ls -f /local/domain/$(xl domid killed)'), $tree,
	'killed and started: the tree is the same');
like($m->run('xenstore control check'), qr/^OK$/m, 'check');
goes_down('killed', 'after the kill');
# Who waited for that, over the socket, was cut off with the old daemon.
$m->cmd('xl destroy killed', 30);
ok(Guests::gone($m, 'killed'), '... and can be removed');
$m->send("poweroff\n");
is($m->ended(60), 0, 'powers off');
done_testing;
