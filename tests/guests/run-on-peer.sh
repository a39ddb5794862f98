#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Runs the test guests on the reference hypervisor, Debian's Xen in QEMU.
# usage: run-on-peer.sh PEER GUESTS WORK [NAME...]
#
# PEER holds xen, vmlinuz-dom0, dom0.img and the tree dom0/ they were made of;
# GUESTS the kernels; WORK is for the image and the log. Prints the guests' TAP.
set -e
peer=$1 guests=$2 work=$3
shift 3
here=$(dirname "$(readlink -f "$0")")

rm -rf "$work/overlay"
mkdir -p "$work/overlay"
# The control domain's init, with our run before its shell
sed "/peer=shell/i\\
case \"\$(cat /proc/cmdline)\" in *peer=guests*) . /guests-init;; esac" \
	"$peer/dom0/init" >"$work/overlay/init"
cat >"$work/overlay/guests-init" <<END
VERBOSE=$VERBOSE sh /guests/run-in-dom0.sh /guests $*
echo "# end of guests"
poweroff -f
END
chmod +x "$work/overlay/init"
"$here/pack.sh" "$guests" "$work/overlay.gz" "$work/overlay/init" "$work/overlay/guests-init"
cat "$peer/dom0.img" "$work/overlay.gz" >"$work/dom0.img"

timeout "${PEER_SECONDS:-600}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max,-smap -m 3072 \
	${PEER_SMP:+-smp $PEER_SMP} -nographic -no-reboot -kernel "$peer/xen" \
	-append "console=com1 com1=115200,8n1 dom0_mem=1024M loglvl=all guest_loglvl=all" \
	-initrd "$peer/vmlinuz-dom0 console=hvc0 quiet panic=-1 peer=guests,$work/dom0.img" \
	</dev/null >"$work/log" 2>&1 || true
tr -d '\r' <"$work/log" | sed -n '/^1\.\./,/^# end of guests/p' | sed '$d'
if ! grep -q '^# end of guests' "$work/log"; then
	echo "Bail out! the run did not end; see $work/log"
	exit 1
fi
! grep -q '^not ok' "$work/log"
