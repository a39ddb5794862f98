#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# measures.sh BUILD: the measures of docs/isolation.md, from what the last runs have
# left below BUILD. `make bench-isolation` runs them first.
set -euo pipefail
build=$1
missing='not measured'

line() { # NAME VALUE
	printf '%-38s %s\n' "$1" "$2"
}

line 'rules with a test, with a mutant' "$("${MAKE:-make}" -s --no-print-directory check-rules |
	sed -n 's/^rules .*: \(.*\) \/ \(.*\) \/ /\1 and \2 of /p')"

line 'seconds of make test-isolation' "$(cat "$build/isolation-seconds" 2>/dev/null || echo "$missing")"

guests=$build/tap/tests/system/guests.t
if [ -s "$guests" ]; then
	awk '/^(not )?ok [0-9]+ - [a-z0-9-]+$/ { n++ } /^ok [0-9]+ - [a-z0-9-]+$/ { ok++ }
		END { print ok + 0 " of " n + 0 }' "$guests" | { read -r v && line 'test guests passed' "$v"; }
else
	line 'test guests passed' "$missing"
fi

if ls "$build"/tests/fuzz/mutants/*/summary >/dev/null 2>&1; then
	line 'mutants found' "$(cat "$build"/tests/fuzz/mutants/*/summary |
		awk '{ k += $1; n += $2 } END { print k " of " n }')"
else
	line 'mutants found' "$missing"
fi

by_guest=$build/tap/tests/system/guest-mutants.t
if [ -s "$by_guest" ]; then
	line 'mutants found by test guests' "$(awk '/ is found by / { n++; k += /^ok/ }
		END { print k + 0 " of " n + 0 }' "$by_guest")"
else
	line 'mutants found by test guests' "$missing"
fi

if [ -s "$build/tests/fuzz/short/summary" ]; then
	line 'inputs of fuzzers on the host' "$(awk '$1 == "all" { print $2 ", " $4 " a second and processor" }' \
		"$build/tests/fuzz/short/summary")"
	sed '/^all /d; s/^/    /' "$build/tests/fuzz/short/summary"
else
	line 'inputs of fuzzers on the host' "$missing"
fi

fuzz=$build/tap/tests/system/fuzz.t
if [ -s "$fuzz" ]; then
	line 'random hypercalls in the machine' "$(sed -n 's/^ok .*hypercalls in the machine: //p' "$fuzz")"
	sed -n 's/^# \(undisturbed: .*\)/    third guest \1/p' "$fuzz"
else
	line 'random hypercalls in the machine' "$missing"
fi

# Without comments and empty lines.
code() {
	local f
	for f; do
		cpp -fpreprocessed -dD -P "$f" 2>/dev/null || cat "$f"
	done | grep -c '[^[:space:]]'
}
mapfile -t all < <(git ls-files 'hypervisor/*.[chS]' | grep -v '^hypervisor/hosttest/')
line 'lines of the hypervisor, without comments' "$(code "${all[@]}")"
for d in $(printf '%s\n' "${all[@]}" | xargs -n1 dirname | sort -u); do
	mapfile -t files < <(printf '%s\n' "${all[@]}" | grep "^$d/[^/]*$")
	printf '    %-30s %6d\n' "${d#hypervisor/}" "$(code "${files[@]}")"
done

if [ -s "$build/cov/folders" ]; then
	line 'lines that the host tests execute' ''
	sed 's/^folder/   /' "$build/cov/folders"
else
	line 'lines that the host tests execute' "$missing"
fi
if [ -s "$build/gcov/folders" ]; then
	line 'lines that the machine executes' ''
	sed 's/^folder/   /' "$build/gcov/folders"
else
	line 'lines that the machine executes' "$missing"
fi
