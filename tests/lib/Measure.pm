# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# The measures that `make demo` prints and `make compare` sets side by side.
package Measure;

use strict;
use warnings;

# Key, name, format of a value, and the limit that Pavise has set itself.
my @measures = (
	[boot   => 'power-on to the control domain\'s init', '%.2f s',   undef],
	[create => 'xl create to the guest\'s init',         '%.2f s',   undef],
	[memory => 'memory taken by the hypervisor',         '%.0f MiB', 24],
	[text   => 'text outside init',                      '%.0f KiB', 400],
);

# MiB, as the tools tell them.
sub memory {
	my ($m) = @_;
	my $info = $m->run('xl info');
	my $list = $m->run('xl list');
	my %r;

	($r{total}) = $info =~ /^total_memory\s*:\s*(\d+)/m or die "xl info: no total_memory\n";
	($r{free}) = $info =~ /^free_memory\s*:\s*(\d+)/m or die "xl info: no free_memory\n";
	($r{dom0}) = $list =~ /^Domain-0\s+0\s+(\d+)/m or die "xl list: no Domain-0\n";
	return \%r;
}

# KiB of executable code in the image that stays after boot; undef: unknown.
sub text {
	my ($image) = @_;
	my $bytes;

	return undef if !defined $image || !-e $image;
	for (qx(objdump -h '$image' 2>/dev/null)) {
		my (undef, $name, $size) = split;
		next if !defined $size || $size !~ /^[0-9a-f]{8}/;
		$bytes += hex $size if $name =~ /^\.text(?!\.init)/;
	}
	return $bytes ? $bytes / 1024 : undef;
}

sub save {
	my ($file, $r) = @_;
	open(my $f, '>', $file) or die "$file: $!\n";
	defined $r->{$_} and print $f "$_ $r->{$_}\n" for sort keys %$r;
	close($f) or die "$file: $!\n";
}

sub load {
	my ($file) = @_;
	open(my $f, '<', $file) or die "$file: $!\n";
	return { map { split } <$f> };
}

sub value {
	my ($r, $measure) = @_;
	my $v = $r->{ $measure->[0] };
	return defined $v ? sprintf($measure->[2], $v) : '-';
}

# A table with one column per (name => results); the first one's limits.
sub table {
	my @columns = @_;
	my $out = '';
	my (@names, @results);

	while (my ($n, $r) = splice(@columns, 0, 2)) {
		push @names, $n;
		push @results, $r;
	}
	$out .= sprintf("%-42s%s\n", '', join '', map { sprintf '%14s', $_ } @names) if @names > 1;
	for my $m (@measures) {
		$out .= sprintf('%-42s%s', $m->[1], join '', map { sprintf '%14s', value($_, $m) } @results);
		$out .= sprintf("   (limit $m->[2])", $m->[3]) if defined $m->[3];
		$out .= "\n";
	}
	return $out;
}

1;
