# SPDX-License-Identifier: MIT
# Unit tests of what the public headers do: the macros that are statements.

UNIT_PUBLIC     := $(BUILD)/tests/unit/public/test_ring

$(UNIT_PUBLIC): $(BUILD)/san/tests/unit/public/test_ring.o
	@mkdir -p $(@D)
	$(Q)echo "  LD-SAN  $@"
	$(Q)$(CC) $(SAN_CFLAGS) -o $@ $^ -lcmocka

.PHONY: test-unit-public
test-unit: test-unit-public
test-unit-public: $(UNIT_PUBLIC)
	$(Q)./$<
