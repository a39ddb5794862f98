# SPDX-License-Identifier: MIT
# The daemon with a make-believe hypervisor, under the sanitizers, for tests of
# rings and domains on any machine.

XS_FAKE := $(BUILD)/tests/interop/xenstore/xenstored-fake

$(XS_FAKE): $(patsubst %.c,$(BUILD)/san/%.o,$(wildcard xenstore/proto/*.c xenstore/store/*.c) \
		$(filter-out %/platform_hv.c,$(wildcard xenstore/daemon/*.c)) tests/interop/xenstore/platform_fake.c)
	@mkdir -p $(@D)
	$(Q)echo "  LD-SAN  $@"
	$(Q)$(CC) $(SAN_CFLAGS) -o $@ $^
