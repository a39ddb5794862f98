# SPDX-License-Identifier: MIT
# Unit tests of libdomain on a fake hypervisor and a fake store. Packages:
# libcmocka-dev and what libdomain itself needs.

UNIT_DOM        := tests/unit/libdomain
UNIT_DOM_FAKES  := $(addprefix $(BUILD)/san/$(UNIT_DOM)/,fake_hv.o fake_store.o make_kernel.o)
UNIT_DOM_LIB    := $(LIBDOMAIN_SRCS:%.c=$(BUILD)/san/%.o)
UNIT_DOM_PROGS  := $(patsubst %.c,$(BUILD)/%,$(wildcard $(UNIT_DOM)/test_*.c))

$(UNIT_DOM_PROGS): $(BUILD)/%: $(BUILD)/san/%.o $(UNIT_DOM_FAKES) $(UNIT_DOM_LIB)
	@mkdir -p $(@D)
	$(Q)echo "  LD-SAN  $@"
	$(Q)$(CC) $(SAN_CFLAGS) -o $@ $^ -lcmocka $(LIBDOMAIN_LDLIBS)

.PHONY: test-unit-libdomain
test-unit: test-unit-libdomain
test-unit-libdomain: $(UNIT_DOM_PROGS)
	$(Q)for t in $(UNIT_DOM_PROGS); do echo "  TEST    $$t"; ./$$t || exit 1; done
