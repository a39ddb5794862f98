#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# The TSC is measured with the PIT, whose ticks are 838 ns: also where several looks at it
# come within one, here because a nanosecond goes by with each instruction. What the
# TSC's speed is, is known then: 1 GHz.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;

plan skip_all => 'the messages are ours' if ($ENV{HV} // '') =~ /xen/;

my $m = Machine->boot(env => { ACCEL => 'tcg,thread=single' }, args => ['-icount', 'shift=0,sleep=off']);
my ($mhz) = $m->expect(qr/\(HV\) TSC at ([\d.]+) MHz/, 60);
cmp_ok(abs($mhz - 1000), '<', 0.5, "the TSC runs at 1000 MHz ($mhz measured)");
done_testing;
