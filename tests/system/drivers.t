#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# The devices that the control domain's Linux has to drive, on both of QEMU's
# machines, one with either kernel: disks at AHCI, NVMe and virtio controllers keep what is written; e1000
# and virtio network cards reach the gateway; their interrupts come as MSI or MSI-X
# where the device has them.

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;

my $dir = "$ENV{BUILD}/image";
my @disks = ([ahci => 'sda', 'ahci'], [nvme => 'nvme0n1', 'nvme'], [virtio => 'vda', 'virtio']);

sub arguments {
	my @args;
	for my $d (@disks) {
		my $file = "$dir/drivers-$d->[0].disk";
		system('truncate', '-s', '16M', $file) == 0 or die "truncate: $?\n";
		push @args, '-drive', "file=$file,format=raw,if=none,id=$d->[0]";
	}
	return (@args, '-device', 'ahci,id=hba', '-device', 'ide-hd,drive=ahci,bus=hba.0',
		'-device', 'nvme,drive=nvme,serial=1', '-device', 'virtio-blk-pci,drive=virtio',
		'-netdev', 'user,id=n1', '-device', 'e1000,netdev=n1,mac=52:54:00:00:00:01',
		'-netdev', 'user,id=n2', '-device', 'virtio-net-pci,netdev=n2,mac=52:54:00:00:00:02');
}

# How often the interrupts with this name came, and as what.
sub interrupts {
	my ($m, $name) = @_;
	my ($n, $msi) = (0, 0);
	for (split /\n/, $m->run('cat /proc/interrupts')) {
		next if !/\b\Q$name\E/;
		$msi = 1 if /msi/i;
		$n += $1 while /\s(\d+)(?=\s)/g;
	}
	return ($n, $msi);
}

sub disk {
	my ($m, $machine, $kind, $dev, $irq) = @_;
	$m->run("i=0; until [ -b /dev/$dev ] || [ \$i -ge 60 ]; do i=\$((i+1)); sleep 1; done; [ -b /dev/$dev ]", 90);
	my ($before) = interrupts($m, $irq);
	my $out = $m->run("dd if=/dev/urandom of=/tmp/p bs=64k count=64 2>/dev/null && md5sum </tmp/p"
		. " && dd if=/tmp/p of=/dev/$dev bs=64k oflag=direct 2>/dev/null && sync"
		. " && echo 3 >/proc/sys/vm/drop_caches"
		. " && dd if=/dev/$dev bs=64k count=64 iflag=direct 2>/dev/null | md5sum", 60);
	my @sums = $out =~ /^([0-9a-f]{32})/mg;
	is(scalar(@sums), 2, "$machine: $kind: written and read");
	is($sums[1], $sums[0], '... the same');
	my ($after, $msi) = interrupts($m, $irq);
	cmp_ok($after, '>', $before, '... with interrupts');
	ok($msi, '... by message');
}

sub card {
	my ($m, $machine, $kind, $mac) = @_;
	my $out = $m->run("for n in /sys/class/net/*; do [ \$(cat \$n/address) = $mac ] && echo \${n##*/}; done; :");
	my ($dev) = $out =~ /^(eth\d+)$/m;
	ok(defined $dev, "$machine: $kind: is there") or return;
	$m->run("for n in /sys/class/net/eth*; do ip link set \${n##*/} nomaster; ip addr flush dev \${n##*/}; done; ip addr flush dev xenbr0");
	$m->run("ip link set $dev up; ip addr add 10.0.2.77/24 dev $dev");
	my ($o, $status) = $m->cmd("ping -c 3 -w 20 -I $dev 10.0.2.2", 40);
	is($status, 0, '... reaches the gateway') or diag($o);
}

# The table of a device's MSI-X messages is the hypervisor's: what the control
# domain writes there (its driver does, of some versions) is dropped without a fault.
sub table {
	my ($m, $machine) = @_;
	my $at = $m->run('for d in /sys/bus/pci/devices/*; do [ $(cat $d/vendor) = 0x1af4 ] &&'
		. ' [ $(cat $d/device) = 0x1000 ] && sed -n 2p $d/resource; done; :');
	my ($bar) = $at =~ /^(0x[0-9a-f]+) /m or return fail("$machine: virtio-net's second BAR");
	my $was = $m->run("devmem $bar 32");
	is($m->run("devmem $bar 32 0xdeadbeef; devmem $bar 32"), $was,
		"$machine: an MSI-X table can't be written");
	like($was, qr/^0xFEE/m, '... and has the hypervisor\'s address in it');
}

for ([pc => '6.1'], [q35 => '6.12']) {
	my ($machine, $kernel) = @$_;
	my $m = Machine->boot(dom0 => $kernel, env => { MACHINE => $machine, NIC => 'none' },
		args => [arguments()], log => Machine::log_name("$0-$machine"));
	$m->dom0;
	$m->run('dmesg -n 1; sleep 5');
	disk($m, $machine, @$_) for @disks;
	card($m, $machine, 'e1000', '52:54:00:00:00:01');
	card($m, $machine, 'virtio-net', '52:54:00:00:00:02');
	table($m, $machine);
	unlike($m->run('dmesg'), qr/nobody cared|lost interrupt|timeout, |I\/O error/i,
		"$machine: the kernel has nothing to complain of");
	$m->send("poweroff\n");
	is($m->ended(60), 0, "$machine: powers off");
}
unlink map { "$dir/drivers-$_->[0].disk" } @disks;
done_testing;
