# SPDX-License-Identifier: MIT
# Fuzzers, one folder a subject, which add theirs to FUZZERS_ALL as
# NAME:PROGRAM:MAX_LEN:SEEDS.
#
#   make test-fuzz          all of them, FUZZ_TEST_SECONDS each and FUZZ_RUNS_MIN
#                           inputs together, and the mutants; in `make test`.
#                           FUZZERS="mm insn": only these; FUZZ_SEED=N: other inputs
#   make test-fuzz-mutants  tests/fuzz/mutants: each fault that is put back is found
FUZZERS_ALL     :=
FUZZ_OUT        := $(BUILD)/tests/fuzz/short
include $(wildcard tests/fuzz/*/build.mk)

FUZZERS         ?= $(foreach f,$(FUZZERS_ALL),$(firstword $(subst :, ,$(f))))
FUZZERS_CHOSEN  := $(foreach n,$(FUZZERS),$(filter $(n):%,$(FUZZERS_ALL)))

.PHONY: test-fuzz test-fuzzers
test-fuzzers: $(foreach f,$(FUZZERS_CHOSEN),$(word 2,$(subst :, ,$(f))))
	$(Q)echo "  FUZZ    $(FUZZERS)"
	$(Q)tests/fuzz/run.sh $(FUZZ_OUT) $(FUZZERS_CHOSEN)

# Not at the same time: both take all processors.
test-fuzz: test-fuzzers
	+$(Q)$(MAKE) --no-print-directory test-fuzz-mutants
