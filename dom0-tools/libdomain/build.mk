# SPDX-License-Identifier: MIT
# libdomain: creating, running, changing and ending domains.
LIBDOMAIN_SRCS := $(wildcard dom0-tools/libdomain/*.c)
LIBDOMAIN      := $(BUILD)/lib/libdomain.a

# What a program that uses libdomain links with, in this order (xsclient's own
# library comes from xenstore/).
LIBDOMAIN_LIBS := $(LIBDOMAIN) $(LIBHV)
LIBDOMAIN_LDLIBS := -lz -llzma -llz4 -lzstd -luuid -lnl-route-3 -lnl-3

CFLAGS-dom0-tools/libdomain := -I/usr/include/libnl3

$(LIBDOMAIN): $(LIBDOMAIN_SRCS:%.c=$(BUILD)/obj/%.o)
	@mkdir -p $(@D)
	$(Q)echo "  AR      $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

ALL += $(LIBDOMAIN)
