#!/bin/bash
# SPDX-License-Identifier: MIT
# The daemon as it is shipped: confined, killed, updated, looked into; and the
# tools that have no peer. TAP.
# usage: inside.sh BUILDDIR
# XEN_BIN: where Debian's test-xenstore is (package xen-utils-4.17); skipped without.
set -u
build=$(cd "${1:?usage: inside.sh BUILDDIR}" && pwd)
dir=$(mktemp -d -p /dev/shm)
export XENSTORED_RUNDIR=$dir PATH=$build:$PATH
n=0 failed=0
# shellcheck disable=SC2317 # by the trap
cleanup() {
	[ ! -f "$dir/pid" ] || kill "$(cat "$dir/pid")" 2>/dev/null
	sleep 0.1
	umount "$dir/full" 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT

# TEXT COMMAND...: must succeed
t() {
	local text=$1
	shift
	n=$((n + 1))
	if "$@" >"$dir/out" 2>&1; then
		echo "ok $n - $text"
	else
		echo "not ok $n - $text"
		sed 's/^/# /' "$dir/out"
		failed=1
	fi
}
status() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$(cat "$dir/pid")/status"; }
# Ends the daemon, and waits until it is gone (or would be, if somebody looked after
# orphans at once): a signal takes its time.
end() {
	local pid i
	pid=$(cat "$dir/pid")
	kill "$1" "$pid"
	for ((i = 0; i < 1000; i++)); do
		grep -q '^State:.*[^Z] ' "/proc/$pid/status" 2>/dev/null || return 0
		sleep 0.02
	done
	echo "Bail out! the daemon does not end by $1"
	exit 1
}
# shellcheck disable=SC2317 # by t
is() { [ "$1" = "$2" ] || { echo "got '$1', want '$2'"; return 1; }; }
# shellcheck disable=SC2317 # by t
start() { xenstored -D -F "$dir/pid" "$@"; }
metrics() { python3 -c "
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect('$dir/metrics')
sys.stdout.write(s.makefile().read())"; }

t "starts" start
t "seccomp is on" is "$(status Seccomp)" 2
xenstore-write /a/b hello /a/c ""
xenstore-chmod /a/b n3 r5
xenstore-control quota set nodes 77 >/dev/null
xenstore-ls -fp >"$dir/before"
old=$(cat "$dir/pid")
t "live update" is "$(xenstore-control live-update -s)" OK
t "by another process" test "$(cat "$dir/pid")" != "$old"
t "in the same cage" is "$(status Seccomp)" 2
t "with the same tree" is "$(xenstore-ls -fp)" "$(cat "$dir/before")"
t "live update as xenstore-control asks for it" is \
	"$(xenstore-control live-update -f "$build/xenstored"; xenstore-control live-update -s -t 5 -F)" \
	"OK
OK"
t "no binary, no update" is "$(xenstore-control live-update /nonexistent 2>&1)" \
	"xenstore-control: live-update: No such file or directory"
t "one that fails is no harm" is "$(xenstore-control live-update /bin/false)" \
	"the new daemon has failed"
t "and nothing was lost" is "$(xenstore-ls -fp)" "$(cat "$dir/before")"
end -9
t "killed and started" start
t "the tree" is "$(xenstore-ls -fp)" "$(cat "$dir/before")"
t "the quota" is "$(xenstore-control quota | awk '/^nodes / { print $3 }')" 77
t "check" is "$(xenstore-control check)" OK

# A journal that is damaged: what is before the damage counts.
for ((i = 0; i < 100; i++)); do xenstore-write /d/$i v; done
end -9
python3 - "$dir/journal" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    data = f.read()
    f.seek(data.rindex(b"/d/50") + 1)
    f.write(b"X")
PY
t "started on a damaged journal" start
t "what was written before" xenstore-exists /d/49 /a/b
t "nothing after it" is "$(xenstore-exists /d/50; echo $?)" 1
t "check" is "$(xenstore-control check)" OK

# One of the version before, which had no blocks; and one that nobody knows.
end -9
xenstore_version() { printf '%s' "$1" | dd of="$dir/journal" bs=1 seek=13 conv=notrunc status=none; }
xenstore_version 1
t "started on an older journal" start
t "with all that was in it" xenstore-exists /d/49 /a/b
end -9
cp "$dir/journal" "$dir/kept"
xenstore_version 9
t "started beside one of another version" start
t "with an empty store" is "$(xenstore-exists /d/49; echo $?)" 1
end -9
mv "$dir/kept" "$dir/journal"
t "started again" start

# Snapshots take the place of what has grown.
python3 - "$dir/socket" <<'PY'
import socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
for i in range(9000):
    payload = b"/big/%d\0" % (i % 50) + b"%d" % i * 300
    s.sendall(struct.pack("<IIII", 11, i, 0, len(payload)) + payload)
    s.recv(4096)
PY
xenstore-ls -f >"$dir/before"
snapshots() { metrics | awk '/^xenstored_journal_snapshots_total/ { print $2 }'; }
t "a snapshot was taken" test "$(snapshots)" -ge 1
t "the journal is not big" test "$(stat -c %s "$dir/journal")" -lt 12000000
# With nothing to do the daemon makes it small.
for ((i = 0; i < 100 && $(stat -c %s "$dir/journal") > 400000; i++)); do sleep 0.1; done
t "then it is small" test "$(stat -c %s "$dir/journal")" -le 400000
end -9
t "started from a snapshot" start
t "with the same tree" is "$(xenstore-ls -f | md5sum)" "$(md5sum <"$dir/before")"

# Three send all they can, one reads: two turns of each of the others come first, no more.
python3 - "$dir/socket" <<'PY'
import socket, struct, sys
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    return s
floods, reader = [connect() for _ in range(3)], connect()
write = struct.pack("<IIII", 11, 1, 0, 12) + b"/flood\0value"
for i in range(300):
    for f in floods:
        f.setblocking(False)
        try:
            f.send(write * 200)
            f.recv(65536)
        except BlockingIOError:
            pass
    reader.sendall(struct.pack("<IIII", 2, 1, 0, 7) + b"/flood\0")
    reader.recv(4096)
PY
waited() { metrics | awk '/^xenstored_domain_waited_requests_max{domain="0"}/ { print $2 }'; }
t "requests wait for others' turns" test "$(waited)" -ge 8
t "and for no more than two of each" test "$(waited)" -le 48

# Looking inside.
metrics >"$dir/metrics.txt"
t "metrics: requests" grep -q '^xenstored_requests_total{op="READ"} [1-9]' "$dir/metrics.txt"
t "metrics: domains" grep -q '^xenstored_domain_requests_total{domain="0"} [1-9]' "$dir/metrics.txt"
t "metrics: nothing but metrics" is "$(sed 1,3d "$dir/metrics.txt" |
	grep -cvE '^(# TYPE [a-z_]+ (counter|gauge)|[a-z_]+(\{[a-z]+="[A-Za-z0-9_-]+"\})? [0-9]+)$')" 0
t "xenstore-top" is "$(xenstore-top -n 2 0.1 | grep -c '^ *0 ')" 2
(sleep 0.3 && xenstore-write /a/new v && sleep 0.5 && xenstore-rm /a/new) &
t "xenstore-ls --watch" is "$(timeout 5 xenstore-ls --watch -n 2 /a | tail -2)" '/a/new = "v"
/a/new removed'
xenstore-control logfile "$dir/trace" >/dev/null
xenstore-control trace 7 >/dev/null
xenstore-read /a/b >/dev/null
t "trace of another domain" is "$(grep -c 'READ /a/b' "$dir/trace")" 0
xenstore-control trace 0 >/dev/null
xenstore-read /a/b >/dev/null
t "trace of this one" is "$(grep -c 'READ /a/b' "$dir/trace")" 1
xenstore-control trace off >/dev/null
t "help names all" is "$(xenstore-control help | cut -f1 | tr '\n' ' ')" \
	"check live-update log logfile memreport print quota quota-soft trace help "

if [ -x "${XEN_BIN:-/usr/lib/xen-4.17/bin}/test-xenstore" ]; then
	t "Debian's test-xenstore" "${XEN_BIN:-/usr/lib/xen-4.17/bin}/test-xenstore" -i 20
fi
end -TERM
t "starts without recovery" start -R
t "empty" is "$(xenstore-ls -f)" "/tool = \"\"
/tool/xenstored = \"\""
end -TERM
t "starts with somebody who looks after it" start --respawn
xenstore-write /a/b kept
# shellcheck disable=SC2317 # by t
killed_and_back() {
	local old i
	old=$(cat "$dir/pid")
	kill "$1" "$old"
	for ((i = 0; i < 500; i++)); do
		[ "$(cat "$dir/pid")" = "$old" ] || { is "$(xenstore-read /a/b)" kept && return; }
		sleep 0.02
	done
	return 1
}
t "killed, it comes back" killed_and_back -KILL
t "and again" killed_and_back -SEGV
t "live update" is "$(xenstore-control live-update -s)" OK
t "and killed after that" killed_and_back -KILL
end -TERM
t "told to end, it ends" is "$(sleep 0.5; cat "$dir/pid" 2>&1)" "cat: $dir/pid: No such file or directory"
if [ "$(id -u)" = 0 ]; then
	# Where the journal lies there is no room for another one, later none at all.
	full=$dir/full
	mkdir "$full"
	mount -t tmpfs -o size=512k none "$full" || { echo "Bail out! no tmpfs"; exit 1; }
	# shellcheck disable=SC2317 # by t
	start_full() { start -J "$full/journal"; }
	many() { for ((i = 0; i < $1; i++)); do printf '%s\n' "/m/$i" "$2"; done | xargs -n 100 xenstore-write; }
	t "starts with little room" start_full
	many 400 "$(printf '%0200d' 1)"
	head -c 1M /dev/zero >"$full/zeroes" 2>/dev/null
	sleep 2.5
	xenstore-write /after kept
	end -9
	t "started from what there was" start_full
	t "with what came after" is "$(xenstore-read /after)" kept
	many 2000 "$(printf '%0200d' 2)"
	rm "$full/zeroes"
	sleep 2
	xenstore-write /after healed
	end -9
	t "started after there was room again" start_full
	t "with all of it" is "$(xenstore-read /after /m/1999 | cut -c 1-8,200-)" "healed
000000002"
	end -TERM
	umount "$full"
	t "starts as nobody" start -u nobody
	t "is nobody" is "$(status Uid)" "$(id -u nobody)"
	t "serves" xenstore-write /a/b c
	t "live update" is "$(xenstore-control live-update -s)" OK
	t "serves" xenstore-exists /a/b
fi
echo "1..$n"
exit $failed
