#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Each rule of docs/isolation.md is named by the code that keeps it and by what tries to
# break it, and no other is. A fault of tests/fuzz/mutants names the rule that it breaks
# (`Rule: R1`). usage: rules.pl DOCUMENT CODE... -- TEST... -- MUTANT...
#
# The document defines a rule as **R1**. Comments name one or several: "(R1)", "(R3, R4)",
# or "Tries R1, R2" in tests, over the ends of lines.

use strict;
use warnings;

my $rule = qr/[RFGEXS][1-9]\d?/;

# What the comments of a file name.
sub named {
	my ($file) = @_;
	open(my $in, '<', $file) or die "$file: $!\n";
	my $text = do { local $/; <$in> };
	$text =~ s{\n\s*(?:\*|#|//)[ \t]*}{ }g;
	my $list = qr/$rule(?:(?:,\s*|\s+and\s+)$rule)*/;
	my %found;
	for my $names (grep { defined } $text =~ /\(($list)\)|\b[Tt]ries\s+($list)/g) {
		$found{$_} = 1 for $names =~ /$rule/g;
	}
	return keys %found;
}

sub broken {
	my ($file) = @_;
	open(my $in, '<', $file) or die "$file: $!\n";
	return map { /^Rule: ($rule)$/ } <$in>;
}

my $document = shift;
open(my $in, '<', $document) or die "$document: $!\n";
my %rules = map { $_ => 1 } map { /^\|\s*\*\*($rule)\*\*/g } <$in>;
my %by = (code => {}, test => {}, mutant => {});
my @kinds = qw(code test mutant);
my $bad = 0;
for my $file (@ARGV) {
	if ($file eq '--') {
		shift @kinds;
		next;
	}
	my @names = $kinds[0] eq 'mutant' ? broken($file) : named($file);
	if (!@names && $kinds[0] eq 'mutant') {
		print "$file names no rule\n";
		$bad = 1;
	}
	for my $r (@names) {
		push @{ $by{ $kinds[0] }{$r} }, $file;
		next if $rules{$r};
		print "$file names $r, which is no rule of $document\n";
		$bad = 1;
	}
}
for my $r (sort keys %rules) {
	for my $k (qw(code test)) {
		next if $by{$k}{$r};
		print "rule $r: no $k names it\n";
		$bad = 1;
	}
	print "$r: @{ $by{test}{$r} // [] }; @{ $by{mutant}{$r} // [] }\n" if $ENV{VERBOSE};
}
printf "rules with a test / with a mutant / all rules: %d / %d / %d\n",
	scalar(grep { $by{test}{$_} } keys %rules), scalar(grep { $by{mutant}{$_} } keys %rules),
	scalar keys %rules;
exit $bad;
