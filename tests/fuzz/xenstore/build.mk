# SPDX-License-Identifier: MIT
# make fuzz-xenstore: libFuzzer on the store's requests and on its journal, each FUZZ_SECONDS long
# (default 60), with the seeds of tests/fuzz/xenstore/seeds-*. Packages: clang, liblz4-dev.
FUZZ_XS      := $(BUILD)/tests/fuzz/xenstore
FUZZ_SECONDS ?= 60

XS_FUZZED    := fuzz_request fuzz_journal

$(FUZZ_XS)/fuzz_journal: xenstore/daemon/frame.c xenstore/daemon/block.c
$(XS_FUZZED:%=$(FUZZ_XS)/%): $(FUZZ_XS)/%: tests/fuzz/xenstore/%.c \
		$(wildcard xenstore/proto/*.c xenstore/store/*.c xenstore/*/*.h)
	@mkdir -p $(@D)
	$(Q)echo "  FUZZ    $@"
	$(Q)$(CLANG) $(TOOLS_CPPFLAGS) -std=gnu11 -D_GNU_SOURCE -g -O1 \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		-o $@ $(filter %.c,$^) -llz4

.PHONY: fuzz-xenstore
fuzz-xenstore: $(XS_FUZZED:%=$(FUZZ_XS)/%)
	$(Q)for f in $(XS_FUZZED); do \
		mkdir -p $(FUZZ_XS)/corpus-$$f; \
		$(FUZZ_XS)/$$f -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=5 \
			-print_final_stats=1 -artifact_prefix=$(FUZZ_XS)/ \
			$(FUZZ_XS)/corpus-$$f tests/fuzz/xenstore/seeds-$${f#fuzz_} || exit 1; done

FUZZERS_ALL += $(foreach k,$(XS_FUZZED:fuzz_%=%),store-$(k):$(FUZZ_XS)/fuzz_$(k):1024:tests/fuzz/xenstore/seeds-$(k))
