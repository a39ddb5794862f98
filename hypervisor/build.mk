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
               -Ihypervisor/include -Ihypervisor/x86/include -I$(HV_OUT)/gen
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
