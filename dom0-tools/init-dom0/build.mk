# SPDX-License-Identifier: MIT
# xen-init-dom0, which the start-up of the control domain calls after the store.
$(BUILD)/xen-init-dom0: $(BUILD)/obj/dom0-tools/init-dom0/main.o $(BUILD)/lib/libxsclient.a
	$(Q)echo "  LD      $@"
	$(Q)$(CC) $(TOOLS_CFLAGS) $(LDFLAGS) -o $@ $^

ALL += $(BUILD)/xen-init-dom0
