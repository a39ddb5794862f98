#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# The hypervisor's command line: what it doesn't know is named, what it doesn't
# understand is named with what is used instead, and all of it on the serial line that
# another option has set up.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;

plan skip_all => 'the messages are ours' if ($ENV{HV} // '') =~ /xen/;

# Two cores with two threads each.
my @threads = ('-smp', '4,sockets=1,cores=2,threads=2');
my $m = Machine->boot(args => \@threads, env => { HV_ARGS => 'frobnicate=3 maxcpus=many noreboot=perhaps sched=bvt '
	. 'guest_loglvl=loud conring_size=32k smap=sometimes no-real-mode dom0_max_vcpus=1' });
$m->dom0;
my ($log) = $m->cmd('xl dmesg');

like($log, qr/unknown option 'frobnicate'/, 'an unknown option is named');
like($log, qr/'maxcpus=many' is malformed, maxcpus=64 is used/, 'a number that is none');
like($log, qr/'noreboot=perhaps' is malformed, noreboot=no is used/, 'neither yes nor no');
like($log, qr/'sched=bvt' is malformed.*sched=credit/, 'a scheduler that isn\'t there');
like($log, qr/'guest_loglvl=loud' is malformed.*guest_loglvl=warning/, 'no such level');
like($log, qr/'smap=sometimes' is malformed.*smap=yes/, 'nor this');
like($log, qr/Protection: SMEP SMAP/, '... and SMAP is on');
unlike($log, qr/SMAP does not do/, '... and does what it should');
unlike($log, qr/real-mode.*(unknown|malformed)/, 'no-real-mode is accepted');
my ($cpus) = $m->cmd('grep -c ^processor /proc/cpuinfo');
is($cpus + 0, 1, 'dom0_max_vcpus=1 is in force');
like($m->run('xl info'), qr/^nr_cpus +: 4\n.*^threads_per_core +: 2\n/ms, 'all threads of all cores run');
$m->kill;

$m = Machine->boot(args => \@threads, env => { HV_ARGS => 'smt=no no-smap smep=hvm' });
$m->dom0;
like($m->run('xl info'), qr/^nr_cpus +: 2\n.*^cores_per_socket +: 2\n^threads_per_core +: 1\n/ms,
	'smt=no: one thread of each core');
like($m->run('xl dmesg'), qr/Protection: UMIP$/m, 'no-smap, smep=hvm: neither is on');
like($m->run('xl vcpu-list'), qr/^Domain-0 +0 +1 +\d /m, '... and the control domain has both');
done_testing;
