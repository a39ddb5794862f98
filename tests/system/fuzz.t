#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Guests of two processors each that issue random but well-shaped hypercalls
# (tests/guests/fuzz), two at a time. After each pair all counts and links are
# worked out anew, and nothing may be left. FUZZ_SEED is the first seed,
# FUZZ_RUNS how many pairs, FUZZ_SECONDS how long each.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

my $seed = $ENV{FUZZ_SEED} || 1;
my $runs = $ENV{FUZZ_RUNS} || 3;
my $seconds = $ENV{FUZZ_SECONDS} || 10;
my $m = Machine->boot(env => { INITRD => Guests::image_with_tests(),
	HV_ARGS => 'guest_loglvl=none' });

$m->dom0;
$m->run('dmesg -n 1');
$m->run("cat >/tmp/fuzz.sh <<'END'
# fuzz.sh SEED SECONDS: one guest, and what it says
printf 'name=\"fuzz%s\"\\nkernel=\"/guests/test-fuzz\"\\nmemory=32\\nvcpus=2\\n' \$1 >/tmp/fuzz\$1.cfg
printf 'on_crash=\"destroy\"\\nextra=\"seed=%s seconds=%s\"\\n' \$1 \$2 >>/tmp/fuzz\$1.cfg
xl create -p /tmp/fuzz\$1.cfg >/dev/null || exit
xl console fuzz\$1 </dev/null >/tmp/fuzz\$1.out &
sleep 0.3
xl unpause fuzz\$1
i=0
while xl domid fuzz\$1 >/dev/null 2>&1 && [ \$i -lt \$((\$2 * 5 + 60)) ]; do sleep 0.5; i=\$((i+1)); done
xl destroy fuzz\$1 >/dev/null 2>&1
wait
grep -a '^seed\\|^Test result\\|rror' /tmp/fuzz\$1.out
END");
# What tools and kernel keep is allocated by a first pair.
$m->run('sh /tmp/fuzz.sh 1000001 1 & sh /tmp/fuzz.sh 1000002 1; wait', 90);
my $before = $m->census;
my $calls = 0;

for my $n (0 .. $runs - 1) {
	my ($a, $b) = ($seed + 2 * $n, $seed + 2 * $n + 1);
	my $out = $m->run("sh /tmp/fuzz.sh $a $seconds & sh /tmp/fuzz.sh $b $seconds; wait",
		60 + 6 * $seconds);
	is(scalar(() = $out =~ /Test result: SUCCESS/g), 2, "seeds $a and $b: both ran to the end")
		or diag($out);
	$calls += $1 + $2 while $out =~ /: (\d+) \+ (\d+) operations/g;
	is($m->audit, '', '... and counts and links are right');
	is($m->census_diff($before, 2), '', '... and nothing is left');
}
diag("$calls hypercalls");
$m->send("poweroff\n");
is($m->ended(60), 0, 'powers off');
done_testing;
