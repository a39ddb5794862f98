#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Machine checks, which QEMU's monitor makes: a corrected one is logged and comes to
# the control domain's /dev/mcelog; one that isn't ends everything, with what the
# hardware said on the console.

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;

plan skip_all => 'the messages are ours' if ($ENV{HV} // '') =~ /xen/;

# Valid, enabled, with address; not corrected, context corrupt
my ($valid, $uncorrected) = (0x9400000000000000, 0x2200000000000000);
my $m = Machine->boot(monitor => 1);

$m->dom0;
my $dmesg = $m->run('dmesg');
like($dmesg, qr/mcelog registered by Xen/, 'the control domain\'s kernel has asked for them');
unlike($dmesg, qr/Failed to get CPU|Unable to init MCE/, '... with success');

$m->monitor(sprintf('mce 1 3 0x%x 0 0x12345000 0', $valid));
$m->expect(qr/\(HV\) (CPU 1: machine check, corrected: bank 3, [^\n]*)\n/, 30);
like($m->text, qr/CPU 1: .* status 0x94[0-9a-f]+, address 0x12345000/, 'a corrected one is logged');
my $size = $m->run('i=0; while [ $i -lt 20 ]; do n=$(dd if=/dev/mcelog bs=4096 count=1 2>/dev/null | wc -c);'
	. ' [ $n -gt 0 ] && break; i=$((i+1)); sleep 0.5; done; echo "bytes $n"', 30);
like($size, qr/bytes [1-9]/, '... and comes to /dev/mcelog');
is($m->run('xl list | wc -l') + 0, 2, '... and everything goes on');

$m->monitor(sprintf('mce 0 2 0x%x 5 0xabc000 0', $valid | $uncorrected));
ok($m->seen_within(qr/CPU 0: machine check, not corrected: bank 2, .*machine check \(vector 18/s, 20),
	'one that isn\'t corrected is printed, and is the end');
done_testing;
