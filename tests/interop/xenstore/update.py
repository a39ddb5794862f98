#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
"""Replaces xenstored by itself again and again under the load of kill.py, and
nobody may notice: no connection ends, no transaction is lost, no event or reply
is missing or doubled.

usage: update.py BUILDDIR [UPDATES [SEED]]
"""

import os
import sys
import time

import kill
from compare import HEADER, OPS, Sock, text


def running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Test(kill.Test):
    def __init__(self, build, updates, seed):
        super().__init__(build, 0, seed)
        self.pid = self.m.proc.pid
        self.first = self.m.proc
        self.updates = updates
        self.admin = Sock(self.m.socket)
        self.watcher = Sock(self.m.socket)
        self.written = []
        self.ok(self.watcher.request("WATCH", "/k/seen|tok|"), "OK|")
        self.watcher.take_events()
        self.open = {}  # transactions of a socket client across updates

    def alive(self):
        return True

    def tell(self, op, payload):
        payload = payload.replace("|", "\0").encode()
        self.admin.req_id += 1
        self.admin.send(HEADER.pack(OPS[op], self.admin.req_id, 0, len(payload)) + payload)

    def serving(self):
        """The process id of the daemon; those before must be gone."""
        pids = [self.pid] + [int(line.split()[-1]) for line in self.m.log().splitlines()
                             if "has process id" in line]
        self.first.poll()
        end = time.time() + 5
        while any(running(pid) for pid in pids[:-1]) and time.time() < end:
            time.sleep(0.01)
        self.ok([running(pid) for pid in pids], [False] * (len(pids) - 1) + [True])
        return pids[-1]

    def steps(self, nr):
        for i in range(nr):
            if self.rnd.random() < 0.4:
                if self.by_socket() is not None:
                    raise AssertionError("the socket was closed")
            else:
                self.by_guest(self.rnd.choice(self.guests))
            for g in self.guests:
                g.tx = dict.fromkeys(g.tx, 0)
            if self.rnd.random() < 0.1:
                path = f"/k/seen/{len(self.written)}"
                self.ok(self.sock.request("WRITE", path + "|v"), "OK|")
                self.model.setdefault("/k/seen", "")
                self.model[path] = "v"
                self.written.append(path)

    def update(self):
        """Transactions of both kinds, half a request, unread replies: all go over."""
        half = Sock(self.m.socket)
        half.s.sendall(HEADER.pack(OPS["READ"], 7, 0, 3) + b"/k")
        unread = Sock(self.m.socket)
        unread.s.sendall((HEADER.pack(OPS["READ"], 8, 0, 3) + b"/k\0") * 3000)
        clean = self.begin_tx("/k/clean")
        conflict = self.begin_tx("/k/conflict", reads="/k/base")
        self.ok(self.sock.request("WRITE", "/k/base|changed" + str(self.count)), "OK|")
        self.model["/k/base"] = "changed" + str(self.count)
        self.tell("CONTROL", "live-update|")
        self.steps(self.rnd.randrange(20))
        end = time.time() + 10
        reply = None
        while reply is None and time.time() < end:
            self.steps(2)
            self.admin.fill(0.001)
            reply = self.admin.message()
        self.ok(text(reply[2]), "OK|")
        half.s.sendall(b"\0")
        half.fill(2)
        self.ok(half.message()[2], b"")
        for _ in range(3000):
            got = None
            while got is None:
                got = unread.message()
                if got is None:
                    unread.fill(2)
            self.ok((got[0], got[1], got[2]), (OPS["READ"], 8, b""))
        self.end_tx(clean, "/k/clean", "OK|")
        self.end_tx(conflict, "/k/conflict", "!EAGAIN|")
        self.count += 1

    def begin_tx(self, path, reads=None):
        s = Sock(self.m.socket)
        tx = int(s.request("TX_START", "|").rstrip("|"))
        if reads:
            s.request("READ", reads + "|", tx)
        self.ok(s.request("WRITE", f"{path}|{self.count}", tx), "OK|")
        return s, tx

    def end_tx(self, what, path, want):
        s, tx = what
        value = str(self.count)
        self.ok(s.request("READ", path + "|", tx), value)
        self.ok(s.request("TX_END", "T|", tx), want)
        if want == "OK|":
            self.model[path] = value

    def run(self):
        pids = {self.pid}
        self.model["/k/base"] = "first"
        self.ok(self.sock.request("WRITE", "/k/base|first"), "OK|")
        for _ in range(self.updates):
            self.steps(20)
            self.update()
            pids.add(self.serving())
            self.settle()
            self.ok(self.sock.request("CONTROL", "check|"), "OK|")
        if len(pids) != self.updates + 1:
            raise AssertionError(f"{self.updates} updates, but {len(pids)} processes")
        events = self.watcher.take_events(0.2)
        want = [f"{p}|tok|" for p in self.written]
        self.ok(events, want)

    def stop(self):
        os.kill(self.serving(), 15)
        self.first.wait(5)
        end = time.time() + 5
        while os.path.exists(self.m.socket) and time.time() < end:
            time.sleep(0.01)
        log = self.m.log()
        kill.shutil.rmtree(self.m.dir)
        return log


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: update.py BUILDDIR [UPDATES [SEED]]")
    updates = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    test = Test(os.path.abspath(sys.argv[1]), updates, seed)
    print(f"# seed {seed}")
    failed = 0
    try:
        test.run()
        print(f"ok 1 - {test.count} live updates that nobody noticed")
    except (AssertionError, RuntimeError, OSError, EOFError, AttributeError) as e:
        print(f"not ok 1 - {type(e).__name__} {e}")
        failed = 1
    log = test.stop()
    if failed or "Sanitizer" in log or "not applied" in log:
        print("not ok 2 - the daemon's log")
        print("# " + log.replace("\n", "\n# "))
        failed = 1
    else:
        print("ok 2 - the daemon's log")
    print("1..2")
    sys.exit(failed)


if __name__ == "__main__":
    main()
