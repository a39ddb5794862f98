#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Boots a hypervisor and a control domain in QEMU. Everything comes by the
# environment (see Config.mk and the defaults below); arguments go to QEMU.
#
#   HV, KERNEL, INITRD      what is booted, by Multiboot; or
#   ISO                     an image to boot from, FIRMWARE=uefi for OVMF
#   HV_ARGS, DOM0_ARGS      command lines (added to what is always needed)
#   DISK                    a raw image for the control domain's first disk
#   NIC                     model of the network card, "none" for none
#   SERIAL                  QEMU's name for the serial line
set -euo pipefail

for knob in SMP MEM; do
	if [[ ! ${!knob:-1} =~ ^[1-9][0-9]*$ ]]; then
		echo "boot.sh: $knob=${!knob}: a number is wanted (SMP: of processors, MEM: of MiB)" >&2
		exit 2
	fi
done
args=(-accel "${ACCEL:-tcg,thread=multi}" -cpu "${CPU:-max}" -machine "${MACHINE:-pc}"
	-m "${MEM:-3072}" -smp "${SMP:-2}" -display none -no-reboot)
args+=(-serial "${SERIAL:-stdio}")
if [ "${NIC:-virtio-net-pci}" = none ]; then
	args+=(-nic none)
else
	args+=(-nic "user,model=${NIC:-virtio-net-pci}")
fi
if [ -n "${DISK:-}" ]; then
	args+=(-drive "file=$DISK,format=raw,if=virtio")
fi
if [ -n "${ISO:-}" ]; then
	args+=(-drive "file=$ISO,format=raw,if=none,id=iso,readonly=on"
		-device "virtio-blk-pci,drive=iso,bootindex=0")
	if [ "${FIRMWARE:-bios}" = uefi ]; then
		args+=(-drive "if=pflash,format=raw,readonly=on,file=${OVMF:-/usr/share/OVMF/OVMF_CODE.fd}")
	fi
else
	args+=(-kernel "$HV"
		-append "console=com1 com1=115200,8n1 dom0_mem=${DOM0_MEM:-1024M} ${HV_ARGS:-}"
		-initrd "$KERNEL console=hvc0 quiet panic=-1 ${DOM0_ARGS:-},$INITRD")
fi
# QEMU may be a command with arguments.
QEMU=${QEMU:-qemu-system-x86_64}
if ! command -v "${QEMU%% *}" >/dev/null; then
	echo "boot.sh: there is no ${QEMU%% *}: install qemu-system-x86 (make deps), or set QEMU" >&2
	exit 127
fi
# shellcheck disable=SC2086
exec $QEMU "${args[@]}" "$@"
