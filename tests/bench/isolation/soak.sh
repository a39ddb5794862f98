#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# soak.sh: whether faults are found, and then everything that looks for some by chance,
# for SOAK_SECONDS (3600), with new seeds in each round, from SOAK_SEED (the time) on, and
# on a hypervisor with other options in each. Ends after the step in which the time is
# over; stops at the first failure and says how to have it again.
set -euo pipefail
seconds=${SOAK_SECONDS:-3600}
first=${SOAK_SEED:-$EPOCHSECONDS}
end=$((EPOCHSECONDS + seconds))
make=${MAKE:-make}
part=$((seconds / 8 < 600 ? seconds / 8 : 600))
[ "$part" -ge 10 ] || part=10

# In turn: as most users have it; isolated page tables; all that processors may need.
options=('' 'xpti=yes' 'spec-ctrl=yes xpti=yes pv-l1tf=no')

run() { # ARGUMENTS of make
	[ "$EPOCHSECONDS" -lt "$end" ] || return 0
	echo "soak: make ${*@Q}"
	"$make" --no-print-directory "$@" || {
		echo "soak: FAILED in round $round: make ${*@Q}"
		exit 1
	}
}

round=0
run test-fuzz-mutants
run test-system SYSTEM_TESTS=tests/system/guest-mutants.t
for ((round = 1; EPOCHSECONDS < end; round++)); do
	seed=$((first + 1000 * round))
	hv_args=${options[(round - 1) % ${#options[@]}]}
	echo "soak: round $round, seed $seed, $((end - EPOCHSECONDS)) seconds left"
	run test-fuzzers FUZZ_SEED=$seed FUZZ_TEST_SECONDS=$((part / 8 + 5)) FUZZ_RUNS_MIN=0
	run test-system SYSTEM_TESTS=tests/system/fuzz.t FUZZ_SEED=$((seed * 2)) FUZZ_RUNS=3 \
		FUZZ_SECONDS=$((part / 6 + 5)) FUZZ_HYPERCALLS=0 HV_ARGS="$hv_args"
	run test-system SYSTEM_TESTS='tests/system/guests.t tests/system/stress.t' HV_ARGS="$hv_args"
	run test-unit-hypervisor
done
echo "soak: no failure in $((seconds + EPOCHSECONDS - end)) seconds, seeds $first to ${seed:-$first}"
