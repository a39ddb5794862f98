# SPDX-License-Identifier: MIT
# The hypervisor image, build/pavise. `make hv-objs` only compiles.

HV_OUT      := $(BUILD)/hypervisor
HV_DIRS     := lib mm hypercall evtchn grant sched time domain console \
               x86/boot x86/cpu x86/traps x86/pv x86/mm x86/dev
HV_NOT      :=
include hypervisor/x86/boot/decompress.mk
HV_SRCS     := $(foreach d,$(HV_DIRS),$(wildcard hypervisor/$(d)/*.c hypervisor/$(d)/*.S))
HV_OBJS     := $(patsubst hypervisor/%,$(HV_OUT)/%.o,$(filter-out $(HV_NOT),$(HV_SRCS)))

HV_CPPFLAGS := -D__PAVISE_HYPERVISOR__ -DCONFIG_DEBUG=$(if $(filter y,$(DEBUG)),1,0) \
               -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
               -Ihypervisor/include -Ihypervisor/x86/include -I$(HV_OUT)/gen -DHV_VERSION_STRING=\"$(VERSION)\" -DHV_COMPILER=\"$(notdir $(CC))\"
HV_CFLAGS   := -std=gnu11 -O2 -g $(WARNINGS) -ffreestanding -fpie -mcmodel=small -fvisibility=hidden \
               -mno-red-zone -mgeneral-regs-only -fno-strict-aliasing -fno-common \
               -fno-asynchronous-unwind-tables -fno-jump-tables -fno-stack-protector \
               -ffunction-sections -Wno-sign-compare

$(HV_OUT)/%.c.o: hypervisor/%.c
	@mkdir -p $(@D)
	$(Q)echo "  HV-CC   $<"
	$(Q)$(CC) $(HV_CPPFLAGS) $(HV_CFLAGS) -MMD -MP -c -o $@ $<

$(HV_OUT)/%.S.o: hypervisor/%.S
	@mkdir -p $(@D)
	$(Q)echo "  HV-AS   $<"
	$(Q)$(CC) $(HV_CPPFLAGS) -g -D__ASSEMBLY__ -MMD -MP -c -o $@ $<

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
               --gc-sections -T $(HV_LDS)

$(HV_LDS): hypervisor/x86/hv.lds.S
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -D__ASSEMBLER__ $(HV_CPPFLAGS) -MMD -MP -MT $@ -MF $@.d -o $@ $<

$(HV_OUT)/pavise.elf: $(HV_OBJS) $(HV_LDS)
	$(Q)echo "  LD      $@"
	$(Q)$(LD) $(HV_LDFLAGS) -o $@ $(HV_OBJS)

$(BUILD)/pavise: $(HV_OUT)/pavise.elf
	$(Q)echo "  IMAGE   $@"
	$(Q)$(OBJCOPY) -O binary $< $@
