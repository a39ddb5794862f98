# SPDX-License-Identifier: MIT
# Unit tests of the hypervisor's own modules, compiled for the host.
#
# $(eval $(call unit-hv-test,NAME,SOURCES)) makes a test program of
# tests/unit/hypervisor/NAME.c and SOURCES, sanitizers on, and runs it in
# `make test-unit-hypervisor`. LIBS-NAME are extra libraries. Packages:
# libcmocka-dev, libcapstone-dev.

UNIT_HV         := tests/unit/hypervisor
include hypervisor/hosttest/hosttest.mk
CFLAGS-$(UNIT_HV) := $(HT_CFLAGS)
UNIT_HV_PROGS   :=

define unit-hv-test
UNIT_HV_OBJS-$(1) := $$(BUILD)/san/$$(UNIT_HV)/$(1).o $$(patsubst %.c,$$(BUILD)/san/%.o,$(2))
UNIT_HV_PROGS += $$(BUILD)/$$(UNIT_HV)/$(1)
$$(BUILD)/$$(UNIT_HV)/$(1): $$(UNIT_HV_OBJS-$(1))
	@mkdir -p $$(@D)
	$$(Q)echo "  LD-SAN  $$@"
	$$(Q)$$(CC) $$(SAN_CFLAGS) -o $$@ $$^ -lcmocka $$(LIBS-$(1))
endef

$(eval $(call unit-hv-test,test_elf,hypervisor/lib/elf.c hypervisor/lib/elf_xen.c \
	hypervisor/lib/bzimage.c))

UNIT_HV_INSN    := $(addprefix hypervisor/x86/pv/,insn.c insn_priv.c insn_rmw.c)
$(eval $(call unit-hv-test,test_insn_native,$(UNIT_HV_INSN)))
LIBS-test_insn  := -lcapstone
$(eval $(call unit-hv-test,test_insn,$(UNIT_HV_INSN)))

CFLAGS-hypervisor/x86/dev += -Ihypervisor/x86/include
$(eval $(call unit-hv-test,test_rangeset,hypervisor/lib/rangeset.c))
$(eval $(call unit-hv-test,test_vector,hypervisor/x86/dev/vector.c))
$(eval $(call unit-hv-test,test_acpi,$(addprefix hypervisor/x86/dev/,acpi_tables.c acpi_parse.c)))
$(eval $(call unit-hv-test,test_msi,$(addprefix hypervisor/x86/dev/,msi.c pci_port.c)))

UNIT_HV_PORTS   := $(HT_MACHINE) $(HT_DOMAIN) $(HT)/sched.c $(HT)/tables.c
$(eval $(call unit-hv-test,test_evtchn,$(UNIT_HV_PORTS)))
$(eval $(call unit-hv-test,test_evtchn_fifo,$(UNIT_HV_PORTS)))
LIBS-test_evtchn_threads := -lpthread
$(eval $(call unit-hv-test,test_evtchn_threads,$(UNIT_HV_PORTS)))
$(eval $(call unit-hv-test,test_grant,$(UNIT_HV_PORTS)))
$(eval $(call unit-hv-test,test_free_frames,$(UNIT_HV_PORTS)))

# Page tables and memory operations, with the fuzzer's oracle.
FUZZ_HV_MM      := tests/fuzz/hypervisor/mm
CFLAGS-$(FUZZ_HV_MM) := $(HT_CFLAGS)
LIBS-test_mm    := -lpthread
$(eval $(call unit-hv-test,test_mm,$(HT_MACHINE) $(HT_MM) $(FUZZ_HV_MM)/audit.c))
$(eval $(call unit-hv-test,test_memory_op,$(HT_MACHINE) $(HT_MM)))
$(eval $(call unit-hv-test,test_mm_model,$(HT_MACHINE) $(HT_MM) \
	$(addprefix $(FUZZ_HV_MM)/,audit.c world.c)))

$(eval $(call unit-hv-test,test_emulate,$(HT_MACHINE) $(HT_EMULATION) $(FUZZ_HV_MM)/audit.c))
$(eval $(call unit-hv-test,test_policy,$(HT_MACHINE) $(HT_EMULATION)))

$(eval $(call unit-hv-test,test_xpti,$(HT_MACHINE) hypervisor/x86/mm/own_tables.c \
	$(filter-out $(HT)/roots.c $(HT)/audit.c,$(HT_MM))))
$(eval $(call unit-hv-test,test_context,$(HT_MACHINE) $(filter-out $(HT)/audit.c,$(HT_DOMAIN)) $(HT)/sched.c $(HT)/tables.c \
	hypervisor/x86/pv/context.c))

# How much is done without a look at what is due: basic blocks are counted, so this
# one has the hypervisor's optimization, a counter in each block, and no sanitizers.
UNIT_HV_STEPS   := $(HT_MACHINE) $(HT_MM)
$(BUILD)/steps/%.o: %.c
	@mkdir -p $(@D)
	$(Q)echo "  CC-STEP $<"
	$(Q)$(CC) $(TOOLS_CPPFLAGS) $(TOOLS_CFLAGS) $(HT_CFLAGS) -fsanitize-coverage=trace-pc \
		-MMD -MP -c -o $@ $<

UNIT_HV_PROGS   += $(BUILD)/$(UNIT_HV)/test_preempt
UNIT_HV_OBJS-test_preempt := $(BUILD)/obj/$(UNIT_HV)/test_preempt.o \
                   $(patsubst %.c,$(BUILD)/obj/%.o,$(filter $(HT)/%,$(UNIT_HV_STEPS))) \
                   $(patsubst %.c,$(BUILD)/steps/%.o,$(filter-out $(HT)/%,$(UNIT_HV_STEPS)))
$(BUILD)/$(UNIT_HV)/test_preempt: $(UNIT_HV_OBJS-test_preempt)
	@mkdir -p $(@D)
	$(Q)echo "  LD      $@"
	$(Q)$(CC) -o $@ $^ -lcmocka

CFLAGS-hypervisor/x86/mm := $(HT_CFLAGS)
$(eval $(call unit-hv-test,test_entry,hypervisor/x86/pv/entry.c))
$(eval $(call unit-hv-test,test_guest_copy,hypervisor/x86/mm/guest_copy.c))

UNIT_HV_CMDLINE := hypervisor/lib/cmdline.c hypervisor/lib/cmdline_list.c
UNIT_HV_TEXT    := $(addprefix hypervisor/lib/,printf.c string.c)
$(eval $(call unit-hv-test,test_printf,$(UNIT_HV_TEXT)))
$(eval $(call unit-hv-test,test_lib,$(addprefix hypervisor/lib/,bitops.c e820.c string.c) \
	$(UNIT_HV)/own_string.c))
$(eval $(call unit-hv-test,test_cmdline,$(UNIT_HV_CMDLINE) $(UNIT_HV_TEXT)))
$(eval $(call unit-hv-test,test_bootinfo,$(addprefix hypervisor/lib/,e820.c string.c)))
CFLAGS-hypervisor/console := $(HT_CFLAGS)
$(eval $(call unit-hv-test,test_console,hypervisor/console/console.c hypervisor/console/conring.c \
	$(UNIT_HV_CMDLINE) $(UNIT_HV_TEXT)))

UNIT_HV_SCHED   := $(UNIT_HV)/sim.c $(HT_MACHINE) $(HT_DOMAIN) $(HT)/tables.c \
	$(wildcard hypervisor/sched/*.c) $(addprefix hypervisor/time/,timer.c softirq.c)
$(eval $(call unit-hv-test,test_sched,$(UNIT_HV_SCHED)))
LIBS-test_sched_threads := -lpthread
$(eval $(call unit-hv-test,test_sched_threads,$(UNIT_HV_SCHED)))

# Real domains and vCPUs, too.
LIBS-test_domain := -lpthread
CFLAGS-hypervisor/domain := $(HT_CFLAGS)
$(eval $(call unit-hv-test,test_domain,$(HT_MACHINE) \
	$(filter-out $(addprefix $(HT)/,domain.c sched.c),$(HT_MM)) $(UNIT_HV_TEXT) \
	$(addprefix hypervisor/domain/,domain.c vcpu.c) $(wildcard hypervisor/sched/*.c) \
	$(addprefix hypervisor/time/,timer.c softirq.c)))

LIBS-test_spinlock := -lpthread
$(eval $(call unit-hv-test,test_spinlock,$(HT_MACHINE) $(HT_DOMAIN) $(HT)/sched.c $(HT)/tables.c))
$(eval $(call unit-hv-test,test_time,$(HT_MACHINE) $(HT_DOMAIN) $(HT)/sched.c $(HT)/tables.c \
	$(addprefix hypervisor/time/,time.c timer.c softirq.c)))

CFLAGS-hypervisor/hypercall := $(HT_CFLAGS)
$(eval $(call unit-hv-test,test_dispatch,$(addprefix hypervisor/hypercall/,dispatch.c subops.c)))
$(eval $(call unit-hv-test,test_domctl,$(UNIT_HV)/sim.c $(HT_MACHINE) $(HT_DOMAIN) $(HT)/tables.c \
	$(wildcard hypervisor/sched/*.c) $(addprefix hypervisor/time/,timer.c softirq.c) \
	hypervisor/lib/rangeset.c hypervisor/x86/pv/domctl.c hypervisor/hypercall/xenctl_bitmap.c \
	$(wildcard hypervisor/hypercall/domctl*.c) $(wildcard hypervisor/hypercall/sysctl*.c)))

# The decompressors' object, in a program without a C library. It unpacks a
# file of about half a MiB: the object itself.
UNIT_HV_DECOMP  := $(BUILD)/$(UNIT_HV)/test_decompress
$(UNIT_HV_DECOMP): $(UNIT_HV)/test_decompress.c hypervisor/lib/bzimage.c hypervisor/lib/elf.c \
		$(DECOMP_OBJ)
	@mkdir -p $(@D)
	$(Q)echo "  LD      $@"
	$(Q)$(CC) -std=gnu11 -O1 -g $(WARNINGS) -ffreestanding -fno-builtin \
		-fno-stack-protector -ffunction-sections -fno-pie -static -nostdlib \
		-Ihypervisor/include -Wl,-Ttext-segment=0x10000000 -Wl,--gc-sections -o $@ $^

.PHONY: test-unit-hypervisor test-unit-decompress
test-unit-hypervisor: test-unit-decompress
test-unit-decompress: $(UNIT_HV_DECOMP)
	$(Q)echo "  TEST    $<"
	$(Q)$(UNIT_HV)/test_decompress.sh $< $(DECOMP_OBJ) $(BUILD)/$(UNIT_HV)/payloads

# The faults of tests/fuzz/mutants that a unit test has to find (`Test: NAME`): a part of
# `make test-fuzz-mutants`. The steps are counted in other objects.
UNIT_MUTANTS    := $(sort $(shell sed -n 's/^Test: *//p' tests/fuzz/mutants/*.patch))
UNIT_MUTANT_CC  := $(CC) $(TOOLS_CPPFLAGS) $(TOOLS_CFLAGS) $(HT_CFLAGS)
UNIT_MUTANT_PREFIX := $(BUILD)/san
UNIT_MUTANT_SAN := $(SAN_CFLAGS)
test-fuzz-mutants-test_preempt: UNIT_MUTANT_PREFIX := $(BUILD)/steps
test-fuzz-mutants-test_preempt: UNIT_MUTANT_SAN := -fsanitize-coverage=trace-pc

.PHONY: $(UNIT_MUTANTS:%=test-fuzz-mutants-%)
$(UNIT_MUTANTS:%=test-fuzz-mutants-%): test-fuzz-mutants-%: $(BUILD)/$(UNIT_HV)/%
	$(Q)tests/fuzz/mutants/run.sh $* $(BUILD)/tests/fuzz/mutants \
		'$(UNIT_MUTANT_CC) $(UNIT_MUTANT_SAN)' '$(UNIT_HV_OBJS-$*) -lcmocka $(LIBS-$*)' \
		$(UNIT_MUTANT_PREFIX)
test-fuzz-mutants: $(UNIT_MUTANTS:%=test-fuzz-mutants-%)

test-unit: test-unit-hypervisor
test-unit-hypervisor: $(UNIT_HV_PROGS)
	$(Q)for t in $(UNIT_HV_PROGS); do echo "  TEST    $$t"; ./$$t || exit 1; done
