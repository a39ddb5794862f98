#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# make install into an empty folder: every program, link and manual page is there,
# each is what it says it is, and nothing tells where it was built.

use strict;
use warnings;
use Cwd ();
use File::Temp ();
use Test::More;

my $top = Cwd::abs_path($ENV{PAVISE_TOP} // '.');
my $dest = File::Temp->newdir;
my $out = `make -C $top --no-print-directory BUILD=$ENV{BUILD} DESTDIR=$dest PREFIX=/usr install 2>&1`;
is($?, 0, 'make install') or BAIL_OUT($out);

sub content {
	my ($path) = @_;
	open(my $in, '<', $path) or die "$path: $!\n";
	local $/;
	return scalar readline($in);
}

my @sbin = qw(xl xenstored xenconsoled xenconsole xen-init-dom0);
my @links = map { "xenstore-$_" } qw(ls read write list rm chmod exists watch control top);
my @programs = ((map { "usr/sbin/$_" } @sbin), 'usr/bin/xenstore');

for my $p (@programs) {
	ok(-x "$dest/$p" && !-l "$dest/$p", $p);
	ok(index(content("$dest/$p"), $top) < 0, '... does not tell where it was built');
}
for my $l (@links) {
	is(readlink("$dest/usr/bin/$l") // 'no link', 'xenstore', "usr/bin/$l is a link");
}
like(`$dest/usr/sbin/xl help 2>&1`, qr/^ create /m, 'xl runs from there');
like(`$dest/usr/bin/xenstore-read 2>&1`, qr/xenstore-read/, '... and a tool by its link');

my ($image) = glob("$dest/boot/pavise-*");
ok($image && -s $image, 'the hypervisor is in /boot') or BAIL_OUT('no hypervisor');
ok(index(content($image), $top) < 0, '... and does not tell where it was built');
ok(!system("bash -n $dest/usr/share/bash-completion/completions/xl"), 'completion for bash');

# All pages, in their sections, and a page for everything that can be typed.
for my $page (glob("$top/docs/man/*")) {
	my ($name, $section) = $page =~ m{/([^/]+)\.(\d)$};
	ok(-s "$dest/usr/share/man/man$section/$name.$section", "$name($section)");
}
for my $name (qw(xl xenstored xenconsoled xenconsole), 'xenstore', @links) {
	my @pages = glob("$dest/usr/share/man/man*/$name.[18]");
	is(scalar(@pages), 1, "$name has a manual page");
}
done_testing;
