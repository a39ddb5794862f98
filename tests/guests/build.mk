# SPDX-License-Identifier: MIT
# Test guests: each folder but lib/ is a small PV kernel, build/tests/guests/NAME.
# `make test-guests-peer` runs them on the reference hypervisor; TESTS="a b" chooses.

GUESTS_SRC      := tests/guests
GUESTS          := $(BUILD)/tests/guests
GUESTS_NAMES    := $(patsubst $(GUESTS_SRC)/%/main.c,%,$(sort $(wildcard $(GUESTS_SRC)/*/main.c)))
GUESTS_LIB      := start guest console evtchn store mmu grant smp remember peers
GUESTS_LIBOBJS  := $(GUESTS_LIB:%=$(GUESTS)/lib/%.o)
GUESTS_CFLAGS   := -std=gnu11 -O2 -g $(filter-out -Wmissing-prototypes,$(WARNINGS)) -ffreestanding \
                   -fno-pic -fno-pie -fno-stack-protector -fcf-protection=none -mcmodel=small \
                   -mno-red-zone -mgeneral-regs-only -fno-asynchronous-unwind-tables \
                   -fno-strict-aliasing -fno-builtin
GUESTS_CPPFLAGS := -I$(GUESTS_SRC) -Ihypervisor/include

.PHONY: guests
guests: $(GUESTS_NAMES:%=$(GUESTS)/test-%) $(GUESTS_NAMES:%=$(GUESTS)/test-%.cfg)

$(GUESTS)/%.o: $(GUESTS_SRC)/%.c
	@mkdir -p $(@D)
	$(Q)echo "  CC      $<"
	$(Q)$(CC) $(GUESTS_CPPFLAGS) $(GUESTS_CFLAGS) $(GUEST_CFLAGS-$(<D)) -MMD -MP -c -o $@ $<

$(GUESTS)/%.o: $(GUESTS_SRC)/%.S
	@mkdir -p $(@D)
	$(Q)echo "  AS      $<"
	$(Q)$(CC) $(GUESTS_CPPFLAGS) -MMD -MP -c -o $@ $<

define guest-rule
$(GUESTS)/test-$(1): $(patsubst $(GUESTS_SRC)/%.c,$(GUESTS)/%.o,$(wildcard $(GUESTS_SRC)/$(1)/*.c)) \
		$(GUESTS_LIBOBJS) $(GUESTS_SRC)/lib/guest.lds
	$$(Q)echo "  LD      $$@"
	$$(Q)$$(LD) -nostdlib -static -z max-page-size=4096 --no-warn-rwx-segments \
		-T $(GUESTS_SRC)/lib/guest.lds -o $$@ $$(filter %.o,$$^)

$(GUESTS)/test-$(1).cfg: $(wildcard $(GUESTS_SRC)/$(1)/config) $(GUESTS_SRC)/build.mk
	@mkdir -p $$(@D)
	@cat $(wildcard $(GUESTS_SRC)/$(1)/config) /dev/null >$$@
endef
$(foreach n,$(GUESTS_NAMES),$(eval $(call guest-rule,$(n))))

# PEER is where the reference hypervisor and its control domain were built.
.PHONY: test-guests-peer
test-guests-peer: guests
	$(Q)[ -n "$(PEER)" ] || { echo "set PEER to the folder of the reference"; exit 1; }
	@mkdir -p $(GUESTS)/peer
	$(Q)$(GUESTS_SRC)/run-on-peer.sh $(PEER) $(GUESTS) $(GUESTS)/peer $(TESTS)

# The image with all of them, for a control domain
$(GUESTS)/guests.img: $(GUESTS_SRC)/pack.sh $(GUESTS_SRC)/run-in-dom0.sh \
		$(GUESTS_NAMES:%=$(GUESTS)/test-%) $(GUESTS_NAMES:%=$(GUESTS)/test-%.cfg)
	$(Q)$(GUESTS_SRC)/pack.sh $(GUESTS) $@
