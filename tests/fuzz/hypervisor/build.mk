# SPDX-License-Identifier: MIT
# make fuzz-hypervisor: libFuzzer on what the hypervisor reads of others (kernels,
# boot loaders, firmware, command line, console readers, guests' instructions),
# FUZZ_SECONDS each (default 60). make test-fuzz-hypervisor, of `make test`: a few
# thousand inputs each, the same ones every time. Package: clang.
FUZZ_HV         := $(BUILD)/tests/fuzz/hypervisor
FUZZ_HV_SRC     := tests/fuzz/hypervisor
FUZZ_HV_KINDS   := kernel multiboot acpi cmdline conring insn
FUZZ_SECONDS    ?= 60

FUZZ_HV_TEXT          := $(addprefix hypervisor/lib/,printf.c string.c)
FUZZ_HV_SRCS_kernel   := $(addprefix hypervisor/lib/,elf.c elf_xen.c bzimage.c)
FUZZ_HV_SRCS_multiboot := $(addprefix hypervisor/lib/,e820.c string.c)
FUZZ_HV_SRCS_acpi     := $(addprefix hypervisor/x86/dev/,acpi_tables.c acpi_parse.c)
FUZZ_HV_SRCS_cmdline  := hypervisor/lib/cmdline.c $(FUZZ_HV_TEXT)
FUZZ_HV_SRCS_conring  := hypervisor/console/conring.c hypervisor/lib/cmdline.c $(FUZZ_HV_TEXT)
FUZZ_HV_SRCS_insn     := $(addprefix hypervisor/x86/pv/,insn.c insn_priv.c insn_rmw.c)

define fuzz-hv
$(FUZZ_HV)/fuzz_$(1): $(FUZZ_HV_SRC)/fuzz_$(1).c $(FUZZ_HV_SRCS_$(1)) $(wildcard hypervisor/include/hv/*.h)
	@mkdir -p $$(@D)
	$$(Q)echo "  FUZZ    $$@"
	$$(Q)$$(CLANG) $(TOOLS_CPPFLAGS) $$(HT_CFLAGS) -std=gnu11 -D_GNU_SOURCE -g -O1 \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
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

.PHONY: test-fuzz test-fuzz-hypervisor
test-fuzz: test-fuzz-hypervisor
test-fuzz-hypervisor: $(FUZZ_HV_KINDS:%=$(FUZZ_HV)/fuzz_%)
	$(Q)for k in $(FUZZ_HV_KINDS); do echo "  FUZZ    $$k"; \
		$(FUZZ_HV)/fuzz_$$k -runs=20000 -max_total_time=5 -seed=1 -max_len=1024 -timeout=5 -verbosity=0 \
			-artifact_prefix=$(FUZZ_HV)/$$k- \
			$$(ls -d $(FUZZ_HV_SRC)/seeds-$$k 2>/dev/null) >$(FUZZ_HV)/$$k.log 2>&1 || \
			{ tail -40 $(FUZZ_HV)/$$k.log; exit 1; }; done

include tests/fuzz/hypervisor/models.mk
