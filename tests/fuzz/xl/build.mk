# SPDX-License-Identifier: MIT
# make fuzz-xl: libFuzzer on the readers of xl.cfg, libvirt XML and the kept
# JSON, FUZZ_SECONDS each (default 60). Packages: clang and those of
# dom0-tools/xl.
FUZZ_XL         := $(BUILD)/tests/fuzz/xl
FUZZ_XL_KINDS   := cfg xml json
FUZZ_XL_PROGS   := $(FUZZ_XL_KINDS:%=$(FUZZ_XL)/fuzz_%)
FUZZ_SECONDS    ?= 60

FUZZ_XL_SRCS    := tests/fuzz/xl/fuzz_config.c $(BUILD)/gen/dom0-tools/xl/cfg_parse.tab.c \
		   $(BUILD)/gen/dom0-tools/xl/cfg_scan.c tests/unit/xl/fake.c \
		   $(filter-out dom0-tools/xl/main.c,$(wildcard dom0-tools/xl/*.c)) \
		   $(addprefix dom0-tools/libdomain/,config.c config_finish.c config_names.c cpumap.c)

$(FUZZ_XL_PROGS): $(FUZZ_XL)/fuzz_%: $(FUZZ_XL_SRCS) $(wildcard dom0-tools/xl/*.h)
	@mkdir -p $(@D)
	$(Q)echo "  FUZZ    $@"
	$(Q)$(CLANG) $(TOOLS_CPPFLAGS) $(CFLAGS-dom0-tools/xl) -std=gnu11 -D_GNU_SOURCE -g -O1 \
		-DFUZZ_$(shell echo $* | tr a-z A-Z) \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		-o $@ $(FUZZ_XL_SRCS) -lyajl -luuid

.PHONY: fuzz-xl $(FUZZ_XL_KINDS:%=fuzz-xl-%)
fuzz-xl: $(FUZZ_XL_KINDS:%=fuzz-xl-%)
$(FUZZ_XL_KINDS:%=fuzz-xl-%): fuzz-xl-%: $(FUZZ_XL)/fuzz_%
	@mkdir -p $(FUZZ_XL)/corpus-$*
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=5 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix=$(FUZZ_XL)/$*- $(FUZZ_XL)/corpus-$* \
		tests/fuzz/xl/seeds-$*

FUZZERS_ALL += $(foreach k,$(FUZZ_XL_KINDS),$(k):$(FUZZ_XL)/fuzz_$(k):1024:tests/fuzz/xl/seeds-$(k))
