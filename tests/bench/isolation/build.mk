# SPDX-License-Identifier: MIT
# What tries isolation (docs/isolation.md), in three lengths.
#
# make test-isolation: the short form, part of `make test`: the fuzzers, all mutants and
# the system tests about it, one after the other. Says how long that took.
# make bench-isolation: that, how much of the hypervisor is executed, and all measures.
# BENCH_RUN=n only prints what the last runs have left.
# make soak: everything that looks for faults by chance, SOAK_SECONDS long (default
# 3600), with new seeds all the time; it stops at the first failure, with the seed.
ISOLATION_TESTS := $(patsubst %,tests/system/%.t,guests fuzz fuzz-mutants fair mitigations xpti)
ISOLATION_TIME  := $(BUILD)/isolation-seconds
BENCH_RUN       ?= y

.PHONY: test-isolation bench-isolation soak
test-isolation:
	+$(Q)$(MAKE) --no-print-directory all test-system-images fuzzers
	+$(Q)rm -f $(ISOLATION_TIME); start=$$(date +%s); \
	$(MAKE) --no-print-directory test-fuzz && \
	$(MAKE) --no-print-directory test-system SYSTEM_TESTS='$(ISOLATION_TESTS)' && \
	echo $$(($$(date +%s) - start)) >$(ISOLATION_TIME)
	@echo "  ISOLATION tried for $$(cat $(ISOLATION_TIME)) s"

bench-isolation:
ifeq ($(BENCH_RUN),y)
	+$(Q)$(MAKE) --no-print-directory test-isolation
	+$(Q)$(MAKE) --no-print-directory coverage COVERAGE_MIN=0
	+$(Q)$(MAKE) --no-print-directory coverage-machine
endif
	$(Q)tests/bench/isolation/measures.sh $(BUILD)

soak:
	+$(Q)MAKE="$(MAKE)" tests/bench/isolation/soak.sh
