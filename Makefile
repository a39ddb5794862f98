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

# What was built with other knobs is built anew.
$(BUILD)/knobs: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION) $(CC) $(DEBUG) $(AUDIT) $(COVERAGE) $(TOOLS_CFLAGS) $(SAN_CFLAGS)' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
.PHONY: FORCE
FORCE:

# Objects of programs that run on Linux: build/obj/PATH.o from PATH.c.
$(BUILD)/obj/%.o: %.c $(BUILD)/knobs
	@mkdir -p $(@D)
	$(Q)echo "  CC      $<"
	$(Q)$(CC) $(TOOLS_CPPFLAGS) $(TOOLS_CFLAGS) $(CFLAGS-$(<D)) -MMD -MP -c -o $@ $<

# The same for host tests, under the sanitizers: build/san/PATH.o from PATH.c.
$(BUILD)/san/%.o: %.c $(BUILD)/knobs
	@mkdir -p $(@D)
	$(Q)echo "  CC-SAN  $<"
	$(Q)$(CC) $(TOOLS_CPPFLAGS) $(TOOLS_CFLAGS) $(SAN_CFLAGS) $(CFLAGS-$(<D)) -MMD -MP -c -o $@ $<

include $(wildcard */build.mk)

# A name on the command line that nothing here has is a slip.
ifeq ($(MAKELEVEL),0)
$(foreach v,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(v)))),\
	$(if $(shell grep -rlw $(v) --include='*.mk' --include='*.sh' --include='*.t' --include='*.pm' \
		--exclude-dir=$(BUILD) Config.mk $(wildcard */)),,$(info make: there is no knob '$(v)'; Config.mk has them))))
endif

.PHONY: all clean help
all: $(ALL)
	@:

help:
	@sed -n 's/^    \(make.*\)/\1/p' README

clean:
	$(Q)rm -rf $(BUILD)

# Below build/debian and build/image lie other people's files.
-include $(shell [ -d $(BUILD) ] && find $(BUILD) \( -path $(BUILD)/debian -o -path $(BUILD)/image \) \
	-prune -o -type f -name '*.d' -print)
