#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# The small PV kernels of tests/guests, each as a guest; TESTS="a b" chooses. What
# they print is in the log. The same ones pass on Debian's Xen 4.17
# (make test-guests-peer).

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

my $m = Machine->boot(env => { INITRD => Guests::image_with_tests() });
$m->dom0;
$m->run('dmesg -n 1');

my @names = split ' ', $ENV{TESTS} // '';
@names = sort split ' ', $m->run('cd /guests; for i in test-*.cfg; do i=${i#test-}; echo ${i%.cfg}; done')
	if !@names;
# The first guest lets tools and kernel allocate what they keep.
$m->cmd('sh /guests/run-in-dom0.sh /guests version', 90);
for my $name (@names) {
	my ($text) = $m->cmd("sh /guests/run-in-dom0.sh /guests $name", 120);
	my ($result) = $text =~ /^((?:not )?ok \d+ .*)$/m;
	ok(($result // '') =~ /^ok /, $name) or diag($text);
}
is($m->audit, '', 'counts and links of the hypervisor are right');
$m->send("poweroff\n");
is($m->ended(60), 0, 'powers off');
done_testing;
