# SPDX-License-Identifier: MIT
# libhv: hypercalls, event channels and grants from the control domain.
LIBHV_SRCS := $(wildcard dom0-tools/libhv/*.c)
LIBHV      := $(BUILD)/lib/libhv.a

$(LIBHV): $(LIBHV_SRCS:%.c=$(BUILD)/obj/%.o)
	@mkdir -p $(@D)
	$(Q)echo "  AR      $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

ALL += $(LIBHV)
