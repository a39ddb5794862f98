# SPDX-License-Identifier: MIT
# make coverage: which lines of the hypervisor the host tests reach, unit tests and
# fuzzers together, by folder; file by file in build/cov/files, line by line in
# build/cov/lines. Packages: clang, llvm.
#
# All of it is made once more below build/cov, by clang with counters in place of the
# sanitizers, and run from there.
COV             := $(BUILD)/cov
COVERAGE_FLAGS  := -fprofile-instr-generate -fcoverage-mapping
COVERAGE_FUZZERS ?= $(FUZZ_HV_KINDS) $(FUZZ_MODELS)
COVERAGE_SECONDS ?= 15
export COVERAGE_MIN
# test_preempt has counters of its own in it.
COVERAGE_PROGS   = $(patsubst $(BUILD)/%,$(COV)/%,$(filter-out %/test_preempt,$(UNIT_HV_PROGS))) \
                   $(foreach k,$(FUZZ_HV_KINDS),$(FUZZ_HV:$(BUILD)/%=$(COV)/%)/fuzz_$(k)) \
                   $(foreach k,$(FUZZ_MODELS),$(FUZZ_HV:$(BUILD)/%=$(COV)/%)/model_$(k))

.PHONY: coverage
coverage:
	$(Q)rm -rf $(COV)/prof
	@mkdir -p $(COV)/prof
	+$(Q)LLVM_PROFILE_FILE=$(abspath $(COV))/prof/%m-%p.profraw \
		$(MAKE) --no-print-directory BUILD=$(COV) CC=$(CLANG) PATH_FLAGS= \
		SAN_CFLAGS="-O1 $(COVERAGE_FLAGS)" FUZZ_EXTRA="$(COVERAGE_FLAGS)" \
		FUZZERS="$(COVERAGE_FUZZERS)" FUZZ_RUNS_MIN=0 FUZZ_TEST_SECONDS=$(COVERAGE_SECONDS) \
		test-unit-hypervisor test-fuzzers >$(COV)/log 2>&1 || { tail -n 40 $(COV)/log; exit 1; }
	$(Q)tests/coverage/report.sh $(COV) $(COVERAGE_PROGS)

# make coverage-machine: the same of what runs in the machine: a hypervisor that marks
# which basic blocks are executed (COVERAGE=y, build/gcov/pavise), in the tests
# COVERAGE_TESTS; by folder, build/gcov/files, and build/gcov/missed, the lines that
# nothing has reached.
COVERAGE_TESTS  ?= guests fuzz
GCOV            := $(BUILD)/gcov

.PHONY: coverage-machine
coverage-machine: all test-system-images
	+$(Q)$(MAKE) --no-print-directory BUILD=$(GCOV) COVERAGE=y $(GCOV)/pavise
	@rm -f $(GCOV)/*.log
	$(Q)for t in $(COVERAGE_TESTS); do $(RUN_ENV) HV=$(GCOV)/pavise HV_COVERAGE=y \
		prove --timer tests/system/$$t.t || exit 1; \
		cp $(BUILD)/log/$$t.log $(GCOV)/$$t.log; done
	$(Q)tests/coverage/machine.sh $(GCOV)/hypervisor/pavise.elf $(GCOV)
