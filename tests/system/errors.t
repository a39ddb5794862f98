#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Bad input: an error, xl's exit status, and nothing left behind: no frame,
# domain, port or store node.

use strict;
use warnings;
use File::Temp ();
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

my $guests = ($ENV{BUILD} // 'build') . '/tests/guests';

# A bzImage as small as can be: a setup sector that says where the payload is, and
# what a program makes of a small kernel.
sub bzimage {
	my ($to, @packer) = @_;
	open(my $in, '-|', @packer, "$guests/test-end") or die "@packer: $!\n";
	local $/;
	my $payload = readline($in);
	close($in) or die "@packer: status $?\n";
	# The last word of a payload is the size of what it was made of.
	$payload .= pack('V', -s "$guests/test-end") if $packer[0] ne 'gzip';
	my $setup = "\0" x 1024;
	substr($setup, 0x1f1, 1) = "\1";
	substr($setup, 0x1f4, 4) = pack('V', (length($payload) + 15) / 16);
	substr($setup, 0x1fe, 2) = "\x55\xaa";
	substr($setup, 0x200, 8) = pack('vA4v', 0x66eb, 'HdrS', 0x020f);
	substr($setup, 0x211, 1) = "\1";
	substr($setup, 0x248, 8) = pack('VV', 0, length($payload));
	open(my $out, '>', $to) or die "$to: $!\n";
	print $out $setup, $payload;
	close($out) or die "$to: $!\n";
}

my %packer = (
	gzip => [qw(gzip -9nc)],
	xz   => [qw(xz -9c --check=crc32)],
	lzma => [qw(xz -9c --format=lzma)],
	lz4  => [qw(lz4 -l -9 -q -c)],
	zstd => [qw(zstd -19 -q -c)],
);

# Where other bytes are sure to be noticed: formats with a checksum, anywhere; without
# one, in what says how it goes on: LZ4's length of the first block, LZMA's first byte.
my %noticed = (lz4 => 1024 + 4, lzma => 1024 + 13);

# The control domain's image, with /kernels/FORMAT before it.
sub image_with_kernels {
	my $dir = File::Temp->newdir;
	my $image = "$ENV{BUILD}/image/dom0-errors.img";
	mkdir "$dir/kernels";
	bzimage("$dir/kernels/$_", @{ $packer{$_} }) for keys %packer;
	system('strip', '-o', "$dir/kernels/elf", "$guests/test-end") == 0 or die "strip: $?\n";
	system("{ (cd $dir && find kernels | cpio --quiet -o -H newc -R 0:0) && cat $ENV{INITRD}; } >$image") == 0
		or die "$image: $?\n";
	return $image;
}

# With tools of ours the message names the cause in one line; Debian's are
# wordier and differ.
my $ours = $ENV{TOOLS} ne 'debian';
my $m = Machine->boot(env => { INITRD => image_with_kernels() });
$m->dom0;
$m->run('dmesg -n 1');

Guests::create($m, Guests::config($m, 'first'));
$m->run('xl destroy first');
ok(Guests::gone($m, 'first'), 'a first guest comes and goes');

my $before;

# Runs a command that has to fail; the pattern is for what our tools say.
sub refused {
	my ($what, $command, $re) = @_;
	my ($out, $status) = $m->cmd("($command) 2>&1", 60);
	isnt($status, 0, "$what: fails") or diag($out);
	isnt($out, '', '... and says something');
	if ($ours) {
		like($out, $re, '... which names the cause');
		my @lines = grep { /\S/ && !/^Parsing config from / } split /\n/, $out;
		is(scalar(@lines), 1, '... in one line') or diag($out);
	}
	is($m->census_diff($before), '', '... and nothing is left');
}

sub create {
	my ($name, %keys) = @_;
	return 'xl create ' . Guests::config($m, $name, %keys);
}

$m->run('head -c 1000000 /boot/vmlinuz-guest >/tmp/truncated; head -c 100000 /dev/zero >/tmp/zeros; '
	. 'head -c 100000 /boot/initrd-guest >/tmp/cut-ramdisk; '
	. 'cd /tmp; echo zeros | cpio -o -H newc >/tmp/empty-ramdisk 2>/dev/null; cd /');
$m->run('cp /bin/busybox /tmp/not-a-kernel');
$m->run('mkdir -p /tmp/dir; printf "name = \"x\"\nmemory = = 3\n" >/tmp/syntax.cfg');
$before = $m->census;

refused('a kernel that is missing', create('nokernel', kernel => '"/boot/none"'),
	qr{/boot/none.*No such file}i);
refused('a kernel that is cut short', create('cut', kernel => '"/tmp/truncated"'),
	qr{/tmp/truncated}i);
# Every kind of kernel: whole, it runs; cut off or with a flipped bit it is refused.
for my $kind (sort(keys %packer), 'elf') {
	my $kernel = "/kernels/$kind";
	my %keys = (ramdisk => undef, memory => 16, on_poweroff => '"destroy"', extra => undef);
	$m->run(create("whole-$kind", %keys, kernel => "\"$kernel\""));
	ok(Guests::gone($m, "whole-$kind"), "a kernel, $kind, runs to its end");
	# Within the payload, and in the setup that says how long it is.
	for my $part ($kind eq 'elf' ? 50 : 90, 30, 3) {
		$m->run("s=\$(wc -c <$kernel); head -c \$((s * $part / 100)) $kernel >/tmp/cut-$kind");
		refused("a kernel, $kind, of which $part % are there",
			create("cut-$kind", %keys, kernel => "\"/tmp/cut-$kind\""), qr{/tmp/cut-$kind}i);
	}
	next if $kind eq 'elf';
	my $where = $noticed{$kind} // '$((s / 2))';
	$m->run("cp $kernel /tmp/bent-$kind; s=\$(wc -c <$kernel); printf '\\125\\252\\125\\252' | "
		. "dd of=/tmp/bent-$kind bs=1 seek=$where conv=notrunc 2>/dev/null");
	refused("a kernel, $kind, with other bytes in it",
		create("bent-$kind", %keys, kernel => "\"/tmp/bent-$kind\""), qr{/tmp/bent-$kind}i);
}
refused('a kernel that is zeros', create('zeros', kernel => '"/tmp/zeros"'), qr{/tmp/zeros}i);
refused('a program that is no PV kernel', create('nopv', kernel => '"/tmp/not-a-kernel"'),
	qr{/tmp/not-a-kernel}i);
refused('a ramdisk that is missing', create('noramdisk', ramdisk => '"/boot/none"'),
	qr{/boot/none.*No such file}i);
refused('a ramdisk that is cut short', create('cutrd', ramdisk => '"/tmp/cut-ramdisk"'),
	qr{/tmp/cut-ramdisk}i) if $ours;
$m->run('cp /boot/initrd-guest /tmp/bent-ramdisk; printf abcdefgh | '
	. 'dd of=/tmp/bent-ramdisk bs=1 seek=700000 conv=notrunc 2>/dev/null');
refused('a ramdisk with other bytes in the middle', create('bentrd', ramdisk => '"/tmp/bent-ramdisk"'),
	qr{/tmp/bent-ramdisk}i) if $ours;
refused('a folder as kernel', create('folder', kernel => '"/boot"'), qr{/boot}i);
refused('an empty file as kernel', create('empty', kernel => '"/dev/null"'), qr{/dev/null}i);
refused('a config file that is missing', 'xl create /tmp/none.cfg', qr{/tmp/none\.cfg.*No such file}i);
refused('a syntax error', 'xl create /tmp/syntax.cfg', qr{/tmp/syntax\.cfg:2:\d+});
refused('a folder as config file', 'xl create /tmp/dir', qr{/tmp/dir}i);
refused('a program as config file', 'xl create /bin/busybox', qr{/bin/busybox: longer});
refused('... a small one', 'head -c 9000 /bin/busybox >/tmp/prog; xl create /tmp/prog',
	qr{/tmp/prog:\d+:\d+: });

# A line, what is wrong with it, and where.
my @wrong = (
	['name = "x', 1, 8, 'no closing'],
	["name = \"x\"\nmemory 64", 2, 8, 'expected'],
	["name = \"x\"\nvif = [ \"bridge=xenbr0\"", undef, undef, 'expected|end'],
	["name = \"x\"\nmemory = \"much\"", 2, 10, 'number'],
	["name = \"x\"\nvcpus = 0", 2, 9, '1 to'],
	["name = \"x\"\nvcpus = [ 1 ]", 2, 9, 'list'],
	["name = \"x\"\nuuid = \"12\"", 2, 8, 'UUID'],
	["name = \"x\"\ntype = \"hvm\"", 2, 8, 'PV'],
	["name = \"x\"\non_crash = \"explode\"", 2, 12, 'explode'],
	["name = \"x\"\ncpus = \"0-\"", 2, 8, "0-"],
	["name = \"x\"\ndisk = [ \"file:/tmp/zeros,nodisk,w\" ]", 2, 10, 'nodisk'],
	["name = \"x\"\nvif = [ \"mac=zz\" ]", 2, 9, 'zz'],
	["kernel = \"/x\"", undef, undef, 'no name'],
	["name = \"x\"\nmemory = 64", undef, undef, 'kernel'],
	["<domain type='xen'>\n<name>x</name>", 3, 1, 'XML'],
	["<domain type='kvm'><name>x</name></domain>", 1, 1, 'kvm'],
);
for my $w (@wrong) {
	my ($text, $line, $column, $words) = @$w;
	$m->run("cat >/tmp/wrong.cfg <<'END'\n$text\nEND");
	my $where = defined $line ? ":$line:$column" : '(?::\d+:\d+)?';
	refused("a config file with '" . (split /\n/, $text)[-1] . "'", 'xl create /tmp/wrong.cfg',
		qr{/tmp/wrong\.cfg$where: .*(?:$words)});
}
refused('a name of digits', create('12345'), qr{12345});
refused('a disk that is missing', create('nodisk', disk => '["/tmp/none,raw,xvda,w"]'), qr{/tmp/none.*No such file}i);
refused('a bridge that is missing', create('nobridge', vif => '["bridge=none0"]'), qr{none0}i);
refused('two disks of one name', create('twodisks',
		disk => '["/tmp/zeros,raw,xvda,r", "/tmp/zeros,raw,xvda,r"]'), qr{xvda}i);
refused('a CPU that is not there', create('nocpu', cpus => '"77"'), qr{77});
refused('more memory than there is', create('big', memory => 100000), qr{memory}i);
refused('less memory than the kernel takes', create('small', memory => 8), qr{memory|MiB}i);
refused('a domain that does not exist', 'xl destroy nobody', qr{nobody}i);
refused('... by number', 'xl destroy 77', qr{77});
refused('... and its console', 'xl console nobody </dev/null', qr{nobody}i);
refused('a command that does not exist', 'xl frobnicate', qr{frobnicate}i);
refused('a command without its argument', 'xl destroy 2>&1 | head -n 1; false', qr{argument});

# A full disk under a core file.
$m->run('mkdir -p /tmp/full; mount -t tmpfs -o size=256k full /tmp/full; '
	. create('dumped', kernel => '"/kernels/elf"', ramdisk => undef, memory => 16,
		extra => '"seconds=1000"'));
$before = $m->census;
refused('a disk too full for a core file', 'xl dump-core dumped /tmp/full/core', qr{/tmp/full/core.*No space left}i);
$m->run('umount /tmp/full; xl destroy dumped');
ok(Guests::gone($m, 'dumped'), '... and the guest can be destroyed');

# A signal (as from Ctrl-C) while a guest is being made: none is there, or nothing of it.
$before = $m->census;
my $made = create('halfway');
for my $after (1 .. 8) {
	$m->cmd("$made >/dev/null 2>&1 & sleep 0.$after; kill -TERM \$!; wait", 30);
	$m->cmd('xl destroy halfway 2>/dev/null');
	ok(Guests::gone($m, 'halfway'), "interrupted after some time ($after): it is gone");
}
is($m->census_diff($before), '', '... and nothing is left');

# A name that is taken.
Guests::create($m, Guests::config($m, 'twin'));
$before = $m->census;
refused('a name that is taken', create('twin'), qr{twin}i);
$m->run('xl destroy twin');

# A ramdisk without an init: the guest's kernel panics, the system is as before.
ok(Guests::gone($m, 'twin'), 'the guest is destroyed');
$before = $m->census;
$m->run(create('noroot', ramdisk => '"/tmp/empty-ramdisk"', extra => '"console=hvc0 quiet panic=1"',
		on_reboot => '"destroy"', on_crash => '"destroy"'), 60);
ok(Guests::gone($m, 'noroot', 60), 'a guest with a useless ramdisk panics and is destroyed');
is($m->census_diff($before), '', '... and nothing is left');

# After all that things still work.
like(Guests::create($m, Guests::config($m, 'last')), qr/^Linux/, 'a guest can be created as before');
$m->send("poweroff\n");
is($m->ended(60), 0, 'the machine powers off');
done_testing;
