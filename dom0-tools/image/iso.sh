#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Makes an image that GRUB boots on BIOS and on UEFI, from CD or USB stick.
#
#   iso.sh OUT HYPERVISOR KERNEL INITRD
set -euo pipefail

out=$1
tree=$out.d
rm -rf "$tree"
mkdir -p "$tree/boot/grub"
cp "$2" "$tree/boot/hypervisor"
cp "$3" "$tree/boot/vmlinuz"
cp "$4" "$tree/boot/initrd"
cat >"$tree/boot/grub/grub.cfg" <<'END'
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=1

menuentry "Pavise" {
	multiboot2 /boot/hypervisor placeholder console=com1 com1=115200,8n1 dom0_mem=1024M
	module2 /boot/vmlinuz placeholder console=hvc0 quiet panic=-1
	module2 /boot/initrd
}

menuentry "Pavise, with the guest demo" {
	multiboot2 /boot/hypervisor placeholder console=com1 com1=115200,8n1 dom0_mem=1024M
	module2 /boot/vmlinuz placeholder console=hvc0 quiet panic=-1 pavise.guest=demo
	module2 /boot/initrd
}
END
if ! grub-mkrescue -o "$out.tmp" "$tree" >"$out.log" 2>&1; then
	cat "$out.log" >&2
	exit 1
fi
rm -rf "$tree"
mv "$out.tmp" "$out"
