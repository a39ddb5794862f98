#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# report.sh DIR PROGRAM...: of the profiles in DIR/prof, the share of the hypervisor's
# lines that were executed, by folder; DIR/files has it file by file, DIR/lines the
# count of each line. Fails if memory typing, grants or event channels have less than
# COVERAGE_MIN per cent (85).
set -euo pipefail
dir=$1
shift
objects=()
for program; do
	objects+=(-object "$program")
done

llvm-profdata merge -sparse "$dir"/prof/*.profraw -o "$dir/all.profdata"
llvm-cov export -summary-only -instr-profile="$dir/all.profdata" "${objects[@]:1}" >"$dir/summary.json"
llvm-cov show -instr-profile="$dir/all.profdata" "${objects[@]:1}" >"$dir/lines" 2>/dev/null

perl -MJSON::PP -e '
	local $/;
	my $top = $ENV{PWD} . "/";
	my %sum;
	for my $f (@{ decode_json(<STDIN>)->{data}[0]{files} }) {
		my $name = $f->{filename};
		$name =~ s{^\Q$top\E}{};
		$name =~ s{^.*/\.\./hypervisor/}{hypervisor/};
		next if $name !~ m{^hypervisor/(?!hosttest/)(.*)/[^/]*\.c$};
		my ($folder, $l) = ($1, $f->{summary}{lines});
		printf "%-44s %5d lines %5.1f %%\n", $name, $l->{count}, 100 * $l->{covered} / ($l->{count} || 1);
		$sum{$folder}[0] += $l->{count};
		$sum{$folder}[1] += $l->{covered};
	}
	for my $d (sort keys %sum) {
		printf "folder %-16s %5d lines %5.1f %%\n", $d, $sum{$d}[0], 100 * $sum{$d}[1] / $sum{$d}[0];
	}
' <"$dir/summary.json" >"$dir/files"

grep '^folder' "$dir/files" | tee "$dir/folders" | sed 's/^folder/  COVERED/'
awk -v min="${COVERAGE_MIN:-85}" '$2 ~ /^(mm|x86\/mm|grant|evtchn)$/ && $5 < min {
	print "  LOW     " $2 ": " $5 " %, " min " % asked"; bad = 1 } END { exit bad }' "$dir/folders"
