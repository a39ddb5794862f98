#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Guests of two processors each that issue random but well-shaped hypercalls
# (tests/guests/fuzz), two at a time, on themselves and on a third one, which notices
# whatever happens to it (tests/guests/undisturbed). After each pair all counts and
# links are worked out anew, and nothing may be left. What goes wrong ends the test,
# with the pair's seeds.
#
# FUZZ_SEED is the first seed, FUZZ_RUNS how many pairs, FUZZ_SECONDS how long each;
# further pairs run until there were FUZZ_HYPERCALLS (2 million).

use strict;
use warnings;
use Test::More;
use lib ($ENV{PAVISE_TOP} // '.') . '/tests/lib';
use Machine;
use Guests;

my $seed = $ENV{FUZZ_SEED} || 1;
my $runs = $ENV{FUZZ_RUNS} || 3;
my $seconds = $ENV{FUZZ_SECONDS} || 10;
my $enough = $ENV{FUZZ_HYPERCALLS} // 2_000_000;
my $m = Machine->boot(env => { INITRD => Guests::image_with_tests(),
	HV_ARGS => 'guest_loglvl=none' });

$m->dom0;
$m->run('dmesg -n 1');
$m->run("cat >/tmp/start.sh <<'END'
# start.sh NAME KERNEL VCPUS ARGUMENTS: a guest; what it says goes to /tmp/NAME.out
printf 'name=\"%s\"\\nkernel=\"/guests/test-%s\"\\nmemory=32\\nvcpus=%s\\n' \$1 \$2 \$3 >/tmp/\$1.cfg
printf 'on_crash=\"destroy\"\\nextra=\"%s\"\\n' \"\$4\" >>/tmp/\$1.cfg
xl create -p /tmp/\$1.cfg >/dev/null || exit
xl console \$1 </dev/null >/tmp/\$1.out &
sleep 0.3
xl unpause \$1
END
cat >/tmp/end.sh <<'END'
# end.sh NAME SECONDS: waits for its end, and shows what it said
i=0
while xl domid \$1 >/dev/null 2>&1 && [ \$i -lt \$((\$2 * 2)) ]; do sleep 0.5; i=\$((i+1)); done
xl destroy \$1 >/dev/null 2>&1 && echo \"\$1 has not ended\"
sleep 0.3
tr -d '\\r' </tmp/\$1.out | sed -n 's/^\\(seed\\|undisturbed\\|Test result\\|.*rror\\|Failure\\)/'\$1': &/p'
END
cat >/tmp/pair.sh <<'END'
# pair.sh SEED SEED SECONDS: the witness and the two
sh /tmp/start.sh witness undisturbed 1 'stop=1'
w=\$(xl domid witness)
i=0
until xenstore-read /local/domain/\$w/data/ready >/dev/null 2>&1 || [ \$i -ge 100 ]; do sleep 0.2; i=\$((i+1)); done
sh /tmp/start.sh fuzz\$1 fuzz 2 \"seed=\$1 seconds=\$3 victim=\$w\" &
sh /tmp/start.sh fuzz\$2 fuzz 2 \"seed=\$2 seconds=\$3 victim=\$w\"
wait
sh /tmp/end.sh fuzz\$1 \$((\$3 * 3 + 30))
sh /tmp/end.sh fuzz\$2 30
xenstore-write /local/domain/\$w/data/stop 1
sh /tmp/end.sh witness 30
END");
# What tools and kernel keep is allocated by a first pair.
$m->run('sh /tmp/pair.sh 1000001 1000002 1', 200);
my $before = $m->census;
my $calls = 0;

sub stop_unless {
	my ($ok, $seeds, @why) = @_;
	return if $ok;
	diag(@why);
	BAIL_OUT("seeds $seeds: again with FUZZ_SEED=" . ($seeds =~ s/ .*//r) . ' FUZZ_RUNS=1');
}

for (my $n = 0; $n < $runs || ($calls < $enough && $n < 50); $n++) {
	my ($a, $b) = ($seed + 2 * $n, $seed + 2 * $n + 1);
	my $seeds = "$a and $b";
	my $out = eval { $m->run("sh /tmp/pair.sh $a $b $seconds", 150 + 6 * $seconds) };
	stop_unless(defined $out, $seeds, $@);
	my $good = () = $out =~ /^fuzz\d+: Test result: SUCCESS/mg;
	stop_unless(is($good, 2, "seeds $seeds: both ran to the end"), $seeds, $out);
	stop_unless(like($out, qr/^witness: Test result: SUCCESS/m, '... and the third is undisturbed'),
		$seeds, $out);
	$calls += $1 while $out =~ / (\d+) hypercalls/g;
	note($1) if $out =~ /^witness: (undisturbed.*)/m;
	stop_unless(is($m->audit, '', '... and counts and links are right'), $seeds);
	stop_unless(is($m->census_diff($before, 2), '', '... and nothing is left'), $seeds);
}
cmp_ok($calls, '>=', $enough, "hypercalls in the machine: $calls");
$m->send("poweroff\n");
is($m->ended(60), 0, 'powers off');
done_testing;
