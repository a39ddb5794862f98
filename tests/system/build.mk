# SPDX-License-Identifier: MIT
# Tests of the whole system, in QEMU, by its serial line: `make test-system`,
# or one: make test-system SYSTEM_TESTS=tests/system/demo.t
#
# Each machine has two processors at least: on two, one test after the other is as quick
# as two at a time, and no guest waits for a processor that another machine has.
# What a test said is in build/tap. LONG_TESTS are only run by name (make soak does).
LONG_TESTS      := tests/system/guest-mutants.t
SYSTEM_TESTS    ?= $(filter-out $(LONG_TESTS),$(sort $(wildcard tests/system/*.t)))
SYSTEM_JOBS     ?= $(if $(filter 1 2 3,$(shell nproc)),1,2)

# Counts frames, domains and ports in the control domain.
$(BUILD)/hvstat: $(BUILD)/obj/tests/system/hvstat.o $(LIBHV)
	$(Q)echo "  LD      $@"
	$(Q)$(CC) -static -o $@ $^

ALL += $(BUILD)/hvstat

# For fuzz-mutants.t and guest-mutants.t: the hypervisor with a fault that has to be found.
# The files that the patch changes are compiled anew, the others' objects are the sound one's.
MUTANTS_OUT     := $(BUILD)/tests/fuzz/mutants/machine
MUTANTS_FUZZ    := $(basename $(notdir $(shell grep -l '^Fuzzer: machine$$' tests/fuzz/mutants/*.patch)))
MUTANTS_GUEST   := $(basename $(notdir $(shell grep -l '^Guest: ' tests/fuzz/mutants/*.patch)))

define machine-mutant
$(1)-srcs := $(shell sed -n 's,^+++ b/hypervisor/,,p' tests/fuzz/mutants/$(1).patch)
$(1)-objs := $$($(1)-srcs:%=$(MUTANTS_OUT)/$(1)/%.o)

$(MUTANTS_OUT)/$(1)/patched: tests/fuzz/mutants/$(1).patch $$($(1)-srcs:%=hypervisor/%)
	$$(Q)rm -rf $$(@D) && mkdir -p $$(@D)
	$$(Q)cp --parents $$($(1)-srcs:%=hypervisor/%) $$(@D)
	$$(Q)patch -s -p1 -d $$(@D) <$$<
	@touch $$@

# Its own folder is where it includes from.
$$($(1)-objs): $(MUTANTS_OUT)/$(1)/%.o: $(MUTANTS_OUT)/$(1)/patched $(HV_OBJS)
	@mkdir -p $$(@D)
	$$(Q)echo "  MUTANT  $(1): $$*"
	$$(Q)$$(CC) $$(HV_CPPFLAGS) $$(HV_CFLAGS) -Ihypervisor/$$(*D) \
		-ffile-prefix-map=$$(<D)/= -c -o $$@ $$(<D)/hypervisor/$$*

$(MUTANTS_OUT)/$(1)/pavise%.elf: private HV_OBJS := \
	$$(filter-out $$($(1)-srcs:%=$(HV_OUT)/%.o),$(HV_OBJS)) $$($(1)-objs)
$(MUTANTS_OUT)/$(1)/pavise0.elf: $$($(1)-objs) $(HV_OUT)/pavise.elf $(HV_OUT)/symbols0.o
	$$(Q)$$(HV_LINK)

$(MUTANTS_OUT)/$(1)/symbols.S: $(MUTANTS_OUT)/$(1)/pavise0.elf
	$$(Q)$$(NM) -n $$< | $$(HV_SYMBOLS) >$$@

$(MUTANTS_OUT)/$(1)/symbols.o: $(MUTANTS_OUT)/$(1)/symbols.S
	$$(Q)$$(CC) -c -o $$@ $$<

$(MUTANTS_OUT)/$(1)/pavise1.elf: $$($(1)-objs) $(MUTANTS_OUT)/$(1)/symbols.o
	$$(Q)$$(HV_LINK)

$(MUTANTS_OUT)/$(1)/pavise: $(MUTANTS_OUT)/$(1)/pavise1.elf
	$$(Q)$$(OBJCOPY) -O binary $$< $$@
endef
$(foreach m,$(MUTANTS_FUZZ) $(MUTANTS_GUEST),$(eval $(call machine-mutant,$(m))))

SYSTEM_IMAGES = $(foreach k,$(KERNELS),$(IMAGES)/dom0-$(k)-$(k)-$(TOOLS).img) \
                $(IMAGES)/debian-6.1.img \
                $(GUESTS)/guests.img \
                $(if $(filter %/fuzz-mutants.t,$(SYSTEM_TESTS)),$(MUTANTS_FUZZ:%=$(MUTANTS_OUT)/%/pavise)) \
                $(if $(filter %/guest-mutants.t,$(SYSTEM_TESTS)),$(MUTANTS_GUEST:%=$(MUTANTS_OUT)/%/pavise)) \
                $(if $(filter debian,$(HV)),$(PEER_HV))

.PHONY: test-system test-system-images
test-system-images: $(SYSTEM_IMAGES)

test-system:
	+$(Q)$(MAKE) --no-print-directory all
	$(NEED_HV)
	+$(Q)$(MAKE) --no-print-directory test-system-images
	+$(Q)$(MAKE) --no-print-directory iso-now
	$(Q)$(RUN_ENV) PERL_TEST_HARNESS_DUMP_TAP=$(BUILD)/tap prove -j$(SYSTEM_JOBS) --timer $(SYSTEM_TESTS)
