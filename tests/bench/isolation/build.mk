# SPDX-License-Identifier: MIT
# make bench-isolation: all measures of docs/isolation.md. BENCH_RUN=n only prints
# what the last runs have left.
# make soak: everything that looks for faults by chance, SOAK_SECONDS long (default
# 3600), with new seeds all the time; it stops at the first failure, with the seed.
BENCH           := $(BUILD)/bench
BENCH_RUN       ?= y
BENCH_TESTS     := guests fuzz fuzz-mutants

.PHONY: bench-isolation soak
bench-isolation:
	@mkdir -p $(BENCH)
ifeq ($(BENCH_RUN),y)
	+$(Q)$(MAKE) --no-print-directory test-fuzz
	+$(Q)$(MAKE) --no-print-directory coverage COVERAGE_MIN=0
	+$(Q)$(MAKE) --no-print-directory all test-system-images
	+$(Q)for t in $(BENCH_TESTS); do $(RUN_ENV) perl tests/system/$$t.t >$(BENCH)/$$t.tap || exit 1; done
endif
	$(Q)tests/bench/isolation/measures.sh $(BUILD)

soak:
	+$(Q)MAKE="$(MAKE)" tests/bench/isolation/soak.sh
