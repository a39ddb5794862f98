# SPDX-License-Identifier: MIT
# make test-interop-xenstore: our daemon beside Debian's two, request by
# request, and our tools beside xenstore-utils. None needs a hypervisor: the
# daemons get one that is made of files.
#
# Packages: python3; xenstore-utils (tools.sh skips without), libxen-dev for
# the shim; XEN_BIN=folder of Debian's xenstored and oxenstored (without it,
# ours is checked against what is written down in compare.py).
XS_INTEROP := $(BUILD)/tests/interop/xenstore
XS_FAKE    := $(XS_INTEROP)/xenstored-fake

$(XS_FAKE): $(patsubst %.c,$(BUILD)/san/%.o,$(wildcard xenstore/proto/*.c xenstore/store/*.c) \
		$(filter-out %/platform_hv.c,$(wildcard xenstore/daemon/*.c)) \
		tests/interop/xenstore/platform_fake.c)
	@mkdir -p $(@D)
	$(Q)echo "  LD-SAN  $@"
	$(Q)$(CC) $(SAN_CFLAGS) -o $@ $^

# Stands in for libxenctrl, libxenevtchn and libxengnttab in Debian's daemons.
$(XS_INTEROP)/fakexen.so: tests/interop/xenstore/fakexen.c
	@mkdir -p $(@D)
	$(Q)echo "  LD      $@"
	$(Q)$(CC) $(TOOLS_CFLAGS) -shared -fPIC -o $@ $<

.PHONY: test-interop-xenstore
test-interop-xenstore: $(XS_FAKE) $(XS_INTEROP)/fakexen.so $(BUILD)/xenstored $(XS_TOOL_LINKS)
	$(Q)tests/interop/xenstore/compare.py $(BUILD) | grep -v '^ok'
	$(Q)tests/interop/xenstore/tools.sh $(BUILD) | grep -v '^ok'
