# SPDX-License-Identifier: MIT
# Unit tests of the console daemon's parts.

UNIT_CON        := tests/unit/consoled
UNIT_CON_PARTS  := $(addprefix $(BUILD)/san/dom0-tools/consoled/,ring.o backlog.o log.o report.o)
UNIT_CON_PROGS  := $(patsubst %.c,$(BUILD)/%,$(wildcard $(UNIT_CON)/test_*.c))

$(UNIT_CON_PROGS): $(BUILD)/%: $(BUILD)/san/%.o $(UNIT_CON_PARTS)
	@mkdir -p $(@D)
	$(Q)echo "  LD-SAN  $@"
	$(Q)$(CC) $(SAN_CFLAGS) -o $@ $^ -lcmocka

.PHONY: test-unit-consoled
test-unit: test-unit-consoled
test-unit-consoled: $(UNIT_CON_PROGS)
	$(Q)for t in $(UNIT_CON_PROGS); do echo "  TEST    $$t"; ./$$t || exit 1; done
