# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Fuzz: a machine with pairs of guests that issue random hypercalls (tests/guests/fuzz)
# beside a third one that notices what is done to it (tests/guests/undisturbed).
#
#   my $m = Fuzz::boot(HV => 'build/pavise');
#   my $out = Fuzz::pair($m, 1, 2, 10);   # seeds 1 and 2, for 10 seconds
#
# What the three said has their names before it: fuzz1, fuzz2 and witness.
package Fuzz;

use strict;
use warnings;
use Machine;
use Guests;

# What the serial line says when a pair, its witness at work, is about to call.
our $begins = qr/^the random hypercalls begin\n/m;

# The end of a panic, with its reason.
our $panic = qr/\*\*\* HYPERVISOR PANIC: ([^\n]*)\n(?:.*\n)*?.*Reboot in five seconds/;

my $scripts = <<'SCRIPTS';
cat >/tmp/start.sh <<'END'
# start.sh NAME KERNEL VCPUS ARGUMENTS: a guest; what it says goes to /tmp/NAME.out
printf 'name="%s"\nkernel="/guests/test-%s"\nmemory=32\nvcpus=%s\n' $1 $2 $3 >/tmp/$1.cfg
printf 'on_crash="destroy"\nextra="%s"\n' "$4" >>/tmp/$1.cfg
xl create -p /tmp/$1.cfg >/dev/null || exit
xl console $1 </dev/null >/tmp/$1.out &
sleep 0.3
xl unpause $1
END
cat >/tmp/go.sh <<'END'
# go.sh NAME...: these have begun to talk, and are told to go on
for g; do
	i=0
	until grep -q '^---' /tmp/$g.out || [ $i -ge 100 ]; do sleep 0.1; i=$((i+1)); done
	grep -q '^---' /tmp/$g.out || exit
done
# xl leaves a line unfinished.
printf '\nthe random hypercalls begin\n'
for g; do echo >$(xenstore-read /local/domain/$(xl domid $g)/console/tty); done
END
cat >/tmp/end.sh <<'END'
# end.sh NAME SECONDS: waits for its end, and shows what it said
i=0
while xl domid $1 >/dev/null 2>&1 && [ $i -lt $(($2 * 2)) ]; do sleep 0.5; i=$((i+1)); done
xl destroy $1 >/dev/null 2>&1 && echo "$1 has not ended"
sleep 0.3
tr -d '\r' </tmp/$1.out | sed -n 's/^\(seed\|undisturbed\|Test result\|.*rror\|Failure\)/'$1': &/p'
END
cat >/tmp/pair.sh <<'END'
# pair.sh SEED SEED SECONDS: the witness and the two
sh /tmp/start.sh witness undisturbed 1 'stop=1'
w=$(xl domid witness)
i=0
until xenstore-read /local/domain/$w/data/ready >/dev/null 2>&1 || [ $i -ge 100 ]; do sleep 0.2; i=$((i+1)); done
sh /tmp/start.sh fuzz$1 fuzz 2 "seed=$1 seconds=$3 victim=$w wait=1" &
sh /tmp/start.sh fuzz$2 fuzz 2 "seed=$2 seconds=$3 victim=$w wait=1"
wait
sh /tmp/go.sh fuzz$1 fuzz$2
sh /tmp/end.sh fuzz$1 $(($3 * 3 + 30))
sh /tmp/end.sh fuzz$2 30
xenstore-write /local/domain/$w/data/stop 1
sh /tmp/end.sh witness 30
END
SCRIPTS

# A machine, with more for its environment, whose control domain has the scripts for a
# pair. Options for Machine->boot follow. A panic ends whatever is waited for.
sub boot {
	my ($env, %o) = @_;
	my $m = Machine->boot(%o, fatal => $panic, env => { INITRD => Guests::image_with_tests(), %$env,
		HV_ARGS => 'guest_loglvl=none ' . ($ENV{HV_ARGS} // '') });

	$m->dom0;
	$m->run('dmesg -n 1');
	chomp(my $text = $scripts);
	$m->run($text);
	return $m;
}

# Runs a pair with these seeds, for so many seconds, beside a witness; what they said.
sub pair {
	my ($m, $a, $b, $seconds) = @_;
	return $m->run("sh /tmp/pair.sh $a $b $seconds", 150 + 6 * $seconds);
}

1;
