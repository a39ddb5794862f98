#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# The machine's fuzzer (fuzz.t) finds again what a patch tests/fuzz/mutants/machine-*
# puts back. Each has a hypervisor of its own (build.mk), in which one pair of random
# guests calls for as many seconds as the patch's budget says. A fault is found by a
# panic, an audit that differs, a guest that fails or a third one that is disturbed: once
# the control domain is up, the third guest at work and the pair has begun. All before
# that has to go as it does with the sound hypervisor.
#
# MUTANTS names some, instead of all; FUZZ_SEED is the first seed.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Fuzz;
use Mutants;
use Time::HiRes qw(time);

plan skip_all => 'the faults are put back in ours' if ($ENV{HV} // '') =~ /xen/;

my $seed = $ENV{FUZZ_SEED} || 1;

# The first failures of the third guest and of the two.
sub failures {
	my ($said) = @_;
	my @all = $said =~ /^((?:witness|fuzz\d+): (?:Failure|.*rror).*)$/mg;
	my @some = grep { defined } (grep { /^w/ } @all)[0], (grep { /^f/ } @all)[0];
	return @some ? @some : 'not all guests have run to the end';
}

# What a pair of guests finds: lines to be shown. None: nothing.
sub found {
	my ($m, $seconds) = @_;
	my $said = eval { Fuzz::pair($m, $seed, $seed + 1, $seconds) };
	my $why = $@;
	my ($before, $after) = split $Fuzz::begins, $m->text, 2;

	die "the guests have not begun\n$why" if !defined $after;
	die "something was wrong before they began\n"
		if $before =~ /$Fuzz::panic|\(HV\) Audit: (?!.*no difference\n)/;
	my $audit = defined $said ? eval { $m->audit } : undef;
	return "a panic: $1" if $m->text =~ $Fuzz::panic;
	die $why || $@ if !defined $audit;

	my $good = () = $said =~ /^\w+: Test result: SUCCESS/mg;
	my @lines = split /\n/, $audit;
	return ($good == 3 ? () : failures($said), grep { defined } @lines[0, 1]);
}

my ($tried, $killed) = (0, 0);
for my $mutant (grep { $_->{Fuzzer} eq 'machine' } Mutants::with('Fuzzer')) {
	my $start = time;
	my $m = $mutant->boot;
	my @what = eval { found($m, $mutant->{Budget}) };
	diag($@) if $@;
	$tried++;
	$killed += @what > 0;
	ok(@what > 0, sprintf '%s is found (%.0f s)', $mutant->{name}, time - $start);
	note($_) for @what;
}
cmp_ok($tried, '>', 0, 'there are faults to find');
open(my $summary, '>', "$Mutants::out/summary") or die "$Mutants::out/summary: $!\n";
print $summary "$killed $tried\n";
done_testing;
