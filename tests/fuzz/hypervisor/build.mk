# SPDX-License-Identifier: MIT
# The hypervisor's fuzzers. Kinds: what it reads of others (kernels, boot loaders,
# firmware, command line, console readers, guests' instructions). Models: its own state,
# over the fake machine of the unit tests, with a model of the rules as the oracle.
include hypervisor/hosttest/hosttest.mk
FUZZ_HV         := $(FUZZ_BUILD)/hypervisor
FUZZ_HV_SRC     := tests/fuzz/hypervisor
FUZZ_HV_KINDS   := kernel multiboot acpi cmdline conring insn
FUZZ_MODELS     := mm grant evtchn emulate
$(eval $(call fuzz-group,hypervisor,$(HT_CFLAGS)))

FUZZ_HV_TEXT          := $(addprefix hypervisor/lib/,printf.c string.c)
FUZZ_HV_SRCS_kernel   := $(addprefix hypervisor/lib/,elf.c elf_xen.c bzimage.c)
FUZZ_HV_SRCS_multiboot := $(addprefix hypervisor/lib/,e820.c string.c)
FUZZ_HV_SRCS_acpi     := $(addprefix hypervisor/x86/dev/,acpi_tables.c acpi_parse.c)
FUZZ_HV_SRCS_cmdline  := hypervisor/lib/cmdline.c hypervisor/lib/cmdline_list.c $(FUZZ_HV_TEXT)
FUZZ_HV_SRCS_conring  := hypervisor/console/conring.c $(FUZZ_HV_SRCS_cmdline)
# A bzImage begins with two sectors at least before its payload.
FUZZ_HV_LENGTH_kernel := 3072
FUZZ_HV_SRCS_insn     := $(addprefix hypervisor/x86/pv/,insn.c insn_priv.c insn_rmw.c)

FUZZ_MODEL_SRCS-mm := $(HT_MACHINE) $(HT_MM)
FUZZ_MODEL_SRCS-grant := $(HT_MACHINE) $(HT_DOMAIN) $(HT)/sched.c $(HT)/tables.c
FUZZ_MODEL_SRCS-evtchn := $(FUZZ_MODEL_SRCS-grant)
FUZZ_MODEL_SRCS-emulate := $(FUZZ_HV_SRC)/mm/audit.c $(HT_MACHINE) $(HT_EMULATION)

$(foreach k,$(FUZZ_HV_KINDS),$(eval $(call fuzz-program,$(k),hypervisor,$(FUZZ_HV)/fuzz_$(k),\
	$(FUZZ_HV_SRC)/fuzz_$(k).c $(FUZZ_HV_SRCS_$(k)),$(or $(FUZZ_HV_LENGTH_$(k)),1024),$(wildcard $(FUZZ_HV_SRC)/seeds-$(k)))))
$(foreach k,$(FUZZ_MODELS),$(eval $(call fuzz-program,$(k),hypervisor,$(FUZZ_HV)/model_$(k),\
	$(wildcard $(FUZZ_HV_SRC)/$(k)/*.c) $(FUZZ_MODEL_SRCS-$(k)),2048)))

.PHONY: fuzz-hypervisor fuzz-models
fuzz-hypervisor: $(FUZZ_HV_KINDS:%=fuzz-%)
fuzz-models: $(FUZZ_MODELS:%=fuzz-%)
