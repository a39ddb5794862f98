# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# The measures that `make demo` prints and `make compare` sets side by side.
package Measure;

use strict;
use warnings;

# Key, name, unit, digits, and the limit that Pavise has set itself ("peer": no
# more than the peer's).
my @measures = (
	[boot   => "power-on to the control domain's init", 's',   2, 'peer'],
	[create => "xl create to the guest's init",         's',   2, 'peer'],
	[memory => 'memory taken by the hypervisor',        'MiB', 1, 24],
	[guest  => 'memory per idle guest besides its own', 'KiB', 1, 100],
	[text   => 'text outside init',                     'KiB', 0, 400],
);

# By frames: how many are free, and how many KiB of the machine's memory are
# neither free nor a domain's own.
sub memory {
	my ($m) = @_;
	my %c = map { split } grep { /^\w+ \d+$/ } split /\n/, $m->run('hvstat');
	my $used = $c{free} // die "hvstat tells nothing\n";

	$used += $c{$_} for grep { /^domain\d+$/ } keys %c;
	return { free => $c{free}, taken => ($ENV{MEM} // 3072) * 1024 - $used * 4 };
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

sub number {
	my ($v, $measure) = @_;
	return defined $v ? sprintf("%.$measure->[3]f", $v) : '-';
}

# One run's measures.
sub report {
	my ($r) = @_;
	my $out = '';

	for my $m (@measures) {
		$out .= sprintf '%-40s%9s %-4s', $m->[1], number($r->{ $m->[0] }, $m), $m->[2];
		$out .= "   (limit $m->[4] $m->[2])" if $m->[4] ne 'peer';
		$out .= "\n";
	}
	return $out;
}

sub sorted {
	my ($key, $runs) = @_;
	return sort { $a <=> $b } grep { defined } map { $_->{$key} } @$runs;
}

sub median {
	my @v = @_;
	return @v ? ($v[$#v / 2] + $v[@v / 2]) / 2 : undef;
}

# Two columns, each [name, runs], the peer second: least and median of each, and
# the ratio of the least. What else runs on the machine only ever adds time, so
# the least value is what is judged. Returns the text and how many were missed.
sub compare {
	my ($us, $peer) = @_;
	my ($out, $missed) = ('', 0);

	$out .= sprintf "%-40s%20s%20s%8s   %s\n", 'least (median)', $us->[0], $peer->[0], 'ratio', 'asked';
	for my $m (@measures) {
		my @u = sorted($m->[0], $us->[1]);
		my @p = sorted($m->[0], $peer->[1]);
		my $limit = $m->[4] eq 'peer' ? $p[0] : $m->[4];
		my $ok = @u && defined $limit && $u[0] <= $limit;
		my $cell = sub {
			my @v = @_;
			return @v ? sprintf('%s (%s) %s', number($v[0], $m), number(median(@v), $m), $m->[2]) : '-';
		};

		$out .= sprintf "%-40s%20s%20s%8s   %s: %s\n", $m->[1], $cell->(@u), $cell->(@p),
			@u && @p ? sprintf('%.2f', $u[0] / $p[0]) : '-',
			$m->[4] eq 'peer' ? "at most ${\$peer->[0]}'s" : "at most $limit $m->[2]",
			$ok ? 'met' : 'MISSED';
		$missed++ if !$ok;
	}
	$out .= sprintf "%d runs of %s and %d of %s, taking turns.\n", scalar @{ $us->[1] }, $us->[0],
		scalar @{ $peer->[1] }, $peer->[0];
	return ($out, $missed);
}

1;
