# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Machine: a QEMU with a hypervisor in it, driven through its serial line.
#
#   my $m = Machine->boot(env => { SMP => 2 });
#   $m->dom0;                            # wait for the control domain's shell
#   my ($out, $status) = $m->cmd("xl list");
#   $m->expect(qr/pattern/, 20);         # dies with the log's tail when it is late
#
# Every line of the serial line goes to the log, build/log/TEST.log, with the
# seconds since power-on. Whatever happens, the QEMU is gone when the object is.
package Machine;

use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes qw(time);

# Ending by exit lets the destructors run.
$SIG{$_} = sub { exit 130 }
	for qw(INT TERM HUP);

my $top = $ENV{PAVISE_TOP} // '.';

# A shell's prompt with nothing after it (but busybox's question for the cursor).
our $prompt = qr/# (?:\e\[6n)?$/;

# How much slower than a quiet machine things may be.
our $patience = $ENV{PATIENCE} || 1;

# The log of a test: build/log/NAME.log.
sub log_name {
	my ($name) = $_[0] =~ m{([^/]+)$};
	$name =~ s/\.t\b//;
	my $dir = ($ENV{BUILD} // 'build') . '/log';
	mkdir $dir;
	return "$dir/$name.log";
}

# What to boot instead of what the environment says: the series of the two
# kernels, an environment for boot.sh, and arguments for QEMU. Our hypervisor
# recounts everything after each domain's death (its option `audit`), unless
# audit => 0 says that this would be in the way. With monitor => 1 there is QEMU's
# monitor, too. Once fatal => qr/pattern/ is there, nothing else is waited for.
sub boot {
	my ($class, %o) = @_;
	my $log = $o{log} // log_name($0);
	my %env = %{ $o{env} // {} };
	if (my $k = $o{dom0}) {
		my $g = $o{guest} // $k;
		($env{KERNEL}) = glob("$ENV{DEBIAN}/kernel-$k/boot/vmlinuz-*");
		$env{INITRD} = "$ENV{IMAGES}/dom0-$k-$g-$ENV{TOOLS}.img";
	}
	$env{HV_ARGS} = ($env{HV_ARGS} // $ENV{HV_ARGS} // '') . ' audit' if $o{audit} // 1;
	my $self = bless { buf => '', pos => 0, stamps => [], line => '',
		fatal => $o{fatal} }, $class;
	my @args = @{ $o{args} // [] };
	if ($o{monitor}) {
		$self->{monitor} = $log =~ s/\.log$/.monitor/r;
		push @args, '-monitor', "unix:$self->{monitor},server,nowait";
	}

	open($self->{log}, '>', $log) or die "$log: $!\n";
	$self->{log}->autoflush(1);
	$self->{log_name} = $log;
	pipe(my $child_in, $self->{in}) or die "pipe: $!\n";
	pipe($self->{out}, my $child_out) or die "pipe: $!\n";
	$self->{t0} = time;
	$self->{pid} = fork // die "fork: $!\n";
	if (!$self->{pid}) {
		open(STDIN, '<&', $child_in);
		open(STDOUT, '>&', $child_out);
		open(STDERR, '>&', $child_out);
		POSIX::setpgid(0, 0);
		@ENV{ keys %env } = values %env;
		# Should we be killed, it must not outlive us.
		exec('setpriv', '--pdeathsig', 'KILL', "$top/dom0-tools/image/boot.sh",
			@args) or POSIX::_exit(127);
	}
	$self->{in}->autoflush(1);
	return $self;
}

sub DESTROY {
	my ($self) = @_;
	local ($?, $!);
	$self->kill;
}

sub kill {
	my ($self) = @_;
	return if !$self->{pid};
	kill 'KILL', $self->{pid};
	waitpid($self->{pid}, 0);
	$self->{pid} = 0;
	unlink $self->{monitor} if $self->{monitor};
}

# Writes to the log what has become whole lines; each with its time.
sub _log {
	my ($self, $text, $t) = @_;
	$self->{line} .= $text;
	while ($self->{line} =~ s/^([^\n]*)\n//) {
		printf { $self->{log} } "%8.3f %s\n", $t, $1;
	}
}

# Reads what has come; waits up to $wait seconds. False at the end of file.
sub _fill {
	my ($self, $wait) = @_;
	return 1 if !IO::Select->new($self->{out})->can_read($wait);
	my $n = sysread($self->{out}, my $text, 65536);
	return 0 if !$n;
	my $t = time - $self->{t0};
	# Two layers of terminal put as many carriage returns before a newline.
	$text =~ tr/\r//d;
	push @{ $self->{stamps} }, [length($self->{buf}), $t];
	my $line = rindex($self->{buf}, "\n") + 1;
	$line = $self->{pos} if $self->{pos} > $line;
	substr($self->{buf}, $line) = messages_first(substr($self->{buf}, $line) . $text);
	$self->_log($text, $t);
	return 1;
}

# The hypervisor's messages come in the middle of what the control domain is about to
# write: then they are put before that line, which is whole again.
sub messages_first {
	my ($text) = @_;
	my $message = qr/\((?:HV|XEN)\) /;
	1 while $text =~ s/^(?!$message)([^\n]+?)($message[^\n]*\n)/$2$1/m;
	return $text;
}

# When the character at this place of the buffer came.
sub _when {
	my ($self, $at) = @_;
	my $t = 0;
	for my $s (@{ $self->{stamps} }) {
		last if $s->[0] > $at;
		$t = $s->[1];
	}
	return $t;
}

sub _late {
	my ($self, $what) = @_;
	my $tail = substr($self->{buf}, $self->{pos});
	$tail = '...' . substr($tail, -2000) if length($tail) > 2000;
	die "$what\n--- since the last thing seen ($self->{log_name} has all)\n$tail\n---\n";
}

# Waits for the pattern in what came since the last one, and returns its groups
# (or the whole match). $self->{seen} is then when it came, $self->{before} the
# text before it.
sub expect {
	my ($self, $re, $timeout) = @_;
	my $end = time + ($timeout // 30) * $patience;

	while (1) {
		pos($self->{buf}) = $self->{pos};
		if ($self->{buf} =~ /$re/g) {
			my @groups = map { substr($self->{buf}, $-[$_], $+[$_] - $-[$_]) }
				grep { defined $-[$_] } $#+ ? (1 .. $#+) : (0);
			$self->{before} = substr($self->{buf}, $self->{pos}, $-[0] - $self->{pos});
			$self->{seen} = $self->_when($+[0] - 1);
			$self->{pos} = $+[0];
			return wantarray ? @groups : $groups[0];
		}
		$self->_late("the machine has said what it must not")
			if $self->{fatal} && substr($self->{buf}, $self->{pos}) =~ $self->{fatal};
		my $left = $end - time;
		$self->_late("not seen in time: $re") if $left <= 0;
		$self->_fill($left) or $self->_late("the machine ended before: $re");
	}
}

# All that the serial line has said so far.
sub text {
	my ($self) = @_;
	return substr($self->{buf}, 0);
}

# Whether the pattern comes within so many seconds.
sub seen_within {
	my ($self, $re, $timeout) = @_;
	return eval { $self->expect($re, $timeout); 1 } ? 1 : 0;
}

sub send {
	my ($self, $text) = @_;
	local $SIG{PIPE} = 'IGNORE';
	syswrite($self->{in}, $text);
	return time - $self->{t0};
}

# Waits until the control domain is up and gets a shell there that doesn't
# prompt.
sub dom0 {
	my ($self, $timeout) = @_;
	$self->expect(qr/dom0: init is up/, $timeout // 90);
	$self->{dom0_init} = $self->{seen};
	$self->expect(qr/dom0: ready/, 60);
	$self->{dom0_ready} = $self->{seen};
	$self->expect(qr/dom0# /, 30);
	# A shell that reads a script from the terminal isn't interactive.
	$self->send("stty sane; exec sh /dev/hvc0\n");
	# It echoes what is typed from when it answers.
	$self->send("echo plain-\$((1+1))\n");
	$self->expect(qr/plain-2\n/, 20);
}

# Gives QEMU's monitor commands, one after the other, and returns what it answers.
sub monitor {
	my ($self, @commands) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $self->{monitor}) or die "$self->{monitor}: $!\n";
	my $text = '';

	# It prompts when it is through.
	for my $command ('', @commands) {
		$text = '';
		$s->print("$command\n") if $command ne '';
		while ($text !~ /\(qemu\) $/ && sysread($s, my $more, 65536)) {
			$text .= $more;
		}
	}
	$text =~ tr/\r//d;
	return $text;
}

# Back from a guest's console to the control domain's shell. Some clients want
# the key alone in a read, so it gets some time.
sub leave_console {
	my ($self) = @_;
	for (1 .. 10) {
		$self->send("\x1d");
		select(undef, undef, undef, 0.5);
		$self->send("\necho at-\$(hostname)\n");
		return if $self->expect(qr/at-(dom0|demo|debian)\n/, 20) eq 'dom0';
	}
	die "Ctrl-] does not leave the console\n";
}

# Types a text: a hypervisor's input buffer is small (Xen's has 128 bytes), so
# the next piece goes when the last one was echoed.
sub type {
	my ($self, $text) = @_;
	for my $piece ($text =~ /.{1,64}/gs) {
		my $want = length($self->{buf}) + length($piece);
		my $end = time + 5 * $patience;
		$self->send($piece);
		while (length($self->{buf}) < $want && time < $end) {
			$self->_fill($end - time) or last;
		}
	}
}

# Runs a command there. Returns its output (without the hypervisor's messages)
# and its exit status. In braces, so that all is echoed before anything runs.
sub cmd {
	my ($self, $line, $timeout) = @_;
	$self->type("{ $line\n}; echo \"[done \$?]\"\n");
	$self->expect(qr/\[done \$\?\]"\n/, 20);
	my ($status) = $self->expect(qr/\[done (\d+)\]\n/, $timeout // 30);
	my $out = $self->{before};
	$out =~ s/^\(XEN\)[^\n]*\n//mg;
	# An audit after a death may come at any time.
	$out =~ s/^\(HV\) Audit: [^\n]*\n//mg;
	return wantarray ? ($out, $status) : $out;
}

# The same, and it has to succeed.
sub run {
	my ($self, $line, $timeout) = @_;
	my ($out, $status) = $self->cmd($line, $timeout);
	die "$line: exit status $status\n$out" if $status;
	return $out;
}

# What there is, by name: frames, domains, ports of the control domain, nodes of
# the store. What is the same before and after has not leaked.
sub census {
	my ($self) = @_;
	my %c = map { split } grep { /^\w+ \d+$/ } split /\n/, $self->run('hvstat');
	my $paths = $self->run("xenstore-ls -f / | sed 's/ = .*//'");
	$c{nodes} = join "\n", grep { m{^/} } split /\n/, $paths;
	return \%c;
}

# The differences between two of them, as text; empty: none. Free memory may
# come back late (scrubbing, the last reference), so the second is taken anew
# for a while. So many frames may stay away (pages of small objects, say, where
# one that outlives the test has moved in).
sub census_diff {
	my ($self, $before, $frames) = @_;
	my $end = time + 10 * $patience;
	my $diff;

	do {
		my $after = $self->census;
		my %all = (%$before, %$after);
		$diff = '';
		for my $k (sort keys %all) {
			my ($b, $a) = ($before->{$k} // 'none', $after->{$k} // 'none');
			next if $a eq $b;
			if ($k eq 'nodes') {
				my %b = map { $_ => 1 } split /\n/, $b;
				my %a = map { $_ => 1 } split /\n/, $a;
				$diff .= "new node $_\n" for grep { !$b{$_} } sort keys %a;
				$diff .= "lost node $_\n" for grep { !$a{$_} } sort keys %b;
			} elsif ($k ne 'free' || abs($b - $a) > ($ENV{LEAK_SLACK} // $frames // 0)) {
				$diff .= "$k: $b before, $a after\n";
			}
		}
		return '' if $diff eq '';
		select(undef, undef, undef, 0.5);
	} while (time < $end);
	return $diff;
}

# Has the hypervisor recount everything now: '' if that was in order.
sub audit {
	my ($self) = @_;
	return '' if ($ENV{HV} // '') =~ /xen/;
	$self->type("xl debug-keys A\n");
	my ($result) = $self->expect(qr/\(HV\) Audit: \d+ frames.*: (.*)\n/, 30);
	$self->coverage if $ENV{HV_COVERAGE};
	return $result eq 'no difference' ? $self->differences : "$result\n" . $self->differences;
}

# Has a hypervisor that was built with COVERAGE=y say what it has executed so far.
sub coverage {
	my ($self) = @_;
	$self->type("xl debug-keys C\n");
	$self->expect(qr/\(HV\) Coverage: \d+ lines\n/, 120);
}

# What all audits so far have found. (Of a copy, since the buffer's pos() is where
# expect() has last been.)
sub differences {
	my ($self) = @_;
	return join "\n", grep { !/no difference$/ } $self->text =~ /\(HV\) (Audit: .*)$/mg;
}

# Whether the machine switches itself off; returns QEMU's exit status or undef.
sub ended {
	my ($self, $timeout) = @_;
	my $end = time + ($timeout // 30) * $patience;

	while (time < $end) {
		next if $self->_fill($end - time);
		waitpid($self->{pid}, 0);
		$self->{pid} = 0;
		my $status = $? >> 8;
		my $found = $self->differences;
		die "the hypervisor's books are wrong:\n$found\n" if $found ne '';
		return $status;
	}
	return undef;
}

1;
