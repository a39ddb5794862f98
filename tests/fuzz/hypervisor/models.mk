# SPDX-License-Identifier: MIT
# libFuzzer on the hypervisor's own state, over the fake machine of the unit tests,
# with a model of the rules as the oracle; one folder a subject. Package: clang.
#
#   make fuzz-models       FUZZ_SECONDS each (default 60); the corpus is kept
#   make fuzz-model-mm     one of them
#   make test-fuzz-mutants each must find the faults that tests/fuzz/mutants/*.patch
#                          put back, in the seconds that the patch gives it; some
#                          only: MUTANTS="NAME ..."; in `make test`

include hypervisor/hosttest/hosttest.mk
FUZZ_MODELS     := mm grant evtchn emulate

FUZZ_MODEL_SRCS-mm := $(wildcard $(FUZZ_HV_SRC)/mm/*.c) $(HT_MACHINE) $(HT_MM)
FUZZ_MODEL_SRCS-grant := $(wildcard $(FUZZ_HV_SRC)/grant/*.c) $(HT_MACHINE) $(HT_DOMAIN) \
                   $(HT)/sched.c $(HT)/tables.c
FUZZ_MODEL_SRCS-evtchn := $(wildcard $(FUZZ_HV_SRC)/evtchn/*.c) $(HT_MACHINE) $(HT_DOMAIN) \
                   $(HT)/sched.c $(HT)/tables.c
FUZZ_MODEL_SRCS-emulate := $(wildcard $(FUZZ_HV_SRC)/emulate/*.c) $(FUZZ_HV_SRC)/mm/audit.c \
                   $(HT_MACHINE) $(HT_EMULATION)

FUZZ_MODEL_CC   := $(CLANG) $(TOOLS_CPPFLAGS) -std=gnu11 -D_GNU_SOURCE -g -O1 \
                   -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
                   $(HT_CFLAGS) $(FUZZ_EXTRA)
FUZZ_MODEL_RUN  := -max_len=2048 -len_control=10 -timeout=20 -print_final_stats=1

# Objects of their own: $(FUZZ_OBJ)/PATH.o from PATH.c.
FUZZ_OBJ        := $(BUILD)/fuzzobj
$(FUZZ_OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)echo "  CC-FUZZ $<"
	$(Q)$(FUZZ_MODEL_CC) -MMD -MP -c -o $@ $<

define fuzz-model
FUZZ_MODEL_OBJS-$(1) := $(FUZZ_MODEL_SRCS-$(1):%.c=$(FUZZ_OBJ)/%.o)
$(FUZZ_HV)/model_$(1): $(FUZZ_MODEL_SRCS-$(1):%.c=$(FUZZ_OBJ)/%.o)
	@mkdir -p $$(@D)
	$$(Q)echo "  FUZZ    $$@"
	$$(Q)$(FUZZ_MODEL_CC) -o $$@ $$^

.PHONY: fuzz-model-$(1)
fuzz-model-$(1): $(FUZZ_HV)/model_$(1)
	@mkdir -p $(FUZZ_HV)/corpus-$(1)
	$$(Q)$$< $(FUZZ_MODEL_RUN) -max_total_time=$(FUZZ_SECONDS) \
		-artifact_prefix=$(FUZZ_HV)/$(1)- $(FUZZ_HV)/corpus-$(1)

.PHONY: test-fuzz-mutants-$(1)
test-fuzz-mutants-$(1): $(FUZZ_HV)/model_$(1)
	$$(Q)tests/fuzz/mutants/run.sh $(1) $(BUILD)/tests/fuzz/mutants '$(FUZZ_MODEL_CC)' \
		'$(FUZZ_MODEL_SRCS-$(1):%.c=$(FUZZ_OBJ)/%.o)' $(FUZZ_OBJ) $$<
endef
$(foreach k,$(FUZZ_MODELS),$(eval $(call fuzz-model,$(k))))

FUZZERS_ALL += $(foreach k,$(FUZZ_MODELS),$(k):$(FUZZ_HV)/model_$(k):2048:)

.PHONY: fuzz-models
fuzz-models: $(FUZZ_MODELS:%=fuzz-model-%)

.PHONY: test-fuzz-mutants
test-fuzz-mutants: $(FUZZ_MODELS:%=test-fuzz-mutants-%)
	$(Q)cat $(patsubst test-fuzz-mutants-%,$(BUILD)/tests/fuzz/mutants/%/summary,$^) | awk '{ k += $$1; n += $$2 } \
		END { print "  MUTANTS " k " of " n " were found" }'
