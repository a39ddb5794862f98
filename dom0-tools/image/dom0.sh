#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Makes the initramfs of the control domain: busybox, the tools, what it takes
# to run guests, and the files of the guest "demo".
#
#   dom0.sh KERNELDIR GUEST_KERNELDIR GUEST_INITRD OUT
#
# TOOLS (environment) says whose tools go in: "pavise", ours; "debian", those
# of Debian's Xen 4.17, unpacked in PEER; "mixed", ours as far as they are
# built and Debian's for the rest. BUILD is where ours are.
# shellcheck source=dom0-tools/image/lib.sh
. "${0%/*}/lib.sh"

kernel=$1
guest_kernel=$2
guest_initrd=$3
out=$4
files=${0%/*}/files
root=$out.d
xen=/usr/lib/xen-4.17
BUILD=${BUILD:-build}
TOOLS=${TOOLS:-pavise}

ours=(xl xenstored xenconsoled xenconsole xen-init-dom0)
store_tools=(xenstore) # and the links to it
for t in "$BUILD"/xenstore-*; do
	[ ! -L "$t" ] || store_tools+=("${t##*/}")
done

install_ours() {
	local t
	for t in "$@"; do
		[ -x "$BUILD/$t" ] || die "$BUILD/$t is not built"
		if [ -L "$BUILD/$t" ]; then
			cp -P "$BUILD/$t" "$root/usr/bin/$t"
			continue
		fi
		install -m 755 "$BUILD/$t" "$root/usr/bin/$t"
		with_libs "$root" "$BUILD/$t"
	done
}

# libxml2, which xl loads when it is to read or write XML. Its 31 MB of libicu's
# data (code pages, which libxml2 wants for exotic encodings only) stay out: in
# their place is a library with an empty table. UTF-8, UTF-16, Latin-1 and ASCII
# need none.
install_xml() {
	local dir=$root/usr/lib/x86_64-linux-gnu xml data

	xml=$(PATH=$PATH:/sbin ldconfig -p | awk '$1 == "libxml2.so.2" && !n++ { print $NF }')
	[ -n "$xml" ] || die "libxml2.so.2 is missing"
	install -D -m 644 "$(realpath "$xml")" "$dir/libxml2.so.2"
	with_libs "$root" "$xml"
	for data in "$dir"/libicudata.so.*; do
		[ -e "$data" ] || continue
		data=${data##*/}
		# A header (its size, a magic, what follows in which format) and no entries.
		"${CC:-gcc}" -shared -nostdlib -x c -o "$dir/$data" -Wl,-soname="$data" - <<-END
			const struct {
				unsigned short size;
				unsigned char magic[2];
				unsigned short info_size, reserved;
				unsigned char format[16], pad[8];
				unsigned int entries[2];
			} icudt${data##*.}_dat = {32, {0xda, 0x27}, 20, 0,
				{0, 0, 2, 0, 'C', 'm', 'n', 'D', 1}, {0}, {0}};
		END
	done
}

# Debian's programs keep their folder, which they know by name.
install_debian() {
	local t
	export LIB_PATH=$PEER/usr/lib/x86_64-linux-gnu:$PEER$xen/lib/x86_64-linux-gnu
	mkdir -p "$root$xen" "$root/etc/xen" "$root/var/lib/xen"
	cp -a "$PEER$xen"/{bin,lib} "$root$xen/"
	cp -a "$PEER/etc/xen/." "$root/etc/xen/"
	# What its scripts want beyond busybox.
	cp -L /bin/bash /usr/bin/flock "$root/bin/"
	cp -a "$PEER"/usr/bin/xenstore* "$root/usr/bin/"
	with_libs "$root" "$PEER$xen"/bin/{xl,xenstored,xenconsoled,xenconsole,xen-init-dom0,xentop} \
		"$PEER/usr/bin/xenstore" /bin/bash /usr/bin/flock
	cp -L /lib/x86_64-linux-gnu/libgcc_s.so.1 "$root/usr/lib/x86_64-linux-gnu/"
	for t in xl xenstored xenconsoled xenconsole xen-init-dom0 xentop; do
		ln -sf "$xen/bin/$t" "$root/usr/bin/$t"
	done
}

need_space "${out%/*}" 100 "the control domain's image"
tree "$root"
mkdir -p "$root"/etc/xen "$root"/var/log/xen/console "$root"/boot
case $TOOLS in
pavise)
	install_ours "${ours[@]}" "${store_tools[@]}"
	install_xml
	;;
debian) install_debian ;;
mixed)
	install_debian
	for t in "${ours[@]}" "${store_tools[@]}"; do
		[ ! -x "$BUILD/$t" ] || rm -f "$root/usr/bin/$t" "$root$xen/bin/$t"
		[ ! -x "$BUILD/$t" ] || install_ours "$t"
		# xl looks for the console's client beside itself.
		[ ! -x "$BUILD/$t" ] || ln -s "/usr/bin/$t" "$root$xen/bin/$t"
	done
	install_xml
	;;
*) die "TOOLS=$TOOLS: neither pavise, debian nor mixed" ;;
esac

# For tests: counts what must not leak.
[ ! -x "$BUILD/hvstat" ] || install -m 755 "$BUILD/hvstat" "$root/usr/bin/"

# First what the tools need, then what drives a PC.
early=(xen-evtchn xen-gntdev xen-privcmd xenfs)
later=(xen-blkback xen-netback bridge loop ext4 virtio_pci virtio_blk virtio_net
	e1000 e1000e ahci sd_mod nvme)
with_modules "$root" "$kernel" "${early[@]}" "${later[@]}"
early_list "$root" "$kernel" "${early[@]}"

for f in init rc rc.stop inittab profile; do
	install -m 755 "$files/dom0-$f" "$root/etc/$f"
done
mv "$root/etc/init" "$root/init"
install -m 755 "$files/udhcpc" "$root/etc/udhcpc"
install -m 644 "$files/demo.cfg" "$files/debian.cfg" "$root/etc/xen/"
install -m 644 "$files/hint" "$root/etc/"
printf 'root::0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
cp "$guest_kernel"/boot/vmlinuz-* "$root/boot/vmlinuz-guest"
cp "$guest_initrd" "$root/boot/initrd-guest"
# Measured under emulation: LZ4 unpacks as fast as plain bytes are copied, and
# there is half as much to load; gzip and zstd take a second longer.
PACK=${PACK:-lz4 -l -9 -q} pack "$root" "$out"
