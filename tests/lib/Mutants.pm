# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Mutants: the faults of tests/fuzz/mutants that are to be found in the machine. Each has
# a hypervisor of its own (tests/system/build.mk).
#
#   for my $mutant (Mutants::with('Guest')) {   # whose patches have a line "Guest: ..."
#       my $m = $mutant->boot;                  # ends at a panic
#       print "$mutant->{name} $mutant->{Guest}\n";
#   }
#
# The environment's MUTANTS names some, instead of all.
package Mutants;

use strict;
use warnings;
use Machine;
use Fuzz;

my $top = $ENV{PAVISE_TOP} // '.';
our $out = ($ENV{BUILD} // 'build') . '/tests/fuzz/mutants/machine';

# Those whose patch has a line "KEY: VALUE", with all such lines of it.
sub with {
	my ($key) = @_;
	my %chosen = map { $_ => 1 } split ' ', $ENV{MUTANTS} // '';
	my @all;

	for my $patch (glob("$top/tests/fuzz/mutants/*.patch")) {
		my ($name) = $patch =~ m{([^/]+)\.patch$};
		open(my $in, '<', $patch) or die "$patch: $!\n";
		my %lines = map { /^([A-Z]\w+): *(.*)$/ } <$in>;
		push @all, bless { %lines, name => $name }
			if defined $lines{$key} && (!%chosen || $chosen{$name});
	}
	return @all;
}

# A machine on the hypervisor that has the fault, with what Fuzz::boot() prepares.
sub boot {
	my ($self) = @_;
	return Fuzz::boot({ HV => "$out/$self->{name}/pavise" },
		log => Machine::log_name("$0-$self->{name}"));
}

1;
