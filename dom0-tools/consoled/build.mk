# SPDX-License-Identifier: MIT
# The console daemon, build/xenconsoled, and its client, build/xenconsole.

CONSOLED_SRCS := $(addprefix dom0-tools/consoled/, \
                   main.c daemon.c guest.c pty.c backlog.c ring.c log.c hvlog.c report.c confine.c)
CLIENT_SRCS   := dom0-tools/consoled/xenconsole.c

CFLAGS-dom0-tools/consoled := -DPAVISE_VERSION='"$(VERSION)"'

$(BUILD)/xenconsoled: $(CONSOLED_SRCS:%.c=$(BUILD)/obj/%.o) $(BUILD)/lib/libxsclient.a $(BUILD)/lib/libhv.a
$(BUILD)/xenconsole: $(CLIENT_SRCS:%.c=$(BUILD)/obj/%.o) $(BUILD)/lib/libxsclient.a
$(BUILD)/xenconsoled $(BUILD)/xenconsole:
	$(Q)echo "  LD      $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

ALL += $(BUILD)/xenconsoled $(BUILD)/xenconsole
