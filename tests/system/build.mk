# SPDX-License-Identifier: MIT
# Tests of the whole system, in QEMU, by its serial line: `make test-system`,
# or one: make test-system SYSTEM_TESTS=tests/system/demo.t
SYSTEM_TESTS ?= $(sort $(wildcard tests/system/*.t))

# Counts frames, domains and ports in the control domain.
$(BUILD)/hvstat: $(BUILD)/obj/tests/system/hvstat.o $(LIBHV)
	$(Q)echo "  LD      $@"
	$(Q)$(CC) -static -o $@ $^

ALL += $(BUILD)/hvstat

SYSTEM_IMAGES = $(foreach k,$(KERNELS),$(IMAGES)/dom0-$(k)-$(k)-$(TOOLS).img) \
                $(IMAGES)/debian-6.1.img \
                $(GUESTS)/guests.img \
                $(if $(filter debian,$(HV)),$(PEER_HV))

.PHONY: test-system test-system-images
test-system-images: $(SYSTEM_IMAGES)

test-system:
	+$(Q)$(MAKE) --no-print-directory all
	$(NEED_HV)
	+$(Q)$(MAKE) --no-print-directory test-system-images
	+$(Q)$(MAKE) --no-print-directory iso-now
	$(Q)$(RUN_ENV) prove -j2 --timer $(SYSTEM_TESTS)
