# SPDX-License-Identifier: MIT
# xl's fuzzers: the readers of xl.cfg, libvirt XML and the JSON that is kept. Packages:
# those of dom0-tools/xl.
FUZZ_XL         := $(FUZZ_BUILD)/xl
FUZZ_XL_KINDS   := cfg xml json
FUZZ_XL_SRCS    := tests/fuzz/xl/config.c $(BUILD)/gen/dom0-tools/xl/cfg_parse.tab.c \
		   $(BUILD)/gen/dom0-tools/xl/cfg_scan.c tests/unit/xl/fake.c \
		   $(filter-out dom0-tools/xl/main.c,$(wildcard dom0-tools/xl/*.c)) \
		   $(addprefix dom0-tools/libdomain/,config.c config_finish.c config_names.c cpumap.c)
$(eval $(call fuzz-group,xl,$(CFLAGS-dom0-tools/xl)))

$(foreach k,$(FUZZ_XL_KINDS),$(eval $(call fuzz-program,$(k),xl,$(FUZZ_XL)/fuzz_$(k),\
	tests/fuzz/xl/fuzz_$(k).c $(FUZZ_XL_SRCS),2048,tests/fuzz/xl/seeds-$(k),-lyajl -luuid)))

.PHONY: fuzz-xl
fuzz-xl: $(FUZZ_XL_KINDS:%=fuzz-%)
