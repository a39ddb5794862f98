#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
"""Plays the same requests to our xenstored and to Debian's two daemons, none
of which needs a hypervisor here, and compares what comes back. TAP.

usage: compare.py BUILDDIR

Ours runs with a platform made of files (xenstored-fake), Debian's with
fakexen.so, which shows them the same files. Their binaries are looked for in
$XEN_BIN (default: where the package xen-utils-4.17 has them); without them the
expectations written down below are checked against ours alone.

Each step is: who asks (s: the socket, g: guest 3 over its ring), operation,
payload ('|' stands for NUL), what is expected ('!E..' is an error; events
follow after ' ~ '). A fifth entry names the peers that are known to differ; one
with a '-' in front isn't even asked, because it would hang or lose everything.
"""

import mmap
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

OPS = {name: nr for nr, name in enumerate(
    "CONTROL DIRECTORY READ GET_PERMS WATCH UNWATCH TX_START TX_END INTRODUCE RELEASE "
    "GET_DOMAIN_PATH WRITE MKDIR RM SET_PERMS EVENT ERROR IS_INTRODUCED RESUME SET_TARGET "
    "RESTRICT RESET_WATCHES DIRECTORY_PART".split())}
PORT_VIRQ = 60000
HEADER = struct.Struct("<IIII")


class Conn:
    """Requests and events; subclasses move the bytes."""

    def __init__(self):
        self.buf = b""
        self.events = []
        self.req_id = 0

    def message(self):
        if len(self.buf) < 16:
            return None
        kind, req_id, _, length = HEADER.unpack(self.buf[:16])
        if len(self.buf) < 16 + length:
            return None
        payload = self.buf[16:16 + length]
        self.buf = self.buf[16 + length:]
        return kind, req_id, payload

    def request(self, op, payload, tx=0, timeout=20.0):
        self.req_id += 1
        payload = payload.replace("|", "\0").encode()
        kind = OPS[op] if isinstance(op, str) else op
        self.send(HEADER.pack(kind, self.req_id, tx, len(payload)) + payload)
        end = time.time() + timeout
        while time.time() < end:
            m = self.message()
            if m is None:
                self.fill(0.02)
            elif m[0] == OPS["EVENT"]:
                self.events.append(text(m[2]))
            elif m[1] != self.req_id:
                raise AssertionError(f"reply to {m[1]} instead of {self.req_id}: {m}")
            else:
                return ("!" if m[0] == OPS["ERROR"] else "") + text(m[2])
        return "TIMEOUT"

    def take_events(self, wait=0.03):
        end = time.time() + wait
        while time.time() < end:
            m = self.message()
            if m is None:
                self.fill(0.01)
            else:
                self.events.append(text(m[2]))
        events, self.events = self.events, []
        return events


def text(payload):
    shown = payload.decode("latin-1").replace("\0", "|")
    return shown


class Sock(Conn):
    def __init__(self, path):
        super().__init__()
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)

    def send(self, data):
        self.s.sendall(data)

    def fill(self, wait):
        self.s.settimeout(wait)
        try:
            data = self.s.recv(65536)
            if not data:
                raise EOFError("the daemon closed the connection")
            self.buf += data
        except (TimeoutError, socket.timeout):
            pass


class Ring(Conn):
    """The guest's side of a ring page that is a file."""

    def __init__(self, daemon, domid):
        super().__init__()
        self.daemon, self.domid = daemon, domid
        fd = os.open(f"{daemon.dir}/ring.{domid}", os.O_RDWR)
        self.page = mmap.mmap(fd, 4096)
        os.close(fd)

    def indices(self):
        return struct.unpack("<IIII", self.page[2048:2064])

    def status(self):
        return struct.unpack("<III", self.page[2064:2076])

    def send(self, data):
        end = time.time() + 3
        while data and time.time() < end:
            cons, prod, _, _ = self.indices()
            room = 1024 - ((prod - cons) & 0xffffffff)
            n = min(room, len(data))
            for i in range(n):
                self.page[(prod + i) % 1024] = data[i]
            self.page[2052:2056] = struct.pack("<I", (prod + n) & 0xffffffff)
            data = data[n:]
            self.daemon.kick(self.domid)
            if not n:
                time.sleep(0.002)

    def fill(self, wait):
        end = time.time() + wait
        while time.time() < end:
            _, _, cons, prod = self.indices()
            n = (prod - cons) & 0xffffffff
            if n:
                self.buf += bytes(self.page[1024 + (cons + i) % 1024] for i in range(n))
                self.page[2056:2060] = struct.pack("<I", prod)
                self.daemon.kick(self.domid)
                return
            time.sleep(0.001)


class Daemon:
    def __init__(self, name, build, binaries):
        self.name = name
        self.rings = name != "oxenstored"  # its rings need privcmd
        self.dir = tempfile.mkdtemp(prefix="xs-")
        os.mkfifo(self.dir + "/evt")
        self.evt = os.open(self.dir + "/evt", os.O_RDWR | os.O_NONBLOCK)
        self.new_domain(0)
        os.link(self.dir + "/ring.0", self.dir + "/xsd_kva")
        self.write("xsd_port", "1\n")
        self.socket = self.dir + "/socket"
        env = dict(os.environ, FAKEXEN_DIR=self.dir, XENSTORED_RUNDIR=self.dir)
        if name == "ours":
            cmd = [build + "/tests/interop/xenstore/xenstored-fake", "-N",
                   "-w", "watch-event=1", "-Q", "outstanding=20"]
        else:
            env["LD_PRELOAD"] = build + "/tests/interop/xenstore/fakexen.so"
            cmd = [f"{binaries}/{name}", "-N"]
        if name == "oxenstored":
            # Its paths are fixed: it gets a /run of its own.
            self.write("conf", f"pid-file = {self.dir}/pid\n")
            cmd = ["unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c",
                   "mount -t tmpfs none /run && mount -t tmpfs none /var/log && "
                   "mkdir /run/xenstored /var/log/xen && LD_PRELOAD=$SHIM exec \"$@\"", "sh",
                   cmd[0], "--no-fork", "--no-domain-init", "--config-file", self.dir + "/conf"]
            env["SHIM"] = env.pop("LD_PRELOAD")
        with open(self.dir + "/log", "wb") as log:
            self.proc = subprocess.Popen(cmd, env=env, stdout=log, stderr=log)
        if name == "oxenstored":
            self.socket = f"/proc/{self.proc.pid}/root/run/xenstored/socket"
        for _ in range(200):
            time.sleep(0.02)
            try:
                Sock(self.socket)
                return
            except OSError:
                pass
        raise RuntimeError(f"{name} doesn't start: {self.log()}")

    def write(self, name, what):
        with open(f"{self.dir}/{name}", "w", encoding="ascii") as f:
            f.write(what)

    def log(self):
        with open(self.dir + "/log", encoding="latin-1") as f:
            return f.read()

    def new_domain(self, domid):
        with open(f"{self.dir}/ring.{domid}", "wb") as f:
            f.write(bytes(4096))
        self.write(f"dom.{domid}", "r")

    def kick(self, port):
        os.write(self.evt, struct.pack("<I", port))

    def state(self, domid, state):
        if state:
            self.write(f"dom.{domid}", state)
        else:
            os.unlink(f"{self.dir}/dom.{domid}")
        self.kick(PORT_VIRQ)

    def stop(self):
        self.proc.terminate()
        try:
            self.proc.wait(10)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
        log = self.log()
        os.close(self.evt)
        shutil.rmtree(self.dir)
        return log


X3071 = "/" + "x" * 3070
C, OX = "xenstored", "oxenstored"
NOT_OX = "-" + OX

STEPS = [
    ("s", "WRITE", "/a/b|hello", "OK|"),
    ("s", "READ", "/a/b|", "hello"),
    ("s", "READ", "/a|", ""),
    ("s", "READ", "/a/x|", "!ENOENT|"),
    # C xenstored reports whatever error came last.
    ("s", "READ", "/a/b", "!EINVAL|", (C,)),
    ("s", "READ", "", "!EINVAL|", (C, NOT_OX)),
    ("s", "READ", "/a/b|x", "!EINVAL|", (C,)),
    ("s", "READ", "/a/b||", "!EINVAL|", (C,)),
    ("s", "READ", "/a/|", "!EINVAL|"),
    ("s", "READ", "//a|", "!EINVAL|"),
    ("s", "READ", "/a b|", "!EINVAL|"),
    ("s", "READ", "/a.b|", "!EINVAL|"),
    ("s", "WRITE", "/a/nonul", "!EINVAL|"),
    ("s", "WRITE", "/a/empty|", "OK|"),
    ("s", "WRITE", "/n1/n2/n3|v", "OK|"),
    ("s", "READ", "/n1/n2|", ""),
    ("s", "DIRECTORY", "/n1|", "n2|"),
    ("s", "DIRECTORY", "/n1/n2/n3|", ""),
    ("s", "DIRECTORY", "/nope|", "!ENOENT|"),
    ("s", "MKDIR", "/a/b|", "OK|"),
    ("s", "READ", "/a/b|", "hello"),
    ("s", "MKDIR", "/a/m/n|", "OK|"),
    ("s", "RM", "/a/nope|", "OK|"),
    ("s", "RM", "/nope/nope|", "!ENOENT|"),
    ("s", "RM", "/|", "!EINVAL|", (NOT_OX,)),
    ("s", "RM", "/a/m|", "OK|"),
    ("s", "READ", "/a/m/n|", "!ENOENT|"),
    ("s", "WRITE", "rel/x|v", "OK|"),  # oxenstored has another base for sockets
    ("s", "READ", "/local/domain/0/rel/x|", "v"),
    ("s", "WRITE", X3071 + "|", "OK|", (C, OX)),  # theirs are shorter
    ("s", "GET_PERMS", "/a/b|", "n0|"),
    ("s", "SET_PERMS", "/a/b|n0|r3|b4|w5|", "OK|"),
    ("s", "GET_PERMS", "/a/b|", "n0|r3|b4|w5|"),
    ("s", "SET_PERMS", "/a/b|", "!EINVAL|"),
    ("s", "SET_PERMS", "/a/b|x0|", "!EINVAL|"),
    ("s", "SET_PERMS", "/a/b|n|", "!EINVAL|"),
    ("s", "SET_PERMS", "/nope|n0|", "!ENOENT|"),
    ("s", "GET_PERMS", "/nope|", "!ENOENT|"),
    ("s", 20, "3|", "!ENOSYS|"),
    # Described in the document; neither of Debian's has them.
    ("s", 23, "|", "7|", (C, OX)),
    ("s", 24, "9|3|", "OK|", (C, OX)),
    ("s", 23, "9|", "3|", (C, OX)),
    ("s", 24, "9|7|", "OK|", (C, OX)),
    ("s", 23, "9|", "!ENOENT|", (C, OX)),
    ("s", 24, "9|8|", "!EINVAL|", (C, OX)),
    ("s", 25, "|", "nodes watches transactions outstanding transaction-nodes memory node-size "
     "path-max permissions|", (C, OX)),
    ("s", 25, "nodes|", "1000|", (C, OX)),
    ("s", 26, "9|nodes|5|", "OK|", (C, OX)),
    ("s", 25, "9|nodes|", "5|", (C, OX)),
    ("s", 25, "8|nodes|", "1000|", (C, OX)),
    ("s", 26, "9|bogus|5|", "!EINVAL|", (C, OX)),
    ("s", 99, "|", "!ENOSYS|"),
    ("s", "TX_END", "T|", "!ENOENT|"),
    ("s", "GET_DOMAIN_PATH", "77|", "/local/domain/77|"),
    ("s", "GET_DOMAIN_PATH", "", "!EINVAL|", (NOT_OX,)),
    ("s", "IS_INTRODUCED", "0|", "T|", (OX,)),
    ("s", "IS_INTRODUCED", "9|", "F|"),
    ("s", "RELEASE", "9|", "!ENOENT|", (OX,)),
    ("s", "RESUME", "9|", "!ENOENT|", (OX,)),
    ("s", "SET_TARGET", "9|8|", "!ENOENT|"),
    ("s", "INTRODUCE", "9|1|9|", "!ENOENT|", (OX,)),
    ("s", "INTRODUCE", "9|1|", "!EINVAL|"),
    ("s", "CONTROL", "nonsense|", "!EINVAL|", (OX,)),
    ("s", "CONTROL", "", "!EINVAL|", (NOT_OX,)),
    # More than there should be. Where the document reserves it, bytes without a NUL
    # don't matter; elsewhere, and strings, are an error. C xenstored takes the first
    # string for all and reports whatever error came last; oxenstored knows no reserve,
    # and SET_PERMS with one ends its connection.
    ("s", "MKDIR", "/a/b|x|", "!EINVAL|", (C,)),
    ("s", "RM", "/a/b|x|", "!EINVAL|", (C,)),
    ("s", "DIRECTORY", "/a/b|x|", "!EINVAL|", (C,)),
    ("s", "GET_PERMS", "/a/b|x|", "!EINVAL|", (C,)),
    ("s", "WATCH", "/a/b|more|x", "OK| ~ /a/b|more|", (OX,)),
    ("s", "UNWATCH", "/a/b|more|x|", "!EINVAL|"),
    ("s", "UNWATCH", "/a/b|more||", "!EINVAL|"),
    ("s", "UNWATCH", "/a/b|more|x", "OK|", (OX,)),
    ("s", "WATCH", "/a/b|more||", "!EINVAL|"),
    ("s", "WATCH", "/a/b|more|1|x|", "!EINVAL|"),
    ("s", "SET_PERMS", "/a/b|n0|r3|b4|w5|x", "OK|", (NOT_OX,)),
    ("s", "SET_PERMS", "/a/b|n0|x|", "!EINVAL|"),
    ("s", "DIRECTORY_PART", "/n1|0|x|", "!EINVAL|", (OX,)),
    ("s", "RESET_WATCHES", "x|", "OK|"),
    ("s", "GET_DOMAIN_PATH", "77|x|", "!EINVAL|"),
    ("s", "GET_DOMAIN_PATH", "77x|", "!EINVAL|", (C, OX)),  # anything is a number to them
    ("s", "IS_INTRODUCED", "0|x|", "!EINVAL|", (OX,)),
    ("s", "RELEASE", "9|x|", "!EINVAL|"),
    ("s", "RESUME", "9|x|", "!EINVAL|"),
    ("s", "SET_TARGET", "9|8|x|", "!EINVAL|", (C,)),
    ("s", "CONTROL", "check|x|", "!EINVAL|", (OX,)),
    ("s", "CONTROL", "help|x|", "!EINVAL|", (OX,)),
    ("s", "CONTROL", "print|hello|", "OK|"),
    ("s", "CONTROL", "check|", "OK|"),
    # Watches.
    ("s", "WATCH", "/w/b|B1|", "OK| ~ /w/b|B1|"),
    ("s", "WATCH", "/w/b|B1|", "!EEXIST|"),
    ("s", "WATCH", "/w/b|B1", "!EINVAL|"),
    ("s", "WATCH", "/w/b|", "!EINVAL|"),
    ("s", "WATCH", "/|root|", "OK| ~ /|root|"),
    ("s", "WATCH", "/w|W|", "OK| ~ /w|W|"),
    ("s", "WATCH", "/w/b/c|C|", "OK| ~ /w/b/c|C|"),
    ("s", "WATCH", "/w/b/zz|ZZ|", "OK| ~ /w/b/zz|ZZ|"),
    ("s", "WATCH", "/w/b/c/d|D|", "OK| ~ /w/b/c/d|D|"),
    ("s", "WATCH", "@releaseDomain|r|", "OK| ~ @releaseDomain|r|"),
    ("s", "WRITE", "/w/b/c/d|v", "OK| ~ /w/b/c/d|B1| /w/b/c/d|root| /w/b/c/d|W| /w/b/c/d|C| "
     "/w/b/c/d|D|", (OX,)),  # by path, not by registration
    ("s", "SET_PERMS", "/w/b|n0|", "OK| ~ /w/b|B1| /w/b|root| /w/b|W|", (OX,)),
    ("s", "MKDIR", "/w/b|", "OK|"),
    ("s", "RM", "/w/b|", "OK| ~ /w/b/c/d|D| /w/b/c|C| /w/b|B1| /w/b|root| /w/b|W|", (OX,)),
    ("s", "RM", "/w/b|", "OK|"),
    ("s", "MKDIR", "/w/b/c|", "OK| ~ /w/b/c|B1| /w/b/c|root| /w/b/c|W| /w/b/c|C|", (OX,)),
    ("s", "UNWATCH", "/|root|", "OK|"),
    ("s", "UNWATCH", "/|root|", "!ENOENT|"),
    ("s", "UNWATCH", "/w/b|B1|", "OK|"),
    ("s", "UNWATCH", "/w/b/c|C|", "OK|"),
    ("s", "UNWATCH", "/w/b/c/d|D|", "OK|"),
    # Transactions ('tN' in front of the payload: in the Nth that was started).
    ("s", "TX_START", "|", "tx"),
    ("s", "WRITE", "t1:/w/q|1", "OK|"),
    ("s", "WRITE", "t1:/w/q|2", "OK|"),
    ("s", "READ", "t1:/w/q|", "2"),
    ("s", "READ", "/w/q|", "!ENOENT|"),
    ("s", "TX_START", "t1:|", "!EBUSY|"),
    ("s", "TX_END", "t1:T|", "OK| ~ /w/q|W|", (OX,)),  # one event for each write
    ("s", "READ", "/w/q|", "2"),
    ("s", "READ", "t1:/w/q|", "!ENOENT|", (OX,)),
    ("s", "TX_START", "|", "tx"),
    ("s", "WRITE", "t2:/w/q|3", "OK|"),
    ("s", "TX_END", "t2:X|", "!EINVAL|"),
    ("s", "TX_END", "t2:F|", "OK|"),
    ("s", "READ", "/w/q|", "2"),
    ("s", "TX_START", "|", "tx"),
    ("s", "READ", "t3:/w/q|", "2"),
    ("s", "WRITE", "t3:/w/z|1", "OK|"),
    ("s", "WRITE", "/w/q|5", "OK| ~ /w/q|W|"),
    ("s", "TX_END", "t3:T|", "!EAGAIN|"),
    ("s", "READ", "/w/z|", "!ENOENT|"),
    ("s", "TX_START", "|", "tx"),
    ("s", "WRITE", "t4:/w/m1|1", "OK|"),
    ("s", "WRITE", "/other/m2|1", "OK|"),
    ("s", "TX_END", "t4:T|", "OK| ~ /w/m1|W|"),
    ("s", "TX_START", "|", "tx"),
    ("s", "RM", "t5:/w/m1|", "OK|"),
    ("s", "MKDIR", "t5:/w/m1|", "OK|"),
    ("s", "TX_END", "t5:T|", "OK| ~ /w/m1|W|", (OX,)),
    ("s", "UNWATCH", "/w|W|", "OK|"),
    ("s", "DIRECTORY_PART", "/n1|0|", "gen", (OX,)),
    # Domain 3, over its ring.
    ("s", "WATCH", "@introduceDomain|i|", "OK| ~ @introduceDomain|i|"),
    ("new", 3),
    ("s", "INTRODUCE", "3|1|3|", "OK| ~ @introduceDomain|i|"),
    ("s", "IS_INTRODUCED", "3|", "T|"),
    # The event is of the request, the document says; C xenstored's is of the domain.
    ("s", "INTRODUCE", "3|1|3|more|", "OK| ~ @introduceDomain|i|", (C,)),
    ("s", "WRITE", "/local/domain/3|", "OK|"),
    ("s", "SET_PERMS", "/local/domain/3|n3|", "OK|"),
    # Permissions count only if given to a domain that exists.
    ("s", "SET_PERMS", "/a/b|n0|r3|b4|w5|", "OK|"),
    ("g", "WRITE", "data/x|v", "OK|"),
    ("s", "READ", "/local/domain/3/data/x|", "v"),
    ("s", "GET_PERMS", "/local/domain/3/data|", "n3|"),
    ("g", "READ", "/a|", "!EACCES|"),
    ("g", "READ", "/nope|", "!EACCES|"),
    ("g", "READ", "/a/b|", "hello"),
    ("g", "WRITE", "/a/b|x", "!EACCES|"),
    ("g", "READ", "nope|", "!ENOENT|"),
    ("g", "RM", "/local|", "!EACCES|"),
    ("g", "WRITE", "/top|", "!EACCES|"),
    ("g", "SET_PERMS", "data|n0|", "!EPERM|"),
    ("g", "SET_PERMS", "data|n3|r1|r2|r4|r5|", "OK|"),
    ("g", "SET_PERMS", "data|n3|r1|r2|r4|r5|r6|", "!ENOSPC|"),
    ("g", "SET_PERMS", "/a/b|n3|", "!EACCES|"),
    ("g", "CONTROL", "help|", "!EACCES|"),
    ("g", "INTRODUCE", "4|1|4|", "!EACCES|"),
    ("g", "RELEASE", "3|", "!EACCES|"),
    ("g", "RESUME", "3|", "!EACCES|"),
    ("g", "SET_TARGET", "3|0|", "!EACCES|"),
    ("g", "IS_INTRODUCED", "3|", "!EACCES|"),
    ("g", "GET_DOMAIN_PATH", "3|", "/local/domain/3|"),
    ("g", "WATCH", "data|t|", "OK| ~ data|t|"),
    ("g", "WATCH", "/local/domain/3/data|t2|", "OK| ~ /local/domain/3/data|t2|"),
    ("g", "WATCH", "/secret|t3|", "OK| ~ /secret|t3|"),
    ("s", "WRITE", "/secret|v", "OK|"),
    ("s", "WRITE", "/local/domain/3/data/y|v", "OK|"),
    ("g", "READ", "data/y|", "v ~ data/y|t| /local/domain/3/data/y|t2|"),
    # A name is no secret where the folder can be read, whatever may be in there.
    ("s", "WRITE", "/pub|", "OK|"),
    ("s", "SET_PERMS", "/pub|r0|", "OK|"),
    ("s", "WRITE", "/pub/dark|v", "OK|"),
    ("s", "SET_PERMS", "/pub/dark|n0|", "OK|"),
    ("s", "WRITE", "/pub/dark/darker|v", "OK|"),
    ("g", "WATCH", "/pub|p|", "OK| ~ /pub|p|"),
    ("g", "WATCH", "/pub/dark/darker|q|", "OK| ~ /pub/dark/darker|q|"),
    ("s", "WRITE", "/pub/dark|w", "OK|"),
    ("g", "READ", "/pub|", " ~ /pub/dark|p|"),
    ("s", "WRITE", "/pub/dark/darker|w", "OK|"),
    ("g", "READ", "/pub|", ""),
    ("s", "RM", "/pub/dark|", "OK|"),
    ("g", "READ", "/pub|", " ~ /pub/dark|p|"),
    ("g", "UNWATCH", "/pub|p|", "OK|"),
    ("g", "WRITE", "big|" + "v" * 2000, "OK|"),
    ("g", "WRITE", "big|" + "v" * 2040, "!ENOSPC|"),
    ("g", "RESET_WATCHES", "|", "OK|"),
    ("s", "SET_TARGET", "3|0|", "OK|"),
    ("g", "READ", "/secret|", "v"),
    # Its end.
    ("state", 3, "s"),
    ("s", "IS_INTRODUCED", "3|", "T| ~ @releaseDomain|r|"),
    ("state", 3, "s"),
    ("s", "IS_INTRODUCED", "3|", "T|"),
    ("s", "RESUME", "3|", "OK|"),
    ("state", 3, "s"),
    ("s", "IS_INTRODUCED", "3|", "T| ~ @releaseDomain|r|"),
    ("state", 3, "d"),
    ("s", "IS_INTRODUCED", "3|", "F| ~ @releaseDomain|r|"),
    ("state", 3, None),
    # C xenstored has forgotten it when it was dying already, and says no more.
    ("s", "READ", "/local/domain/3/data|", "!ENOENT| ~ @releaseDomain|r|", (C,)),
]


class Tap:
    def __init__(self):
        self.nr = 0
        self.failed = 0

    def check(self, ok, what, got="", want=""):
        self.nr += 1
        print(f"{'ok' if ok else 'not ok'} {self.nr} - {what}")
        if not ok:
            self.failed += 1
            print(f"# expected {want[:300]!r}\n#      got {got[:300]!r}")


def transaction(payload, started):
    """'t2:rest': the second transaction's id and the rest."""
    if payload[:1] == "t" and payload[2:3] == ":":
        return started[int(payload[1]) - 1], payload[3:]
    return 0, payload


def play(daemon, tap):
    who = {"s": Sock(daemon.socket)}
    started = []
    for step in STEPS:
        if step[0] == "new":
            if not daemon.rings:
                break
            daemon.new_domain(step[1])
            who["g"] = Ring(daemon, step[1])
            continue
        if step[0] == "state":
            daemon.state(step[1], step[2])
            time.sleep(0.05)
            continue
        conn, op, payload, want = step[:4]
        differs = step[4] if len(step) > 4 else ()
        if "-" + daemon.name in differs:
            continue
        tx, payload = transaction(payload, started)
        got = who[conn].request(op, payload, tx)
        if want == "tx":
            started.append(int(got.strip("|") or 0))
            got = "tx" if started[-1] else got
        elif want == "gen":
            got = "gen" if got.endswith("|n2||") and got.split("|")[0].isdigit() else got
        events = who[conn].take_events()
        if events:
            got += " ~ " + " ".join(events)
        what = f"{daemon.name}: {conn} {op} {payload[:60]}"
        if daemon.name in differs:
            tap.check(got != want, f"{what} # differs, known: {got[:80]!r}", got, "a difference")
        else:
            tap.check(got == want, what, got, want)


def rings_that_lie(daemon, tap):
    """Ours only: the reconnection and error fields, which 4.17's C daemon lacks."""
    s = Sock(daemon.socket)
    daemon.new_domain(6)
    g = Ring(daemon, 6)
    s.request("INTRODUCE", "6|1|6|")
    s.request("WRITE", "/p|v")
    s.request("SET_PERMS", "/p|r0|")
    tap.check(g.request("READ", "/p|") == "v", "a ring works")
    tap.check(g.status()[0] & 3 == 3, "reconnection and error are offered")
    g.page[2052:2056] = struct.pack("<I", 50000)
    daemon.kick(6)
    time.sleep(0.1)
    tap.check(g.status()[2] == 2, "impossible indices: error 2", str(g.status()))
    tap.check(s.request("READ", "/p|") == "v", "nobody else notices")
    g.page[2068:2072] = struct.pack("<I", 1)
    daemon.kick(6)
    time.sleep(0.1)
    tap.check(g.status()[1:] == (0, 0) and g.indices() == (0, 0, 0, 0), "reconnected",
              str(g.status()))
    g.buf = b""
    tap.check(g.request("READ", "/p|") == "v", "and works again")
    g.request("WATCH", "/p|t|")
    g.take_events()
    g.page[2068:2072] = struct.pack("<I", 1)
    daemon.kick(6)
    time.sleep(0.1)
    s.request("WRITE", "/p|v")
    tap.check(g.request("READ", "/p|") == "v" and not g.take_events(),
              "reconnecting forgets watches")
    g.send(HEADER.pack(2, 1, 0, 5000))
    time.sleep(0.1)
    tap.check(g.status()[2] == 3, "a message that is too long: error 3", str(g.status()))


def deaf_clients(daemon, tap):
    """Replies that nobody reads stop the reading of requests, for that client only."""
    s = Sock(daemon.socket)
    daemon.new_domain(7)
    g = Ring(daemon, 7)
    s.request("INTRODUCE", "7|1|7|")
    for i in range(200):
        cons, prod, _, _ = g.indices()
        if 1024 - ((prod - cons) & 0xffffffff) >= 18:
            g.send(HEADER.pack(1, i, 0, 2) + b"/\0")
        else:
            time.sleep(0.002)
    time.sleep(0.1)
    quota = s.request("CONTROL", "quota|7|")
    tap.check("outstanding     :        1\n" in quota, "a ring has one outstanding", quota)
    deaf = Sock(daemon.socket)
    deaf.s.setblocking(False)
    one = HEADER.pack(1, 1, 0, 2) + b"/\0"
    sent, last = 0, time.time()
    while sent < 4000000 and time.time() - last < 0.5:
        try:
            sent += deaf.s.send(one * 500)
            last = time.time()
        except BlockingIOError:
            time.sleep(0.01)
    tap.check(sent < 4000000, f"a deaf socket is stopped after {sent} bytes")
    tap.check(s.request("READ", "/a/b|") == "hello", "nobody else notices")
    tap.check(s.request("CONTROL", "check|") == "OK|", "check")
    half = Sock(daemon.socket)
    half.send(HEADER.pack(2, 1, 0, 5))
    tap.check(s.request("READ", "/a/b|") == "hello", "half a message hurts nobody")
    half.send(b"/a/b\0")
    half.fill(0.5)
    tap.check(half.message()[2] == b"hello", "and its end completes it")
    long = Sock(daemon.socket)
    long.send(HEADER.pack(2, 1, 0, 4097))
    try:
        long.fill(1)
        closed = False
    except (EOFError, ConnectionError):
        closed = True
    tap.check(closed, "too long a message ends the connection")


def events_not_taken(daemon, tap):
    """A guest that has watches and doesn't read is given up after the timeout."""
    s = Sock(daemon.socket)
    daemon.new_domain(8)
    g = Ring(daemon, 8)
    s.request("INTRODUCE", "8|1|8|")
    s.request("WRITE", "/e|")
    s.request("SET_PERMS", "/e|r0|")
    g.request("WATCH", "/e|t|")
    g.take_events()
    for i in range(300):
        s.request("WRITE", f"/e/{i}|")
        s.request("WRITE", f"/e/{i}|")  # the same event waits already: not queued again
    memory = [line for line in s.request("CONTROL", "quota|8|").split("\n") if "memory" in line]
    tap.check(int(memory[0].split(":")[1]) < 300 * 40, "equal events are queued once", memory[0])
    end = time.time() + 15
    while time.time() < end and not g.status()[2]:
        time.sleep(0.1)
    tap.check(g.status()[2] == 1, "events not taken: error 1", str(g.status()))
    tap.check("outstanding     :        0" in s.request("CONTROL", "quota|8|"), "all let go")
    g.page[2068:2072] = struct.pack("<I", 1)
    daemon.kick(8)
    time.sleep(0.1)
    g.buf = b""
    tap.check(g.request("READ", "/e|") == "", "and may come back")
    tap.check(s.request("CONTROL", "check|") == "OK|", "check")


def options(build, tap):
    """Starting, and what stops it."""
    run = tempfile.mkdtemp(prefix="xs-")
    env = dict(os.environ, XENSTORED_RUNDIR=run)

    def start(*args):
        return subprocess.run([build + "/xenstored", *args], env=env, timeout=10,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    for bad in (["-E", "x"], ["-Q", "nodes"], ["-Q", "bogus=1"], ["-w", "bogus=1"], ["word"],
                ["--nonsense"], ["-N", "-T", "/nonexistent/file"]):
        p = start(*bad)
        tap.check(p.returncode == 1 and p.stderr.count(b"\n") >= 1, "refused: " + " ".join(bad))
    tap.check(b"--no-fork" in start("-H").stdout, "help")
    p = start("-D", "-F", run + "/pid", "-E", "5", "--quota", "watches=7", "--trace-file",
              run + "/trace")
    tap.check(p.returncode == 0, "goes into the background", str(p))
    s = Sock(run + "/socket")  # must be there when the command has returned
    quota = s.request("CONTROL", "quota|")
    tap.check("nodes            :        5" in quota and "watches          :        7" in quota,
              "quotas from the command line", quota)
    with open(run + "/trace", encoding="latin-1") as f:
        tap.check("CONTROL quota" in f.read(), "trace")
    again = start("-N", "-D")
    tap.check(again.returncode == 1 and b"in use" in again.stderr, "one daemon a socket", str(again))
    tap.check(s.request("READ", "/tool/xenstored|") == "", "and the first goes on")
    with open(run + "/pid", encoding="ascii") as f:
        os.kill(int(f.read()), 15)
    end = time.time() + 5
    while time.time() < end and os.path.exists(run + "/pid"):
        time.sleep(0.02)
    tap.check(sorted(os.listdir(run)) == ["journal", "journal.rings", "trace"],
              "leaves its journal, and nothing else", str(os.listdir(run)))
    shutil.rmtree(run)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: compare.py BUILDDIR")
    build = os.path.abspath(sys.argv[1])
    binaries = os.environ.get("XEN_BIN", "/usr/lib/xen-4.17/bin")
    tap = Tap()
    for name in ("ours", C, OX):
        if name != "ours" and not os.access(f"{binaries}/{name}", os.X_OK):
            print(f"# no {binaries}/{name}: not compared")
            continue
        daemon = Daemon(name, build, binaries)
        try:
            play(daemon, tap)
            if name == "ours":
                rings_that_lie(daemon, tap)
                deaf_clients(daemon, tap)
                events_not_taken(daemon, tap)
        finally:
            log = daemon.stop()
        if name == "ours":
            tap.check(daemon.proc.returncode == 0 and "Sanitizer" not in log, "ends cleanly", log)
    options(build, tap)
    print(f"1..{tap.nr}")
    sys.exit(tap.failed != 0)


if __name__ == "__main__":
    main()
