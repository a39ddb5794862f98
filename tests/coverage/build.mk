# SPDX-License-Identifier: MIT
# make coverage: which lines of the hypervisor the host tests reach, unit tests and
# fuzzers together, by folder; file by file in build/cov/files, line by line in
# build/cov/lines. Packages: clang, llvm.
#
# All of it is made once more below build/cov, by clang with counters in place of the
# sanitizers, and run from there.
COVERAGE        := $(BUILD)/cov
COVERAGE_FLAGS  := -fprofile-instr-generate -fcoverage-mapping
COVERAGE_FUZZERS ?= $(FUZZ_HV_KINDS) $(FUZZ_MODELS)
COVERAGE_SECONDS ?= 15
export COVERAGE_MIN
COVERAGE_PROGS   = $(UNIT_HV_PROGS:$(BUILD)/%=$(COVERAGE)/%) \
                   $(foreach k,$(FUZZ_HV_KINDS),$(FUZZ_HV:$(BUILD)/%=$(COVERAGE)/%)/fuzz_$(k)) \
                   $(foreach k,$(FUZZ_MODELS),$(FUZZ_HV:$(BUILD)/%=$(COVERAGE)/%)/model_$(k))

.PHONY: coverage
coverage:
	$(Q)rm -rf $(COVERAGE)/prof
	@mkdir -p $(COVERAGE)/prof
	+$(Q)LLVM_PROFILE_FILE=$(abspath $(COVERAGE))/prof/%m-%p.profraw \
		$(MAKE) --no-print-directory BUILD=$(COVERAGE) CC=$(CLANG) \
		SAN_CFLAGS="-O1 $(COVERAGE_FLAGS)" FUZZ_EXTRA="$(COVERAGE_FLAGS)" \
		FUZZERS="$(COVERAGE_FUZZERS)" FUZZ_RUNS_MIN=0 FUZZ_TEST_SECONDS=$(COVERAGE_SECONDS) \
		test-unit-hypervisor test-fuzzers >$(COVERAGE)/log 2>&1 || { tail -n 40 $(COVERAGE)/log; exit 1; }
	$(Q)tests/coverage/report.sh $(COVERAGE) $(COVERAGE_PROGS)
