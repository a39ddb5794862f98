# SPDX-License-Identifier: MIT
# Our public headers against Debian's libxen-dev, at compile time.
#
# items.awk lists every constant, type, structure and field of our headers. The
# list is compiled with Debian's headers into a header of reference values, and
# with ours into assertions against these.

ABI             := $(BUILD)/tests/abi
ABI_SRC         := tests/abi
ABI_INC         := hypervisor/include
ABI_DEBIAN      ?= /usr/include/xen
ABI_HEADERS     := $(patsubst $(ABI_INC)/%,%,$(sort $(wildcard $(ABI_INC)/public/*.h \
                     $(ABI_INC)/public/*/*.h)))
ABI_DEPS        := $(ABI_HEADERS:%=$(ABI_INC)/%) $(ABI_SRC)/build.mk

# Each header must compile alone, in each of these languages.
ABI_LANGUAGES   := c89 c99 c11 c++98 c++17
ABI_CC_c89      := $(CC) -x c -std=c89
ABI_CC_c99      := $(CC) -x c -std=c99
ABI_CC_c11      := $(CC) -x c -std=c11 -ffreestanding
ABI_CC_c++98    := g++ -x c++ -std=c++98
ABI_CC_c++17    := g++ -x c++ -std=c++17
ABI_WARN        := -pedantic -Wall -Wextra -Wundef -Werror

.PHONY: tests test-abi
tests: test-abi
test-abi: $(ABI_LANGUAGES:%=$(ABI)/alone-%) $(ABI_LANGUAGES:%=$(ABI)/hv-alone-%) $(ABI)/check \
	  $(ABI_LANGUAGES:%=$(ABI)/same-%) $(ABI)/same-hv
	$(Q)$(ABI)/check

$(ABI)/alone-%: $(ABI_DEPS)
	@mkdir -p $(@D)
	$(Q)set -e; for h in $(ABI_HEADERS); do \
		printf '#include <%s>\ntypedef int not_empty;\n' $$h | \
		$(ABI_CC_$*) $(ABI_WARN) -I$(ABI_INC) -fsyntax-only -; done
	@touch $@

$(ABI)/hv-alone-%: $(ABI_DEPS)
	@mkdir -p $(@D)
	$(Q)set -e; for h in $(ABI_HEADERS); do \
		printf '#include <%s>\ntypedef int not_empty;\n' $$h | \
		$(ABI_CC_$*) $(ABI_WARN) -D__PAVISE_HYPERVISOR__ -I$(ABI_INC) -fsyntax-only -; done
	@touch $@

# The list. gcc takes the comments off; the script knows every line it reads.
$(ABI)/items.h: $(ABI_SRC)/items.awk $(ABI_SRC)/ours $(ABI_SRC)/expressions.h $(ABI_DEPS)
	@mkdir -p $(@D)
	$(Q)set -e; for h in $(ABI_HEADERS); do echo "@header $$h"; \
		gcc -w -fpreprocessed -dD -E -P $(ABI_INC)/$$h; done >$(ABI)/stripped
	$(Q)awk -f $(ABI_SRC)/items.awk $(ABI_SRC)/ours $(ABI_SRC)/expressions.h \
		$(ABI)/stripped >$@
	$(Q)for h in public/xen.h $(ABI_HEADERS); do echo "#include <$$h>"; done >$(ABI)/headers.h

# Debian's values. Their headers are seen as <public/...> too.
$(ABI)/reference.h: $(ABI_SRC)/reference.c $(ABI)/items.h
	$(Q)[ -d $(ABI_DEBIAN) ] || { echo "test-abi: needs the package libxen-dev"; exit 1; }
	@mkdir -p $(ABI)/debian
	$(Q)ln -sfn $(ABI_DEBIAN) $(ABI)/debian/public
	$(Q)gcc -std=gnu11 -D__XEN_TOOLS__ -I. -I$(ABI)/debian -I$(ABI) -S -o $(ABI)/reference.s $<
	$(Q)sed -n -e 's/^@\([A-Za-z0-9_]*\) $$-\([0-9]*\)$$/#define REF_\1 (0UL - \2UL)/p' \
		-e 's/^@\([A-Za-z0-9_]*\) $$\([0-9]*\)$$/#define REF_\1 \2UL/p' \
		$(ABI)/reference.s >$@

ABI_CHECK       := $(ABI_SRC)/check.c $(ABI)/items.h $(ABI)/reference.h

$(ABI)/same-%: $(ABI_CHECK)
	$(Q)$(ABI_CC_$*) -I. -I$(ABI_INC) -I$(ABI) -fsyntax-only $<
	@touch $@

$(ABI)/same-hv: $(ABI_CHECK)
	$(Q)$(CC) -std=gnu11 -D__PAVISE_HYPERVISOR__ -I. -I$(ABI_INC) -I$(ABI) -fsyntax-only $<
	@touch $@

$(ABI)/check: $(ABI_CHECK)
	$(Q)$(CC) -std=gnu11 -I. -I$(ABI_INC) -I$(ABI) -o $@ $<

# ---- docs/abi/hypercalls.md against the hypervisor's lists, and these against its code
ABI_HC          := $(ABI)/hypercalls
ABI_HC_DOC      := docs/abi/hypercalls.md
ABI_HC_SRCS     := $(shell find hypervisor -path hypervisor/hosttest -prune -o \
                     -name '*.c' ! -name subops.c -print)

.PHONY: test-abi-hypercalls docs-hypercalls
test-abi: test-abi-hypercalls
test-abi-hypercalls: $(ABI_HC)
	$(Q)$(ABI_HC) check $(ABI_HC_DOC)
	$(Q)$(ABI_HC) list >$(ABI)/subops
	$(Q)awk -f $(ABI_SRC)/handlers.awk $(ABI)/subops $(ABI_HC_SRCS)

# Writes the document's tables anew; the text round them stays.
docs-hypercalls: $(ABI_HC)
	$(Q)$(ABI_HC) write $(ABI_HC_DOC) >$(ABI)/hypercalls.md
	$(Q)cp $(ABI)/hypercalls.md $(ABI_HC_DOC)

$(ABI_HC): $(ABI_SRC)/hypercalls.c hypervisor/hypercall/list.h hypervisor/hypercall/subops.h \
		$(ABI_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TOOLS_CPPFLAGS) $(TOOLS_CFLAGS) -o $@ $<
