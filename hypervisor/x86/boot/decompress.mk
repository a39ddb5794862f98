# SPDX-License-Identifier: MIT
# build/hypervisor/decompress.o: the decompressors in one closed init-only
# object (see decompress.h). To be linked into the hypervisor like any other.
# Packages: liblzma-dev liblz4-dev libzstd-dev zlib1g-dev.

DECOMP          := hypervisor/x86/boot/decompress
DECOMP_OUT      := $(BUILD)/hypervisor/decompress
DECOMP_OBJ      := $(BUILD)/hypervisor/decompress.o
DECOMP_LIBS     := $(foreach l,lzma lz4 zstd z,$(shell $(CC) -print-file-name=lib$(l).a))

# Compiled like the libraries: SSE and the host's headers, not as HV_OBJS.
HV_NOT          += $(DECOMP).c $(DECOMP)_rt.c
DECOMP_CFLAGS   := -std=gnu11 -O2 -g $(WARNINGS) -ffreestanding -fpie -mcmodel=small \
                   -fvisibility=hidden -fno-stack-protector -fno-asynchronous-unwind-tables \
                   -Ihypervisor/include

$(DECOMP_OUT)/%.o: hypervisor/x86/boot/%.c
	@mkdir -p $(@D)
	$(Q)echo "  CC      $<"
	$(Q)$(CC) $(DECOMP_CFLAGS) -MMD -MP -c -o $@ $<

# One relocatable object; every symbol but the entry made local; and a check
# that it asks for nothing from outside.
$(DECOMP_OBJ): $(DECOMP_OUT)/decompress.o $(DECOMP_OUT)/decompress_rt.o $(DECOMP).lds $(DECOMP_LIBS)
	$(Q)echo "  LD-R    $@"
	$(Q)$(LD) -r -T $(DECOMP).lds -o $@.tmp $(filter %.o,$^) --start-group $(DECOMP_LIBS) \
		--end-group
	$(Q)$(OBJCOPY) --keep-global-symbol=decompress_run $@.tmp $@
	$(Q)rm -f $@.tmp
	$(Q)if $(NM) -u $@ | grep -v _GLOBAL_OFFSET_TABLE_; then \
		echo "$@: undefined symbols, see above" >&2; rm -f $@; exit 1; fi
