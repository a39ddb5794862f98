#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# The test guests (guests.t) fail where they are to fail: each patch of
# tests/fuzz/mutants with a line "Guest: NAME" puts a fault back into a hypervisor of its
# own (build.mk), on which that guest has to fail, or to be the end of the hypervisor; one
# that tries nothing passes first. A part of `make soak`, not of `make test`.
#
# MUTANTS names some, instead of all.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Fuzz;
use Mutants;

plan skip_all => 'the faults are put back in ours' if ($ENV{HV} // '') =~ /xen/;

# What comes of the guest: "ok ..." or "not ok ...", a panic, or nothing any more.
sub result {
	my ($m, $name) = @_;
	my ($text) = eval { $m->cmd("sh /guests/run-in-dom0.sh /guests $name", 60) };

	return "a panic: $1" if $m->text =~ $Fuzz::panic;
	return 'the machine does not answer any more' if !defined $text;
	return $text =~ /^((?:not )?ok .*)$/m ? $1 : die "no result of $name\n$text\n";
}

my @mutants = Mutants::with('Guest');
cmp_ok(scalar(@mutants), '>', 0, 'there are faults to find');
for my $mutant (@mutants) {
	my $m = $mutant->boot;
	my $before = result($m, 'version');
	my $found = $before =~ /^ok / ? result($m, $mutant->{Guest}) : "ok: not tried: $before";

	unlike($found, qr/^ok\b/, "$mutant->{name} is found by $mutant->{Guest}");
	note($found);
}
done_testing;
