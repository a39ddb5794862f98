# SPDX-License-Identifier: MIT
# Unit tests of the store: its library, its protocol, its client library (that
# one with the daemon over a socket). Packages: libcmocka-dev, liblz4-dev.
#
# test_model takes a number of steps and a seed as arguments.
UNIT_XS       := tests/unit/xenstore
UNIT_XS_PROGS := $(addprefix $(BUILD)/$(UNIT_XS)/,test_proto test_store test_tree test_model \
			test_journal test_slices test_outq)
UNIT_XS_OBJS  := $(patsubst %.c,$(BUILD)/san/%.o,$(wildcard xenstore/proto/*.c xenstore/store/*.c))
UNIT_XSC      := $(BUILD)/$(UNIT_XS)/test_client
UNIT_XSC_OBJS := $(patsubst %.c,$(BUILD)/san/%.o,$(wildcard xenstore/client/*.c) \
			xenstore/proto/wire.c)

$(BUILD)/$(UNIT_XS)/test_outq: $(BUILD)/san/xenstore/daemon/outq.o
$(BUILD)/$(UNIT_XS)/test_journal: $(BUILD)/san/xenstore/daemon/block.o
$(UNIT_XS_PROGS): $(BUILD)/$(UNIT_XS)/%: $(BUILD)/san/$(UNIT_XS)/%.o $(UNIT_XS_OBJS)
	@mkdir -p $(@D)
	$(Q)echo "  LD-SAN  $@"
	$(Q)$(CC) $(SAN_CFLAGS) -o $@ $^ -lcmocka -llz4

$(UNIT_XSC): $(BUILD)/san/$(UNIT_XS)/test_client.o $(UNIT_XSC_OBJS)
	@mkdir -p $(@D)
	$(Q)echo "  LD-SAN  $@"
	$(Q)$(CC) $(SAN_CFLAGS) -o $@ $^ -lcmocka

.PHONY: test-unit-xenstore
test-unit: test-unit-xenstore
test-unit-xenstore: $(UNIT_XS_PROGS) $(UNIT_XSC) $(BUILD)/xenstored
	$(Q)for t in $(UNIT_XS_PROGS) "$(UNIT_XSC) $(BUILD)/xenstored"; do \
		echo "  TEST    $$t"; ./$$t || exit 1; done
