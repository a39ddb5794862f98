# SPDX-License-Identifier: MIT
# The store: a library, the daemon over it, the client library, the tools.
#
#   build/xenstored             the daemon
#   build/xenstore              all tools in one; build/xenstore-ls and so on are links to it
#   build/lib/libxsclient.a     the client library, header xenstore/client/xsclient.h
#
# Package: liblz4-dev (the daemon's journal).

XS_PROTO_SRCS  := $(wildcard xenstore/proto/*.c)
XS_STORE_SRCS  := $(wildcard xenstore/store/*.c)
XS_DAEMON_SRCS := $(wildcard xenstore/daemon/*.c)
XS_CLIENT_SRCS := $(wildcard xenstore/client/*.c)
XS_TOOL_SRCS   := $(wildcard xenstore/tools/*.c)
XS_TOOLS       := ls read write list rm chmod exists watch control top
XS_TOOL_LINKS  := $(XS_TOOLS:%=$(BUILD)/xenstore-%)
LIBXSCLIENT    := $(BUILD)/lib/libxsclient.a

$(BUILD)/xenstored: $(patsubst %.c,$(BUILD)/obj/%.o,$(XS_PROTO_SRCS) $(XS_STORE_SRCS) $(XS_DAEMON_SRCS)) \
		$(BUILD)/lib/libhv.a
	$(Q)echo "  LD      $@"
	$(Q)$(CC) $(TOOLS_CFLAGS) -o $@ $^ -llz4

# One archive holds all that a client needs, the protocol's bytes included.
$(LIBXSCLIENT): $(patsubst %.c,$(BUILD)/obj/%.o,$(XS_CLIENT_SRCS) xenstore/proto/wire.c)
	@mkdir -p $(@D)
	$(Q)echo "  AR      $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/xenstore: $(XS_TOOL_SRCS:%.c=$(BUILD)/obj/%.o) $(LIBXSCLIENT)
	$(Q)echo "  LD      $@"
	$(Q)$(CC) $(TOOLS_CFLAGS) -o $@ $^

$(XS_TOOL_LINKS): $(BUILD)/xenstore
	$(Q)ln -sf xenstore $@

ALL += $(BUILD)/xenstored
ALL += $(BUILD)/xenstore $(XS_TOOL_LINKS) $(LIBXSCLIENT)
