# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# What several tests do with guests.
package Guests;

use strict;
use warnings;
use Test::More;

# Writes a config file, the demo guest's with other values, and returns its
# path. A value of undef removes the key.
sub config {
	my ($m, $name, %keys) = @_;
	my %all = (
		name    => "\"$name\"",
		kernel  => '"/boot/vmlinuz-guest"',
		ramdisk => '"/boot/initrd-guest"',
		memory  => 128,
		vcpus   => 1,
		extra   => '"console=hvc0 quiet"',
		%keys,
	);
	my $file = "/tmp/$name.cfg";
	my $text = join '', map { "$_ = $all{$_}\n" } grep { defined $all{$_} } sort keys %all;

	$m->run("cat >$file <<'END'\n${text}END");
	return $file;
}

# The control domain's image with the small kernels of tests/guests in /guests. Two
# initramfs in one file are one to the kernel; the control domain's is LZ4, whose
# old format has no end: it has to be the last.
sub image_with_tests {
	my ($name) = $0 =~ m{([^/]+)\.t$};
	my $image = "$ENV{BUILD}/image/dom0-$name.img";
	open(my $out, '>', $image) or die "$image: $!\n";
	for my $part ("$ENV{BUILD}/tests/guests/guests.img", $ENV{INITRD}) {
		open(my $in, '<', $part) or die "$part: $!\n";
		local $/;
		print $out readline($in);
	}
	close($out) or die "$image: $!\n";
	return $image;
}

# Creates a guest and waits on its console for its shell; leaves the console.
sub create {
	my ($m, $file) = @_;
	$m->send("xl create -c $file\n");
	$m->expect(qr/guest: init is up/, 90);
	$m->expect($Machine::prompt, 60);
	my ($line) = $m->{before} =~ /^guest: (.*)$/m;
	$m->leave_console;
	return $line;
}

# Goes to a guest's console, once it has one, and to a prompt there, within so many
# seconds.
sub console {
	my ($m, $name, $seconds) = @_;
	$m->run("i=0; until xenstore-read /local/domain/\$(xl domid $name)/console/tty >/dev/null 2>&1"
		. " || [ \$i -ge 30 ]; do i=\$((i+1)); sleep 1; done", 60);
	$m->type("xl console $name\n\n");
	$m->expect($Machine::prompt, $seconds // 60);
}

# Waits until xl doesn't know it any more.
sub gone {
	my ($m, $name, $seconds) = @_;
	$seconds //= 30;
	my ($out, $status) = $m->cmd("i=0; while xl domid $name >/dev/null 2>&1; do "
		. "[ \$i -lt $seconds ] || break; i=\$((i+1)); sleep 1; done; "
		. "! xl domid $name >/dev/null 2>&1", $seconds * 3);
	return !$status;
}

# The life of a guest: created, seen, rebooted from inside, shut down, and
# nothing is left of it.
sub life {
	my ($m, $vcpus, $release) = @_;
	my $name = "life$vcpus";
	my $file = config($m, $name, vcpus => $vcpus);
	my $what = "a guest with $vcpus CPU";
	my $before = $m->census;

	my $line = create($m, $file);
	like($line, qr/^Linux \Q$release\E\S* *, $vcpus CPU/, "$what comes up");
	like($m->run('xl list'), qr/^$name\s+\d+\s+128\s+$vcpus\s/m, '... and is listed');
	my $id = $m->run("xl domid $name");
	console($m, $name);
	$m->send("reboot\n");
	ok($m->seen_within(qr/\n/, 5) && reborn($m, $name, $id), '... reboots');
	$m->run("xl shutdown -w $name", 60);
	ok(gone($m, $name), '... shuts down');
	is($m->census_diff($before), '', '... and leaves nothing behind');
}

# Boots a machine of so many processors with kernels of one series, and lets a
# guest of one and one of two processors live there.
sub boot_test {
	my ($series, $cpus) = @_;
	my $m = Machine->boot(dom0 => $series, env => { SMP => $cpus },
		log => Machine::log_name("$0-smp$cpus"));

	$m->dom0;
	$m->run('dmesg -n 1');
	like($m->run('uname -r'), qr/^\Q$series\E[.-]/, "control domain of Linux $series, $cpus CPU");
	is($m->run('nproc') + 0, $cpus, '... has all processors');
	# The first guest lets tools and kernel allocate what they keep.
	create($m, config($m, 'first'));
	$m->run('xl destroy first');
	ok(gone($m, 'first'), '... creates and destroys a guest');
	life($m, $_, $series) for 1, 2;
	$m->send("poweroff\n");
	is($m->ended(60), 0, '... powers off');
}

# After a reboot: the guest has a new number, and its shell answers.
sub reborn {
	my ($m, $name, $old, $seconds) = @_;
	$m->leave_console;
	my ($out, $status) = $m->cmd("i=0; while [ \"\$(xl domid $name 2>/dev/null)\" = ${\($old + 0)} ]"
		. " || ! xl domid $name >/dev/null 2>&1; do [ \$i -lt 60 ] || break;"
		. " i=\$((i+1)); sleep 1; done; xl domid $name", 120);
	return 0 if $status || $out == $old;
	my $ok = eval { console($m, $name, $seconds); 1 };
	$m->leave_console;
	return $ok;
}

1;
