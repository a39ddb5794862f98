# SPDX-License-Identifier: MIT
# make fuzz-hypervisor: libFuzzer on what the hypervisor reads of others (kernels,
# boot loaders, firmware, command line, console readers, guests' instructions),
# FUZZ_SECONDS each (default 60); the corpus is kept. Package: clang.
FUZZ_HV         := $(BUILD)/tests/fuzz/hypervisor
FUZZ_HV_SRC     := tests/fuzz/hypervisor
FUZZ_HV_KINDS   := kernel multiboot acpi cmdline conring insn
FUZZ_SECONDS    ?= 60

FUZZ_HV_TEXT          := $(addprefix hypervisor/lib/,printf.c string.c)
FUZZ_HV_SRCS_kernel   := $(addprefix hypervisor/lib/,elf.c elf_xen.c bzimage.c)
FUZZ_HV_SRCS_multiboot := $(addprefix hypervisor/lib/,e820.c string.c)
FUZZ_HV_SRCS_acpi     := $(addprefix hypervisor/x86/dev/,acpi_tables.c acpi_parse.c)
FUZZ_HV_SRCS_cmdline  := hypervisor/lib/cmdline.c hypervisor/lib/cmdline_list.c $(FUZZ_HV_TEXT)
FUZZ_HV_SRCS_conring  := hypervisor/console/conring.c hypervisor/lib/cmdline.c hypervisor/lib/cmdline_list.c $(FUZZ_HV_TEXT)
FUZZ_HV_SRCS_insn     := $(addprefix hypervisor/x86/pv/,insn.c insn_priv.c insn_rmw.c)

define fuzz-hv
$(FUZZ_HV)/fuzz_$(1): $(FUZZ_HV_SRC)/fuzz_$(1).c $(FUZZ_HV_SRCS_$(1)) $(wildcard hypervisor/include/hv/*.h)
	@mkdir -p $$(@D)
	$$(Q)echo "  FUZZ    $$@"
	$$(Q)$$(CLANG) $(TOOLS_CPPFLAGS) $$(HT_CFLAGS) -std=gnu11 -D_GNU_SOURCE -g -O1 \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined $(FUZZ_EXTRA) \
		-o $$@ $$(filter %.c,$$^)
endef
$(foreach k,$(FUZZ_HV_KINDS),$(eval $(call fuzz-hv,$(k))))

.PHONY: fuzz-hypervisor $(FUZZ_HV_KINDS:%=fuzz-hypervisor-%)
fuzz-hypervisor: $(FUZZ_HV_KINDS:%=fuzz-hypervisor-%)
$(FUZZ_HV_KINDS:%=fuzz-hypervisor-%): fuzz-hypervisor-%: $(FUZZ_HV)/fuzz_%
	@mkdir -p $(FUZZ_HV)/corpus-$*
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=5 -print_final_stats=1 \
		-artifact_prefix=$(FUZZ_HV)/$*- $(FUZZ_HV)/corpus-$* \
		$(wildcard $(FUZZ_HV_SRC)/seeds-$*)

FUZZERS_ALL += $(foreach k,$(FUZZ_HV_KINDS),$(k):$(FUZZ_HV)/fuzz_$(k):1024:$(wildcard \
	$(FUZZ_HV_SRC)/seeds-$(k)))

include tests/fuzz/hypervisor/models.mk
