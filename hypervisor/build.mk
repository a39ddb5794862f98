# SPDX-License-Identifier: MIT
# The hypervisor image, build/pavise. `make hv-objs` only compiles.

HV_OUT      := $(BUILD)/hypervisor
HV_DIRS     := lib mm hypercall evtchn grant sched time domain console audit \
               x86/boot x86/cpu x86/traps x86/pv x86/mm x86/dev \
               $(if $(filter y,$(COVERAGE)),coverage)
HV_NOT      :=
include hypervisor/x86/boot/decompress.mk
HV_SRCS     := $(foreach d,$(HV_DIRS),$(wildcard hypervisor/$(d)/*.c hypervisor/$(d)/*.S))
HV_OBJS     := $(patsubst hypervisor/%,$(HV_OUT)/%.o,$(filter-out $(HV_NOT),$(HV_SRCS)))

HV_CPPFLAGS := -D__PAVISE_HYPERVISOR__ -DCONFIG_DEBUG=$(if $(filter y,$(DEBUG)),1,0) \
               -DCONFIG_AUDIT=$(if $(filter y,$(AUDIT)),1,0) \
               -DCONFIG_COVERAGE=$(if $(filter y,$(COVERAGE)),1,0) \
               -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
               -Ihypervisor/include -Ihypervisor/x86/include -I$(HV_OUT)/gen -DHV_VERSION_STRING=\"$(VERSION)\" -DHV_COMPILER=\"$(notdir $(CC))\"
# Indirect branches go through x86/cpu/thunk.S.
HV_THUNK    := $(if $(findstring clang,$(CC)),-mretpoline-external-thunk,\
               -mindirect-branch=thunk-extern -mindirect-branch-register)
HV_CFLAGS   := -std=gnu11 -O2 -g $(PATH_FLAGS) $(WARNINGS) -ffreestanding -fpie -mcmodel=small -include hv/visibility.h \
               -mno-red-zone -mgeneral-regs-only -fno-strict-aliasing -fno-common \
               -fno-asynchronous-unwind-tables -fno-jump-tables \
               -fstack-protector-strong -mstack-protector-guard=global $(HV_THUNK) \
               -ffunction-sections -Wno-sign-compare \
               $(if $(filter y,$(COVERAGE)),-fsanitize-coverage=trace-pc)

$(HV_OUT)/%.c.o: hypervisor/%.c $(BUILD)/knobs
	@mkdir -p $(@D)
	$(Q)echo "  HV-CC   $<"
	$(Q)$(CC) $(HV_CPPFLAGS) $(HV_CFLAGS) -MMD -MP -c -o $@ $<

$(HV_OUT)/%.S.o: hypervisor/%.S $(BUILD)/knobs
	@mkdir -p $(@D)
	$(Q)echo "  HV-AS   $<"
	$(Q)$(CC) $(HV_CPPFLAGS) -g $(PATH_FLAGS) -D__ASSEMBLY__ -MMD -MP -c -o $@ $<

.PHONY: hv-objs
hv-objs: $(HV_OBJS)

# ---- structure offsets for assembly
$(HV_OUT)/gen/asm-offsets.h: hypervisor/x86/asm-offsets.c
	@mkdir -p $(@D)
	$(Q)echo "  GEN     $@"
	$(Q)$(CC) $(HV_CPPFLAGS) $(HV_CFLAGS) -MMD -MP -MT $@ -MF $@.d -S -o - $< | \
		sed -n 's/^[[:space:]]*\(#define [A-Za-z_0-9]* -\?[0-9]*\).*/\1/p' > $@

$(filter %.S.o,$(HV_OBJS)): $(HV_OUT)/gen/asm-offsets.h

# ---- linking: once without symbols, then with the table made from that
HV_LDS      := $(HV_OUT)/hv.lds
HV_LDFLAGS  := -nostdlib -static --build-id=sha1 -z noexecstack --no-warn-rwx-segments \
               --gc-sections -T $(HV_LDS) \
               $(if $(findstring clang,$(CC)),--no-relax) # its canary comes by the GOT

$(HV_LDS): hypervisor/x86/hv.lds.S
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -D__ASSEMBLER__ $(HV_CPPFLAGS) -MMD -MP -MT $@ -MF $@.d -o $@ $<

HV_LINK = $(LD) $(HV_LDFLAGS) -o $@ $(HV_OBJS) $(DECOMP_OBJ) $(filter %symbols.o %symbols0.o,$^)

# The symbol table of the image, for readable stacks: offsets of functions in
# address order, and their names. It stands behind everything it describes.
HV_SYMBOLS = awk 'BEGIN { print "\t.section .symtab_hv, \"a\"\n\t.balign 4" } \
	NF == 3 && tolower($$2) == "t" && !seen[$$1]++ { a[++n] = $$1; s[n] = $$3 } \
	END { print "\t.globl symbols_count, symbols_offset, symbols_name, symbols_names"; \
	      print "symbols_count:\t.long " n + 0 "\nsymbols_offset:"; \
	      for (i = 1; i <= n; i++) print "\t.long 0x" substr(a[i], 9) " - 0x80000000"; \
	      print "symbols_name:"; o = 0; \
	      for (i = 1; i <= n; i++) { print "\t.long " o; o += length(s[i]) + 1 } \
	      print "symbols_names:"; \
	      for (i = 1; i <= n; i++) print "\t.asciz \"" s[i] "\"" }'

$(HV_OUT)/symbols0.S:
	@mkdir -p $(@D)
	$(Q)echo | $(HV_SYMBOLS) > $@

$(HV_OUT)/symbols.S: $(HV_OUT)/pavise0.elf
	$(Q)$(NM) -n $< | $(HV_SYMBOLS) > $@

$(HV_OUT)/%.o: $(HV_OUT)/%.S
	$(Q)$(CC) -c -o $@ $<

$(HV_OUT)/pavise0.elf: $(HV_OBJS) $(DECOMP_OBJ) $(HV_LDS) $(HV_OUT)/symbols0.o
	$(Q)$(HV_LINK)

$(HV_OUT)/pavise.elf: $(HV_OBJS) $(DECOMP_OBJ) $(HV_LDS) $(HV_OUT)/symbols.o
	$(Q)echo "  LD      $@"
	$(Q)$(HV_LINK)

$(BUILD)/pavise: $(HV_OUT)/pavise.elf
	$(Q)echo "  IMAGE   $@"
	$(Q)$(OBJCOPY) -O binary $< $@
	$(Q)cp $< $@-syms
ALL += $(BUILD)/pavise
