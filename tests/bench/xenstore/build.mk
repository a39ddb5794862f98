# SPDX-License-Identifier: MIT
# make bench-xenstore: our daemon against Debian's oxenstored. For the latter:
# OXENSTORED=path, package libxen-dev (the shim's headers).
BENCH_XS := $(BUILD)/tests/bench/xenstore

$(BENCH_XS)/bench: $(BUILD)/obj/tests/bench/xenstore/bench.o
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^

.PHONY: bench-xenstore
bench-xenstore: $(BENCH_XS)/bench $(BUILD)/tests/interop/xenstore/fakexen.so $(BUILD)/xenstored
	$(Q)tests/bench/xenstore/run.sh $(BUILD)
