# SPDX-License-Identifier: MIT
# Fuzzers: libFuzzer on what reads others' bytes, and on the hypervisor's own state with a
# model of the rules as the oracle. One folder a subject; its build.mk declares the
# programs by fuzz-program. Package: clang.
#
#   make test-fuzz          all of them, FUZZ_TEST_SECONDS each and FUZZ_RUNS_MIN
#                           inputs together, and the mutants; in `make test`.
#                           FUZZERS="mm insn": only these; FUZZ_SEED=N: other inputs
#   make fuzz-NAME          one of them, FUZZ_SECONDS (60); its corpus is kept
#   make test-fuzz-mutants  each must find the faults that tests/fuzz/mutants/*.patch put
#                           back, in the seconds that the patch gives it; some only:
#                           MUTANTS="NAME ..."; one fuzzer's: test-fuzz-mutants-NAME.
#                           In the machine: tests/system/{fuzz,guest}-mutants.t
FUZZERS_ALL     :=
FUZZ_SECONDS    ?= 60
FUZZ_BUILD      := $(BUILD)/tests/fuzz
FUZZ_OUT        := $(FUZZ_BUILD)/short
FUZZ_OBJ        := $(BUILD)/fuzzobj
FUZZ_CFLAGS     := -std=gnu11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
                   -fno-sanitize-recover=undefined

# $(call fuzz-group,GROUP,FLAGS): objects $(FUZZ_OBJ)/GROUP/PATH.o from PATH.c.
define fuzz-group
FUZZ_CC-$(1)    := $$(CLANG) $$(TOOLS_CPPFLAGS) $$(FUZZ_CFLAGS) $(2) $$(FUZZ_EXTRA)
$$(FUZZ_OBJ)/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(Q)echo "  CC-FUZZ $$<"
	$$(Q)$$(FUZZ_CC-$(1)) -MMD -MP -c -o $$@ $$<
endef

# $(call fuzz-program,NAME,GROUP,PROGRAM,SOURCES,LONGEST INPUT,FOLDER OF SEEDS,LIBRARIES)
define fuzz-program
FUZZ_OBJS-$(1)  := $$(patsubst %.c,$$(FUZZ_OBJ)/$(2)/%.o,$(4))
FUZZERS_ALL     += $(strip $(1)):$(strip $(3)):$(strip $(5)):$(strip $(6))
$(3): $$(FUZZ_OBJS-$(1))
	@mkdir -p $$(@D)
	$$(Q)echo "  FUZZ    $$@"
	$$(Q)$$(FUZZ_CC-$(2)) -o $$@ $$^ $(7)

.PHONY: fuzz-$(1) test-fuzz-mutants-$(1)
fuzz-$(1): $(3)
	@mkdir -p $(FUZZ_BUILD)/corpus-$(1)
	$$(Q)$$< -max_len=$(5) -len_control=10 -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 \
		-max_total_time=$$(FUZZ_SECONDS) -artifact_prefix=$(FUZZ_BUILD)/$(1)- \
		$(FUZZ_BUILD)/corpus-$(1) $(6)

test-fuzz-mutants-$(1): $(3)
	$$(Q)SEEDS="$(strip $(6))" LENGTH=$(strip $(5)) tests/fuzz/mutants/run.sh $(1) $(FUZZ_BUILD)/mutants \
		'$$(FUZZ_CC-$(2))' '$$(FUZZ_OBJS-$(1)) $(7)' $$(FUZZ_OBJ)/$(2) $$<
test-fuzz-mutants: test-fuzz-mutants-$(1)
-include $$(FUZZ_OBJS-$(1):.o=.d)
endef

include $(wildcard tests/fuzz/*/build.mk)

FUZZERS         ?= $(foreach f,$(FUZZERS_ALL),$(firstword $(subst :, ,$(f))))
FUZZERS_CHOSEN  := $(foreach n,$(FUZZERS),$(filter $(n):%,$(FUZZERS_ALL)))

.PHONY: fuzzers test-fuzz test-fuzzers test-fuzz-mutants
fuzzers: $(foreach f,$(FUZZERS_CHOSEN),$(word 2,$(subst :, ,$(f))))

test-fuzzers: fuzzers
	$(Q)echo "  FUZZ    $(FUZZERS)"
	$(Q)tests/fuzz/run.sh $(FUZZ_OUT) $(FUZZERS_CHOSEN)

# Not at the same time: both take all processors.
test-fuzz: test-fuzzers
	+$(Q)$(MAKE) --no-print-directory test-fuzz-mutants

test-fuzz-mutants:
	$(Q)cat $(patsubst test-fuzz-mutants-%,$(FUZZ_BUILD)/mutants/%/summary,$^) | awk '{ k += $$1; n += $$2 } \
		END { print "  MUTANTS " k " of " n " were found" }'
