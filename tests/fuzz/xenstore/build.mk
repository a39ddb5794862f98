# SPDX-License-Identifier: MIT
# The store's fuzzers: its requests, and its journal. Package: liblz4-dev.
FUZZ_XS         := $(FUZZ_BUILD)/xenstore
FUZZ_XS_KINDS   := request journal
FUZZ_XS_SRCS    := $(wildcard xenstore/proto/*.c xenstore/store/*.c)
# Its seeds are so long.
FUZZ_XS_LENGTH_journal := 4096
FUZZ_XS_SRCS_journal := xenstore/daemon/frame.c xenstore/daemon/block.c
$(eval $(call fuzz-group,xenstore))

$(foreach k,$(FUZZ_XS_KINDS),$(eval $(call fuzz-program,store-$(k),xenstore,$(FUZZ_XS)/fuzz_$(k),\
	tests/fuzz/xenstore/fuzz_$(k).c $(FUZZ_XS_SRCS) $(FUZZ_XS_SRCS_$(k)),$(or $(FUZZ_XS_LENGTH_$(k)),1024),\
	tests/fuzz/xenstore/seeds-$(k),-llz4)))

.PHONY: fuzz-xenstore
fuzz-xenstore: $(FUZZ_XS_KINDS:%=fuzz-store-%)
