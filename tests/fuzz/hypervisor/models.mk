# SPDX-License-Identifier: MIT
# libFuzzer on the hypervisor's own state, over the fake machine of the unit tests,
# with a model of the rules as the oracle; one folder a subject. Package: clang.
#
#   make fuzz-models       FUZZ_SECONDS each (default 60); the corpus is kept
#   make fuzz-model-mm     one of them
#   make test-fuzz-models  FUZZ_TEST_SECONDS each (default 10); in `make test`

include hypervisor/hosttest/hosttest.mk
FUZZ_MODELS     := mm grant evtchn
FUZZ_TEST_SECONDS ?= 10

FUZZ_MODEL_SRCS-mm := $(wildcard $(FUZZ_HV_SRC)/mm/*.c) $(HT_MACHINE) $(HT_MM)
FUZZ_MODEL_SRCS-grant := $(wildcard $(FUZZ_HV_SRC)/grant/*.c) $(HT_MACHINE) $(HT_DOMAIN) \
                   $(HT)/sched.c $(HT)/tables.c
FUZZ_MODEL_SRCS-evtchn := $(wildcard $(FUZZ_HV_SRC)/evtchn/*.c) $(HT_MACHINE) $(HT_DOMAIN) \
                   $(HT)/sched.c $(HT)/tables.c

FUZZ_MODEL_CC   := $(CLANG) $(TOOLS_CPPFLAGS) -std=gnu11 -D_GNU_SOURCE -g -O1 \
                   -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
                   $(HT_CFLAGS)
FUZZ_MODEL_RUN  := -max_len=2048 -len_control=10 -timeout=20 -print_final_stats=1
FUZZ_MODEL_HDRS := $(wildcard $(FUZZ_HV_SRC)/*/*.h hypervisor/*/*.h hypervisor/include/hv/*.h \
                     hypervisor/x86/include/arch/*.h hypervisor/hosttest/include/*/*.h)

define fuzz-model
$(FUZZ_HV)/model_$(1): $(FUZZ_MODEL_SRCS-$(1)) $(FUZZ_MODEL_HDRS)
	@mkdir -p $$(@D)
	$$(Q)echo "  FUZZ    $$@"
	$$(Q)$(FUZZ_MODEL_CC) -o $$@ $(FUZZ_MODEL_SRCS-$(1))

.PHONY: fuzz-model-$(1) test-fuzz-model-$(1)
fuzz-model-$(1): $(FUZZ_HV)/model_$(1)
	@mkdir -p $(FUZZ_HV)/corpus-$(1)
	$$(Q)$$< $(FUZZ_MODEL_RUN) -max_total_time=$(FUZZ_SECONDS) \
		-artifact_prefix=$(FUZZ_HV)/$(1)- $(FUZZ_HV)/corpus-$(1)

test-fuzz-model-$(1): $(FUZZ_HV)/model_$(1)
	$$(Q)echo "  FUZZ    $(1)"
	$$(Q)$$< $(FUZZ_MODEL_RUN) -max_total_time=$(FUZZ_TEST_SECONDS) \
		-artifact_prefix=$(FUZZ_HV)/$(1)- >$$<.log 2>&1 || { tail -n 60 $$<.log; exit 1; }
endef
$(foreach k,$(FUZZ_MODELS),$(eval $(call fuzz-model,$(k))))

.PHONY: fuzz-models test-fuzz-models
fuzz-models: $(FUZZ_MODELS:%=fuzz-model-%)
test-fuzz-models: $(FUZZ_MODELS:%=test-fuzz-model-%)
test-fuzz: test-fuzz-models
