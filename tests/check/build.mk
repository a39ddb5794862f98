# SPDX-License-Identifier: MIT
# `make check`: what can be said without running anything. Each part can be run
# alone: make check-format, check-tidy, ...
#
# What was found clean is remembered (build/check/), file by file.

CHECK           := $(BUILD)/check
CHECK_DIRS      := hypervisor dom0-tools xenstore pv-drivers tests
CHECK_C         := $(shell find $(wildcard $(CHECK_DIRS)) -name '*.c')
CHECK_H         := $(shell find $(wildcard $(CHECK_DIRS)) -name '*.h')
CHECK_SHELL     := $(shell grep -lIrE --exclude='*.mk' '^\#!/bin/(ba)?sh|^\# shellcheck shell=' \
                     .ci $(wildcard $(CHECK_DIRS)))
CHECK_PERL      := $(shell grep -lIrE '^\#!/usr/bin/perl|^package ' $(wildcard tests))
# The hypervisor's own files, and those that are compiled otherwise than by the
# general rules (each such folder says so in its build.mk).
CHECK_HV_C      := $(filter hypervisor/%,$(filter-out hypervisor/hosttest/%,$(CHECK_C)))
CHECK_TOOL_C    := $(filter dom0-tools/% xenstore/% pv-drivers/%,$(CHECK_C))
CHECK_HV_H      := $(filter hypervisor/include/hv/% hypervisor/x86/include/%,$(CHECK_H))
CHECK_TOOL_H    := $(filter dom0-tools/% xenstore/% pv-drivers/%,$(CHECK_H))

.PHONY: check check-format check-tidy check-cppcheck check-shell check-perl check-headers check-compilers
.PHONY: check-rules check-mutants check-options
# By a second make: sources include what the build makes (offsets, grammars).
check: all
	+$(Q)$(MAKE) --no-print-directory check-format check-headers check-shell check-perl check-rules check-mutants check-options \
		check-cppcheck check-tidy check-compilers

$(CHECK)/format/%.ok: % .clang-format
	@mkdir -p $(@D)
	$(Q)clang-format --dry-run -Werror $<
	@touch $@

check-format: $(patsubst %,$(CHECK)/format/%.ok,$(CHECK_C) $(CHECK_H))

# Headers compile alone.
$(CHECK)/header/%.ok: %
	@mkdir -p $(@D)
	$(Q)$(CC) $(if $(filter hypervisor/%,$<),$(HV_CPPFLAGS) $(HV_CFLAGS),$(TOOLS_CPPFLAGS) \
		$(TOOLS_CFLAGS) $(CFLAGS-$(patsubst %/,%,$(dir $<)))) -Wno-unused-function -fsyntax-only -x c \
		-include $< /dev/null
	@touch $@

check-headers: $(patsubst %,$(CHECK)/header/%.ok,$(CHECK_HV_H) $(CHECK_TOOL_H))

check-shell:
	$(Q)echo "  CHECK   shellcheck"
	$(Q)shellcheck -x $(CHECK_SHELL)

check-perl:
	$(Q)echo "  CHECK   perl"
	$(Q)for f in $(CHECK_PERL); do perl -Itests/lib -wc $$f 2>&1 | grep -v 'syntax OK$$' && exit 1; done; :

# The rules of isolation are named where they are kept and where they are tried.
check-rules:
	$(Q)echo "  CHECK   rules of docs/isolation.md"
	$(Q)perl tests/check/rules.pl docs/isolation.md \
		$$(find hypervisor -path hypervisor/hosttest -prune -o -name '*.[chS]' -print) -- \
		$$(find tests -name '*.[ch]' -o -name '*.t' -o -name '*.sh') -- tests/fuzz/mutants/*.patch

# The faults that tests have to find can still be put back.
check-mutants:
	$(Q)echo "  CHECK   tests/fuzz/mutants"
	$(Q)bad=0; for p in tests/fuzz/mutants/*.patch; do \
		patch -p1 -s -f --dry-run <$$p >/dev/null || { echo "$$p doesn't apply"; bad=1; }; \
		done; exit $$bad

# Each option of the hypervisor is in the document.
check-options:
	$(Q)echo "  CHECK   docs/command-line.md"
	$(Q)grep -rhoP 'CMDLINE_[A-Z]+\("\K[^"]+' hypervisor/*/ hypervisor/x86/*/ --include=*.c | sort -u | \
		{ bad=0; while read -r o; do grep -q "^| .$$o[=\`]\|\`$$o=*\`" docs/command-line.md || \
		{ echo "docs/command-line.md lacks $$o"; bad=1; }; done; exit $$bad; }

$(CHECK)/tidy/%.ok: % .clang-tidy
	@mkdir -p $(@D)
	$(Q)echo "  TIDY    $<"
	$(Q)clang-tidy --quiet $< -- $(if $(filter hypervisor/%,$<),$(filter-out -nostdinc -isystem \
		$(shell $(CC) -print-file-name=include),$(HV_CPPFLAGS)) -std=gnu11 -ffreestanding,\
		$(TOOLS_CPPFLAGS) $(CFLAGS-$(patsubst %/,%,$(dir $<))) -std=gnu11 -D_GNU_SOURCE) \
		2>$@.log || { cat $@.log; exit 1; }
	@touch $@

check-tidy: $(patsubst %,$(CHECK)/tidy/%.ok,$(CHECK_HV_C) $(CHECK_TOOL_C))

check-cppcheck:
	$(Q)echo "  CHECK   cppcheck"
	$(Q)mkdir -p $(CHECK)/cppcheck
	$(Q)cppcheck -q -j2 --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=ctuuninitvar --error-exitcode=1 --cppcheck-build-dir=$(CHECK)/cppcheck \
		$(TOOLS_CPPFLAGS) -D_GNU_SOURCE $(CHECK_TOOL_C)
	@: # Marks that the linker sets (start and end of a section) are one object to us.
	$(Q)cppcheck -q -j2 --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=comparePointers \
		--error-exitcode=1 $(filter -I% -D%,$(HV_CPPFLAGS)) $(CHECK_HV_C)

# Everything without a warning, by both compilers.
check-compilers:
	+$(Q)$(MAKE) --no-print-directory BUILD=$(CHECK)/gcc CC=gcc all
	+$(Q)$(MAKE) --no-print-directory BUILD=$(CHECK)/clang CC=$(CLANG) all
