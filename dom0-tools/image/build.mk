# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# What runs the whole thing: images of the control domain and of the guests,
# `make run`, `make demo`, `make iso`.
#
#   HV            the hypervisor: a file, or "debian" for Debian's Xen 4.17
#   TOOLS         whose tools the control domain has: pavise, debian, or mixed
#                 (ours as far as they are built, Debian's for the rest)
#   DOM0_KERNEL, GUEST_KERNEL    series of Debian's kernels: 6.1 or 6.12
#   GUEST         what `make run` creates: demo or debian

IMAGE_DIR    := dom0-tools/image
DEBIAN       := $(BUILD)/debian
IMAGES       := $(BUILD)/image
KERNELS      := 6.1 6.12
IMAGE_FILES  := $(wildcard $(IMAGE_DIR)/*.sh $(IMAGE_DIR)/files/*)
HVSTAT       := $(wildcard $(BUILD)/hvstat)
# The programs that go into the control domain; images are made by a second
# make, after `all`, so that these are what has just been built.
DOM0_PROGS   := $(wildcard $(addprefix $(BUILD)/,xl xenstored xenconsoled xenconsole xen-init-dom0 \
                  xenstore xenstore-*))

# The peer: Debian's Xen, and what of Debian's libraries its tools need.
PEER         := $(DEBIAN)/xen
PEER_HV      := $(DEBIAN)/xen-4.17
PEER_PKGS    := xen-hypervisor-4.17-amd64 xen-utils-4.17 xen-utils-common xenstore-utils \
                libxenmisc4.17 libxenhypfs1 libxenstore4 libxencall1 libxendevicemodel1 \
                libxenevtchn1 libxenforeignmemory1 libxengnttab1 libxentoolcore1 libxentoollog1

HV           ?= $(BUILD)/pavise
TOOLS        ?= $(if $(filter debian,$(HV)),debian,pavise)
HV_FILE      := $(if $(filter debian,$(HV)),$(PEER_HV),$(HV))
HV_SYMS      := $(if $(filter debian,$(HV)),$(PEER)/boot/xen-4.17-amd64.efi,$(wildcard $(HV)-syms))
DOM0_KERNEL  ?= 6.1
GUEST_KERNEL ?= 6.1
GUEST        ?= demo
# $(call one_of,KNOB,VALUES)
one_of        = $(if $(filter $($(1)),$(2)),,$(error $(1)=$($(1)): choose one of: $(2)))
$(call one_of,TOOLS,pavise debian mixed)
$(call one_of,GUEST,demo debian)
$(call one_of,DOM0_KERNEL,$(KERNELS))
$(call one_of,GUEST_KERNEL,$(KERNELS))

DOM0_IMG     := $(IMAGES)/dom0-$(DOM0_KERNEL)-$(GUEST_KERNEL)-$(TOOLS).img
ISO          := $(IMAGES)/$(notdir $(HV_FILE))-$(DOM0_KERNEL)-$(GUEST_KERNEL)-$(TOOLS).iso

$(DEBIAN)/kernel-%.stamp: $(IMAGE_DIR)/fetch.sh
	$(Q)mkdir -p $(@D)
	$(Q)$(IMAGE_DIR)/fetch.sh $(@:.stamp=) kernel:$*
	$(Q)touch $@

$(PEER).stamp: $(IMAGE_DIR)/fetch.sh
	$(Q)mkdir -p $(@D)
	$(Q)$(IMAGE_DIR)/fetch.sh $(@:.stamp=) $(PEER_PKGS)
	$(Q)touch $@

$(PEER_HV): $(PEER).stamp
	$(Q)gunzip -c $(PEER)/boot/xen-4.17-amd64.gz >$@

$(IMAGES)/guest-%.img: $(DEBIAN)/kernel-%.stamp $(IMAGE_FILES)
	@mkdir -p $(@D)
	$(Q)echo "  IMAGE   $@"
	$(Q)$(IMAGE_DIR)/guest.sh $(DEBIAN)/kernel-$* $@

# $(1): control domain's kernel, $(2): guest's kernel, $(3): whose tools
define dom0_image
$(IMAGES)/dom0-$(1)-$(2)-$(3).img: $(DEBIAN)/kernel-$(1).stamp $(DEBIAN)/kernel-$(2).stamp \
		$(IMAGES)/guest-$(2).img $(IMAGE_FILES) $(if $(filter pavise,$(3)),,$(PEER).stamp) \
		$(if $(filter debian,$(3)),,$(DOM0_PROGS)) $(HVSTAT)
	@mkdir -p $$(@D)
	$$(Q)echo "  IMAGE   $$@"
	$$(Q)BUILD=$(BUILD) PEER=$(PEER) TOOLS=$(3) $(IMAGE_DIR)/dom0.sh \
		$(DEBIAN)/kernel-$(1) $(DEBIAN)/kernel-$(2) $(IMAGES)/guest-$(2).img $$@
endef
$(foreach k,$(KERNELS),$(foreach g,$(KERNELS),$(foreach t,pavise debian mixed,\
	$(eval $(call dom0_image,$(k),$(g),$(t))))))

# A whole Debian 12 on a disk.
$(IMAGES)/debian-%.img: $(IMAGE_DIR)/rootfs.sh $(DEBIAN)/kernel-%.stamp
	@mkdir -p $(@D)
	$(Q)echo "  IMAGE   $@ (by debootstrap: some minutes)"
	$(Q)$(IMAGE_DIR)/rootfs.sh $(DEBIAN)/kernel-$* $@

# The disk that a run writes to is a copy; the pristine one stays.
$(IMAGES)/debian-%.disk: $(IMAGES)/debian-%.img
	$(Q)cp --sparse=always $< $@

# What boot.sh wants to know.
RUN_ENV = QEMU="$(QEMU)" CPU="$(CPU)" SMP="$(SMP)" MEM="$(MEM)" BUILD="$(BUILD)" HV="$(HV_FILE)" \
          KERNEL="$$(echo $(DEBIAN)/kernel-$(DOM0_KERNEL)/boot/vmlinuz-*)" INITRD="$(DOM0_IMG)" \
          HV_IMAGE="$(HV_SYMS)" HV_ARGS="$(HV_ARGS)" IMAGES="$(IMAGES)" DEBIAN="$(DEBIAN)" \
          TOOLS="$(TOOLS)" ISO_FILE="$(ISO)" PAVISE_TOP=. $(if $(filter debian,$(HV)),LEAK_SLACK=16)
NEED_HV = @[ -e "$(HV_FILE)" ] || [ "$(HV)" = debian ] || { \
		echo "make: HV=$(HV): there is no such file; HV=debian takes Debian's Xen 4.17" >&2; \
		exit 1; }

NEED_ROOT = @[ "$(GUEST)" != debian ] || [ -e $(IMAGES)/debian-$(GUEST_KERNEL).img ] || \
	[ "$$(id -u)" = 0 ] || command -v sudo >/dev/null || { \
		echo "make: GUEST=debian: debootstrap, which makes its disk, needs root or sudo" >&2; \
		exit 1; }

# On all processors, unless make was told how many.
MAKE_ALL = $(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc)) all

.PHONY: deps run demo image
deps:
	$(Q).ci/deps

image: $(DOM0_IMG) $(if $(filter debian,$(GUEST)),$(IMAGES)/debian-$(GUEST_KERNEL).disk) \
		$(if $(filter debian,$(HV)),$(PEER_HV))
	@:

run demo: deps
	$(NEED_ROOT)
	+$(Q)$(MAKE_ALL)
	$(NEED_HV)
	+$(Q)$(MAKE) --no-print-directory image
	+$(Q)$(MAKE) --no-print-directory $@-now

# A bootable image for BIOS and UEFI, with everything in it.
.PHONY: iso iso-now
iso: deps
	+$(Q)$(MAKE_ALL)
	$(NEED_HV)
	+$(Q)$(MAKE) --no-print-directory image
	+$(Q)$(MAKE) --no-print-directory iso-now

iso-now: $(ISO)

$(ISO): $(IMAGE_DIR)/iso.sh $(DOM0_IMG) $(wildcard $(HV_FILE))
	$(Q)echo "  ISO     $@"
	$(Q)$(IMAGE_DIR)/iso.sh $@ $(HV_FILE) "$$(echo $(DEBIAN)/kernel-$(DOM0_KERNEL)/boot/vmlinuz-*)" \
		$(DOM0_IMG)

# What has been built, to where the system keeps such things: programs, manual
# pages, xl's completion, and the hypervisor for the boot loader.
SBIN_PROGS := $(addprefix $(BUILD)/,xl xenstored xenconsoled xenconsole xen-init-dom0)
SHARE      := $(DESTDIR)$(PREFIX)/share

.PHONY: install
install: all
	$(Q)install -D -t $(DESTDIR)$(PREFIX)/sbin $(SBIN_PROGS)
	$(Q)install -D -t $(DESTDIR)$(PREFIX)/bin $(BUILD)/xenstore
	$(Q)cp -P $(BUILD)/xenstore-* $(DESTDIR)$(PREFIX)/bin/
	$(Q)install -D -m 644 $(BUILD)/pavise $(DESTDIR)/boot/pavise-$(VERSION)
	$(Q)for s in 1 5 8; do install -D -m 644 -t $(SHARE)/man/man$$s docs/man/*.$$s; done
	$(Q)install -d $(SHARE)/bash-completion/completions
	$(Q)$(BUILD)/xl completion bash >$(SHARE)/bash-completion/completions/xl

.PHONY: run-now demo-now
# Ctrl-t is QEMU's own key, so that Ctrl-a stays the hypervisor's.
run-now:
	$(Q)$(RUN_ENV) $(if $(filter debian,$(GUEST)),DISK=$(IMAGES)/debian-$(GUEST_KERNEL).disk) \
		DOM0_ARGS="pavise.guest=$(GUEST)" SERIAL=mon:stdio $(IMAGE_DIR)/boot.sh -echr 0x14

demo-now:
	$(Q)$(RUN_ENV) tests/lib/demo

# The same demo on both, taking turns, in the same QEMU: RUNS of each.
COMPARE_RUNS = $(shell seq $(RUNS))
COMPARE_FILES = $(subst $(eval) ,$(comma),$(COMPARE_RUNS:%=$(BUILD)/log/$(1)-%.measures))

.PHONY: compare compare-now compare-one
compare: deps
	+$(Q)$(MAKE_ALL)
	$(NEED_HV)
	+$(Q)$(MAKE) --no-print-directory image
	+$(Q)$(MAKE) --no-print-directory HV=debian TOOLS=debian image
	+$(Q)$(MAKE) --no-print-directory compare-now

compare-now:
	+$(Q)for run in $(COMPARE_RUNS); do \
		$(MAKE) --no-print-directory compare-one NAME=pavise RUN=$$run && \
		$(MAKE) --no-print-directory HV=debian TOOLS=debian compare-one NAME=xen RUN=$$run || exit; done
	$(Q)PAVISE_TOP=. tests/lib/compare "Pavise=$(call COMPARE_FILES,pavise)" \
		"Xen 4.17=$(call COMPARE_FILES,xen)"

# Both on the same processor, which has to be one that Debian's Xen can do with.
compare-one: CPU = max,-smap
compare-one:
	$(Q)echo "  DEMO    $(NAME), run $(RUN) of $(RUNS)"
	$(Q)$(RUN_ENV) NAME=compare-$(NAME)-$(RUN) tests/lib/demo --quiet --idle 3 \
		--save $(BUILD)/log/$(NAME)-$(RUN).measures
