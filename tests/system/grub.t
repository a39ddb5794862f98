#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# A guest that brings its own kernel: xl starts GRUB's PV loader, which finds menu,
# kernel and ramdisk on the guest's disk and starts them in its place. After a
# reboot once more.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

my $loader = '/usr/lib/grub-xen/grub-x86_64-xen.bin';
my $disk = "$ENV{IMAGES}/grub-test.disk";

# A disk with all of it, as an installer leaves it; our copy of the loader, too.
sub make_disk {
	my $root = "$disk.d";
	my ($kernel) = glob("$ENV{DEBIAN}/kernel-6.1/boot/vmlinuz-*");
	system('rm', '-rf', $root, $disk);
	system('mkdir', '-p', "$root/boot/grub") == 0 or die "mkdir: $?\n";
	system('cp', $kernel, "$root/boot/vmlinuz") == 0 or die "cp: $?\n";
	system('cp', "$ENV{IMAGES}/guest-6.1.img", "$root/boot/initrd") == 0 or die "cp: $?\n";
	system('cp', $loader, "$root/loader") == 0 or die "cp: $?\n";
	open(my $cfg, '>', "$root/boot/grub/grub.cfg") or die "grub.cfg: $!\n";
	print $cfg "set timeout=0\nmenuentry guest {\n"
		. "	linux /boot/vmlinuz console=hvc0 quiet\n	initrd /boot/initrd\n}\n";
	close($cfg);
	system('truncate', '-s', '96M', $disk) == 0 or die "truncate: $?\n";
	system('mkfs.ext4', '-q', '-d', $root, $disk) == 0 or die "mkfs.ext4: $?\n";
	system('rm', '-rf', $root);
}

END { unlink $disk if defined $disk }

make_disk();
my $m = Machine->boot(env => { DISK => $disk });
$m->dom0;
$m->run('dmesg -n 1; i=0; until [ -b /dev/vda ] || [ $i -gt 60 ]; do i=$((i+1)); sleep 1; done', 90);
$m->run('mkdir -p /mnt && mount -o ro -t ext4 /dev/vda /mnt && cp /mnt/loader /tmp/loader && umount /mnt');
my $before = $m->census;
my $file = Guests::config($m, 'grub', kernel => '"/tmp/loader"', ramdisk => undef, extra => undef,
	memory => 256, disk => '["phy:/dev/vda,xvda,w"]');

$m->send("xl create -c $file\n");
ok($m->seen_within(qr/guest: init is up/, 120), 'GRUB starts the kernel on the disk');
$m->expect($Machine::prompt, 60);
$m->send("cat /proc/cmdline; echo cmd-\$?-\n");
ok($m->seen_within(qr{\nconsole=hvc0 quiet\s*\n.*cmd-0-}s, 30),
	'... with the menu\'s arguments');
$m->send("reboot\n");
$m->expect(qr/\n/, 30);
# It takes as long as the first time: GRUB asks for each piece of the kernel, and spins.
ok(Guests::reborn($m, 'grub', 1, 120), '... and again after a reboot');
$m->run('xl shutdown -w grub', 90);
ok(Guests::gone($m, 'grub'), '... shuts down');
is($m->census_diff($before, 16), '', '... and leaves nothing behind');
$m->send("poweroff\n");
is($m->ended(60), 0, 'powers off');
done_testing;
