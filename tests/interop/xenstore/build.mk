# SPDX-License-Identifier: MIT
# make test-xenstore: these, the unit tests, and Debian's binaries for both.
#
# make test-interop-xenstore: our daemon beside Debian's two, request by
# request, and our tools beside xenstore-utils. None needs a hypervisor: the
# daemons get one that is made of files. Then random requests beside the C one.
#
# Then the same daemon is killed again and again; make test-xenstore-kill does
# that 500 times (KILLS=n). And it replaces itself under load (update.py).
#
# Packages: python3; xenstore-utils (tools.sh skips without), libxen-dev for
# the shim; XEN_BIN=folder of Debian's xenstored and oxenstored (without it,
# ours is checked against what is written down in compare.py).
XS_INTEROP := $(BUILD)/tests/interop/xenstore
XS_FAKE    := $(XS_INTEROP)/xenstored-fake

$(XS_FAKE): $(patsubst %.c,$(BUILD)/san/%.o,$(wildcard xenstore/proto/*.c xenstore/store/*.c) \
		$(filter-out %/platform_hv.c,$(wildcard xenstore/daemon/*.c)) \
		dom0-tools/libhv/confine.c tests/interop/xenstore/platform_fake.c)
	@mkdir -p $(@D)
	$(Q)echo "  LD-SAN  $@"
	$(Q)$(CC) $(SAN_CFLAGS) -o $@ $^ -llz4

# Stands in for libxenctrl, libxenevtchn and libxengnttab in Debian's daemons.
$(XS_INTEROP)/fakexen.so: tests/interop/xenstore/fakexen.c
	@mkdir -p $(@D)
	$(Q)echo "  LD      $@"
	$(Q)$(CC) $(TOOLS_CFLAGS) -shared -fPIC -o $@ $<

# Only what failed; the exit code is the program's.
XS_QUIET := >$(XS_INTEROP)/tap || { grep -v '^ok' $(XS_INTEROP)/tap; exit 1; }

.PHONY: test-interop-xenstore
test-unit: test-interop-xenstore
test-interop-xenstore: $(XS_FAKE) $(XS_INTEROP)/fakexen.so all
	$(Q)tests/interop/xenstore/compare.py $(BUILD) $(XS_QUIET)
	$(Q)tests/interop/xenstore/random_ops.py $(BUILD) 2000 $(XS_QUIET)
	$(Q)tests/interop/xenstore/tools.sh $(BUILD) $(XS_QUIET)
	$(Q)tests/interop/xenstore/inside.sh $(BUILD) $(XS_QUIET)
	$(Q)tests/interop/xenstore/kill.py $(BUILD) 25 $(XS_QUIET)
	$(Q)tests/interop/xenstore/update.py $(BUILD) 10 $(XS_QUIET)

# All that needs no hypervisor, beside Debian's binaries, which are fetched.
XS_PEER_ENV := XEN_BIN=$(abspath $(BUILD))/debian/xen/usr/lib/xen-4.17/bin \
	OXENSTORED=$(abspath $(BUILD))/debian/xen/usr/lib/xen-4.17/bin/oxenstored
.PHONY: test-xenstore
test-xenstore: $(BUILD)/debian/xen.stamp
	+$(Q)$(XS_PEER_ENV) $(MAKE) --no-print-directory test-unit-xenstore test-interop-xenstore

KILLS ?= 500
.PHONY: test-xenstore-kill
test-xenstore-kill: $(XS_FAKE)
	$(Q)tests/interop/xenstore/kill.py $(BUILD) $(KILLS)
