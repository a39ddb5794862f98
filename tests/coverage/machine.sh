#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# machine.sh ELF DIR: of the serial lines in DIR/*.log, what a hypervisor that was built
# with COVERAGE=y has executed: by folder on the standard output and in DIR/folders, by
# file in DIR/files; DIR/missed has the lines that nobody has reached.
#
# Each basic block calls __sanitizer_cov_trace_pc: where these calls return to is all
# that could be executed, and the lines of these places are the lines that count.
set -euo pipefail
elf=$1 dir=$2

objdump -d --no-show-raw-insn "$elf" | awk '
	call { sub(":", "", $1); print $1; call = 0 }
	/call .*<__sanitizer_cov_trace_pc>$/ { call = 1 }' >"$dir/sites"
base=$(nm "$elf" | awk '$3 == "__image_start" { print $1 }')

# The address before the return is the call itself.
perl -e '
	use bigint; # addresses have 64 bits
	while (<STDIN>) { chomp; printf "0x%s\n", (Math::BigInt->from_hex($_) - 1)->to_hex }
' <"$dir/sites" | addr2line -e "$elf" >"$dir/places"
paste -d' ' "$dir/sites" "$dir/places" >"$dir/blocks"

perl -e '
	my ($base, $dir) = @ARGV;
	my $low = hex substr($base, 8);
	my (%hit, %line, %file, %folder);
	for my $log (glob "$dir/*.log") {
		open(my $f, "<", $log) or die "$log: $!\n";
		while (<$f>) {
			my ($at, $hi, $lo) = /Coverage: ([0-9a-f]{6}) ([0-9a-f]{8})([0-9a-f]{8})/ or next;
			my @mask = (hex $lo, hex $hi);
			for my $i (0 .. 63) {
				$hit{ $low + hex($at) + $i } = 1 if $mask[$i / 32] >> $i % 32 & 1;
			}
		}
	}
	die "no coverage in $dir/*.log\n" if !%hit;
	open(my $b, "<", "$dir/blocks") or die "$dir/blocks: $!\n";
	while (<$b>) {
		my ($at, $file, $nr) = m{^(\w+) \S*?(hypervisor/\S+?\.[chS]):(\d+)} or next;
		$line{$file}{$nr} |= $hit{ hex substr($at, 8) } // 0;
	}
	open(my $files, ">", "$dir/files") or die;
	open(my $missed, ">", "$dir/missed") or die;
	for my $f (sort keys %line) {
		my @all = sort { $a <=> $b } keys %{ $line{$f} };
		my @hit = grep { $line{$f}{$_} } @all;
		printf $files "%-44s %5d lines %5.1f %%\n", $f, scalar @all, 100 * @hit / @all;
		print $missed "$f:$_\n" for grep { !$line{$f}{$_} } @all;
		my ($d) = $f =~ m{^hypervisor/(.*)/[^/]*\.c$} or next;
		$folder{$d}[0] += @all;
		$folder{$d}[1] += @hit;
	}
	open(my $out, ">", "$dir/folders") or die;
	for my $d (sort keys %folder) {
		printf $out "folder %-16s %5d lines %5.1f %%\n", $d, $folder{$d}[0], 100 * $folder{$d}[1] / $folder{$d}[0];
	}
' "$base" "$dir"
sed 's/^folder/  COVERED/' "$dir/folders"
