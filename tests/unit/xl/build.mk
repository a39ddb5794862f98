# SPDX-License-Identifier: MIT
# Unit tests of xl and of the configuration model, under the sanitizers, over a
# libdomain of plain memory (fake.c). `make test-unit-xl`. Packages: those of
# dom0-tools/xl and libcmocka-dev.

UNIT_XL         := tests/unit/xl
UNIT_XL_TESTS   := test_cfg test_spec test_commands test_formats test_conf test_docs
UNIT_XL_PROGS   := $(UNIT_XL_TESTS:%=$(BUILD)/$(UNIT_XL)/%)

# All of xl but main(), and the parts of libdomain that need no machine.
UNIT_XL_OBJS    := $(patsubst %.c,$(BUILD)/san/%.o, \
		     $(filter-out dom0-tools/xl/main.c,$(wildcard dom0-tools/xl/*.c)) \
		     $(BUILD)/gen/dom0-tools/xl/cfg_parse.tab.c \
		     $(BUILD)/gen/dom0-tools/xl/cfg_scan.c \
		     $(addprefix dom0-tools/libdomain/,config.c config_finish.c config_names.c \
		       cpumap.c) \
		     $(UNIT_XL)/fake.c)

$(UNIT_XL_PROGS): $(BUILD)/$(UNIT_XL)/%: $(BUILD)/san/$(UNIT_XL)/%.o $(UNIT_XL_OBJS)
	@mkdir -p $(@D)
	$(Q)echo "  LD-SAN  $@"
	$(Q)$(CC) $(SAN_CFLAGS) -o $@ $^ -lcmocka -lyajl -luuid

.PHONY: test-unit test-unit-xl
test-unit: test-unit-xl
test-unit-xl: $(UNIT_XL_PROGS)
	$(Q)for t in $^; do echo "  TEST    $$t"; ./$$t || exit 1; done
