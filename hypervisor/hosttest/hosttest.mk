# SPDX-License-Identifier: MIT
# The fake machine for unit tests: see include/hosttest/machine.h. A test program
# takes $(HT_MACHINE) and then each part either real or fake.

HT_CFLAGS       := -Ihypervisor/hosttest/include -Ihypervisor/x86/include -DCONFIG_DEBUG=1 \
                   -fno-strict-aliasing -Wno-sign-compare
$(foreach d,hosttest mm evtchn grant sched time,$(eval CFLAGS-hypervisor/$(d) := $(HT_CFLAGS)))
CFLAGS-hypervisor/lib := $(HT_CFLAGS)

HT              := hypervisor/hosttest
HT_MACHINE      := $(HT)/machine.c $(addprefix hypervisor/lib/,bitops.c spinlock.c) \
                   $(addprefix hypervisor/mm/,alloc.c owner.c page_alloc.c page_type.c)
HT_DOMAIN       := $(HT)/domain.c $(wildcard hypervisor/evtchn/*.c) $(wildcard hypervisor/grant/*.c) \
                   $(HT)/irq.c $(HT)/pte.c $(HT)/audit.c
