# SPDX-License-Identifier: MIT
# Pavise: `make` builds, `make run` boots it under QEMU, `make test` checks it.
#
# Each component describes itself in its build.mk. All are read into this one
# make (no recursion), so a dependency between components is an ordinary one.
# A component adds what it builds to ALL, what it tests to the TEST_* lists.

include Config.mk

ALL             :=
.DEFAULT_GOAL   := all
.DELETE_ON_ERROR:
.SUFFIXES:

# Objects of programs that run on Linux: build/obj/PATH.o from PATH.c.
$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)echo "  CC      $<"
	$(Q)$(CC) $(TOOLS_CPPFLAGS) $(TOOLS_CFLAGS) $(CFLAGS-$(<D)) -MMD -MP -c -o $@ $<

# The same for host tests, under the sanitizers: build/san/PATH.o from PATH.c.
$(BUILD)/san/%.o: %.c
	@mkdir -p $(@D)
	$(Q)echo "  CC-SAN  $<"
	$(Q)$(CC) $(TOOLS_CPPFLAGS) $(TOOLS_CFLAGS) $(SAN_CFLAGS) $(CFLAGS-$(<D)) -MMD -MP -c -o $@ $<

include $(wildcard */build.mk)

.PHONY: all clean help
all: $(ALL)

help:
	@sed -n 's/^    \(make.*\)/\1/p' README

clean:
	$(Q)rm -rf $(BUILD)

# Below build/debian and build/image lie other people's files.
-include $(shell [ -d $(BUILD) ] && find $(BUILD) \( -path $(BUILD)/debian -o -path $(BUILD)/image \) \
	-prune -o -type f -name '*.d' -print)
