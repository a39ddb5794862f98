# SPDX-License-Identifier: MIT
# The fake machine for unit tests: see include/hosttest/machine.h. A test program
# takes $(HT_MACHINE) and then each part either real or fake.

# Frame numbers of guests become pointers into the frame table before they are
# looked at, and are not used if they are bad: that overflow is meant.
HT_CFLAGS       := -Ihypervisor/hosttest/include -Ihypervisor/x86/include -DCONFIG_DEBUG=1 \
                   -fno-strict-aliasing -Wno-sign-compare -fno-sanitize=pointer-overflow
$(foreach d,hosttest mm evtchn grant sched time x86/mm x86/pv,\
	$(eval CFLAGS-hypervisor/$(d) := $(HT_CFLAGS)))
CFLAGS-hypervisor/lib := $(HT_CFLAGS)
# Of the devices only this one; the others' tests take x86's own headers.
$(BUILD)/san/hypervisor/x86/dev/permissions.o: CFLAGS-hypervisor/x86/dev := $(HT_CFLAGS)

HT              := hypervisor/hosttest
HT_MACHINE      := $(HT)/machine.c $(addprefix hypervisor/lib/,bitops.c spinlock.c) \
                   $(addprefix hypervisor/mm/,alloc.c owner.c page_alloc.c page_type.c)
HT_EVENTS       := $(wildcard hypervisor/evtchn/*.c) $(HT)/irq.c $(HT)/sched.c
HT_GRANTS       := $(wildcard hypervisor/grant/*.c)
HT_DOMAIN       := $(HT)/domain.c $(wildcard hypervisor/evtchn/*.c) $(HT_GRANTS) \
                   $(HT)/irq.c $(HT)/pte.c $(HT)/audit.c
HT_TABLES       := $(HT)/domain.c $(HT)/audit.c $(HT)/pv.c $(HT)/roots.c $(HT)/mmu.c \
                   $(HT_EVENTS) $(HT_GRANTS) \
                   $(addprefix hypervisor/mm/,exchange.c memory_op.c) \
                   $(addprefix hypervisor/x86/mm/,grant.c mmu_update.c mmuext.c pt.c xpti.c) \
                   $(addprefix hypervisor/x86/pv/,descriptor.c domain.c) \
                   hypervisor/lib/cmdline_list.c
# Real page tables, descriptor tables, memory_op, grants in page tables.
HT_MM           := $(HT_TABLES) $(HT)/emulated.c
# The same, and the emulation of a CPU: instructions, CPUID, MSRs, ports.
HT_EMULATION    := $(HT_TABLES) $(HT)/cpu.c hypervisor/lib/rangeset.c \
                   hypervisor/x86/dev/permissions.c \
                   $(addprefix hypervisor/x86/pv/,callbacks.c cpuid.c emulate.c far_return.c \
                   insn.c insn_priv.c insn_rmw.c msr.c policy_ops.c xstate.c)
