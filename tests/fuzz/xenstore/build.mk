# SPDX-License-Identifier: MIT
# make fuzz-xenstore: libFuzzer on the store's requests, FUZZ_SECONDS long
# (default 60), with the seeds of tests/fuzz/xenstore/seeds. Package: clang.
FUZZ_XS      := $(BUILD)/tests/fuzz/xenstore
FUZZ_SECONDS ?= 60

$(FUZZ_XS)/fuzz_request: tests/fuzz/xenstore/fuzz_request.c \
		$(wildcard xenstore/proto/*.c xenstore/store/*.c xenstore/*/*.h)
	@mkdir -p $(@D)
	$(Q)echo "  FUZZ    $@"
	$(Q)$(CLANG) $(TOOLS_CPPFLAGS) -std=gnu11 -D_GNU_SOURCE -g -O1 \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		-o $@ $(filter %.c,$^)

.PHONY: fuzz-xenstore
fuzz-xenstore: $(FUZZ_XS)/fuzz_request
	@mkdir -p $(FUZZ_XS)/corpus
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=5 -print_final_stats=1 \
		-artifact_prefix=$(FUZZ_XS)/ $(FUZZ_XS)/corpus tests/fuzz/xenstore/seeds
