#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Guests of two processors each that issue random but well-shaped hypercalls
# (tests/guests/fuzz), two at a time, on themselves and on a third one, which notices
# whatever happens to it (tests/guests/undisturbed). After each pair all counts and
# links are worked out anew, and nothing may be left. What goes wrong ends the test,
# with the pair's seeds.
#
# FUZZ_SEED is the first seed, FUZZ_RUNS how many pairs, FUZZ_SECONDS how long each;
# further pairs run until there were FUZZ_HYPERCALLS (2 million).
#
# That it finds what it is to find is fuzz-mutants.t's to show.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Fuzz;

my $seed = $ENV{FUZZ_SEED} || 1;
my $runs = $ENV{FUZZ_RUNS} || 3;
my $seconds = $ENV{FUZZ_SECONDS} || 10;
my $enough = $ENV{FUZZ_HYPERCALLS} // 2_000_000;
my $m = Fuzz::boot({});

# What tools and kernel keep is allocated by a first pair.
Fuzz::pair($m, 1000001, 1000002, 1);
my $before = $m->census;
my $calls = 0;

sub stop_unless {
	my ($ok, $seeds, @why) = @_;
	return if $ok;
	diag(@why);
	BAIL_OUT("seeds $seeds: again with FUZZ_SEED=" . ($seeds =~ s/ .*//r) . ' FUZZ_RUNS=1');
}

for (my $n = 0; $n < $runs || ($calls < $enough && $n < 50); $n++) {
	my ($a, $b) = ($seed + 2 * $n, $seed + 2 * $n + 1);
	my $seeds = "$a and $b";
	my $out = eval { Fuzz::pair($m, $a, $b, $seconds) };
	stop_unless(defined $out, $seeds, $@);
	my $good = () = $out =~ /^fuzz\d+: Test result: SUCCESS/mg;
	stop_unless(is($good, 2, "seeds $seeds: both ran to the end"), $seeds, $out);
	stop_unless(like($out, qr/^witness: Test result: SUCCESS/m, '... and the third is undisturbed'),
		$seeds, $out);
	$calls += $1 while $out =~ / (\d+) hypercalls/g;
	note($1) if $out =~ /^witness: (undisturbed.*)/m;
	stop_unless(is($m->audit, '', '... and counts and links are right'), $seeds);
	stop_unless(is($m->census_diff($before, 2), '', '... and nothing is left'), $seeds);
}
cmp_ok($calls, '>=', $enough, "hypercalls in the machine: $calls");
$m->send("poweroff\n");
is($m->ended(60), 0, 'powers off');
done_testing;
