# SPDX-License-Identifier: MIT
# make bench-xenstore: our daemon against Debian's oxenstored. For the latter: OXENSTORED=path
# (after make test-xenstore: as below), package libxen-dev (the shim's headers).
# OXENSTORED=build/debian/xen/usr/lib/xen-4.17/bin/oxenstored
BENCH_XS := $(BUILD)/tests/bench/xenstore

$(BENCH_XS)/bench: $(addprefix $(BUILD)/obj/tests/bench/xenstore/,bench.o guest.o)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^

.PHONY: bench-xenstore
bench-xenstore: $(BENCH_XS)/bench $(BUILD)/tests/interop/xenstore/fakexen.so $(BUILD)/xenstored
	$(Q)tests/bench/xenstore/run.sh $(BUILD)
