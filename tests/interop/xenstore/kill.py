#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
"""Kills xenstored (SIGKILL) at random instants under load and starts it again.

usage: kill.py BUILDDIR [KILLS [SEED]]

A socket client and two guests over their rings (memory-mapped files: see
platform_fake.c) do random requests, beside a model of what was acknowledged.
After each kill: the tree is the model's; what was under way on the socket has
happened wholly or not at all; a guest's request that was under way is answered,
once, as if nothing had been; its watches fire; its open transactions end in
EAGAIN. Then one in twenty of them while a snapshot is being written. TAP.
"""

import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

from compare import HEADER, OPS, PORT_VIRQ, Ring, Sock, text


class Dead(Exception):
    """The daemon went away in the middle of a request."""


class Machine:
    """What outlives the daemon: domains, rings, the folder of its journal."""

    def __init__(self, build):
        self.dir = tempfile.mkdtemp(prefix="xsk-", dir="/dev/shm")
        os.mkfifo(self.dir + "/evt")
        self.evt = os.open(self.dir + "/evt", os.O_RDWR | os.O_NONBLOCK)
        self.socket = self.dir + "/socket"
        self.cmd = [build + "/tests/interop/xenstore/xenstored-fake", "-N", "-Q", "nodes=0"]
        self.env = dict(os.environ, FAKEXEN_DIR=self.dir, XENSTORED_RUNDIR=self.dir)
        self.logs = open(self.dir + "/log", "wb")
        self.proc = None
        for domid in (0, 3, 4):
            with open(f"{self.dir}/ring.{domid}", "wb") as f:
                f.write(bytes(4096))
            with open(f"{self.dir}/dom.{domid}", "w", encoding="ascii") as f:
                f.write("r")

    def kick(self, port):
        try:
            os.write(self.evt, struct.pack("<I", port))
        except BlockingIOError:
            pass  # enough events are waiting

    def start(self):
        self.proc = subprocess.Popen(self.cmd, env=self.env, stdout=self.logs, stderr=self.logs)
        end = time.time() + 10
        while time.time() < end:
            try:
                return Sock(self.socket)
            except OSError:
                time.sleep(0.005)
            if self.proc.poll() is not None:
                break
        raise RuntimeError("the daemon doesn't start: " + self.log())

    def kill_in(self, seconds):
        pid = self.proc.pid
        timer = threading.Timer(seconds, lambda: os.kill(pid, 9))
        timer.start()
        return timer

    def log(self):
        with open(self.dir + "/log", encoding="latin-1") as f:
            return f.read()


class Guest(Ring):
    """A ring's request may take a daemon and a half: the rest of the reply comes later."""

    def __init__(self, machine, domid):
        super().__init__(machine, domid)
        self.home = f"/local/domain/{domid}"
        self.watches = {}
        self.tx = {}  # id -> how many kills it has seen
        self.waiting = None

    def begin(self, op, payload, tx=0):
        self.req_id += 1
        payload = payload.replace("|", "\0").encode()
        self.send(HEADER.pack(OPS[op], self.req_id, tx, len(payload)) + payload)

    def finish(self, alive, timeout=20.0):
        end = time.time() + timeout
        while time.time() < end:
            dead = not alive()  # before looking: what it wrote is there by now
            m = self.message()
            if m is None:
                self.fill(0.005)
                m = self.message()
            if m is None:
                if dead:
                    raise Dead
            elif m[0] == OPS["EVENT"]:
                self.events.append(text(m[2]))
            else:
                if m[1] != self.req_id:
                    raise AssertionError(f"reply to {m[1]}, waiting for {self.req_id}: {m}")
                return ("!" if m[0] == OPS["ERROR"] else "") + text(m[2])
        raise AssertionError(f"domain {self.domid}: no reply to {self.req_id}; ring "
                             f"{self.indices()} {self.status()}, {len(self.buf)} bytes here")


class Test:
    def __init__(self, build, kills, seed):
        self.rnd = random.Random(seed)
        self.m = Machine(build)
        self.kills = kills
        self.model = {}  # below /k and the guests' homes
        self.sock = self.m.start()
        self.guests = []
        self.count = 0
        self.restart = []
        for path in ("/k", "/local/domain/3", "/local/domain/4"):
            self.ok(self.sock.request("WRITE", path + "|"), "OK|")
            self.model[path] = ""
        for domid in (3, 4):
            self.ok(self.sock.request("SET_PERMS", f"/local/domain/{domid}|n{domid}|"), "OK|")
            self.ok(self.sock.request("INTRODUCE", f"{domid}|1|{domid}|"), "OK|")
            self.guests.append(Guest(self.m, domid))

    def ok(self, got, want):
        if got != want:
            raise AssertionError(f"kill {self.count}: got {got!r}, want {want!r}")

    def alive(self):
        return self.m.proc.poll() is None

    # ---- what may be under way: a change is {path: value, or None for removed}

    def change(self, top):
        name = f"{top}/{self.rnd.randrange(6)}"
        if self.rnd.random() < 0.5:
            name += f"/{self.rnd.randrange(4)}"
        if self.rnd.random() < 0.25 and name in self.model:
            return "RM", name + "|", {p: None for p in self.model
                                      if p == name or p.startswith(name + "/")}
        value = "v" * self.rnd.randrange(1, 400 if self.rnd.random() < 0.2 else 12)
        value += str(self.rnd.random())
        delta = {name: value}
        parent = name.rsplit("/", 1)[0]
        if parent not in self.model:
            delta[parent] = ""
        return "WRITE", f"{name}|{value}", delta

    def apply(self, delta):
        for path, value in delta.items():
            if value is None:
                self.model.pop(path, None)
            else:
                self.model[path] = value

    def by_socket(self):
        """One request, or a transaction with some; returns what is uncertain."""
        op, payload, delta = self.change("/k")
        if self.rnd.random() < 0.6:
            try:
                self.ok(self.sock.request(op, payload), "OK|")
            except (OSError, EOFError):
                return delta
            self.apply(delta)
            return None
        try:
            tx = int(self.sock.request("TX_START", "|").rstrip("|"))
            whole = {}
            for i in range(3):
                value = str(self.rnd.random())
                self.ok(self.sock.request("WRITE", f"/k/tx/{i}|{value}", tx), "OK|")
                whole[f"/k/tx/{i}"] = value
        except (OSError, EOFError):
            return {}
        whole.setdefault("/k/tx", self.model.get("/k/tx", ""))
        try:
            self.ok(self.sock.request("TX_END", "T|", tx), "OK|")
        except (OSError, EOFError):
            return whole
        self.apply(whole)
        return None

    def guest_request(self, g, op, payload, want, tx=0):
        """Goes through whatever becomes of the daemon meanwhile."""
        g.begin(op, payload, tx)
        got = None
        while got is None:
            try:
                got = g.finish(self.alive)
            except Dead:
                self.again(None)
                g.kick_again()
        if callable(want):
            return want(got)
        self.ok(got, want)
        return got

    def by_guest(self, g):
        what = self.rnd.random()
        if what < 0.15 and len(g.watches) < 20:
            token = f"t{self.rnd.randrange(1000)}"
            path = f"{g.home}/{self.rnd.randrange(6)}"
            want = "!EEXIST|" if (path, token) in g.watches else "OK|"
            self.guest_request(g, "WATCH", f"{path}|{token}|", want)
            g.watches[path, token] = True
        elif what < 0.25 and g.watches:
            path, token = self.rnd.choice(sorted(g.watches))
            self.guest_request(g, "UNWATCH", f"{path}|{token}|", "OK|")
            del g.watches[path, token]
        elif what < 0.5:
            op, payload, delta = self.change(g.home)
            self.guest_request(g, op, payload, "OK|")
            self.apply(delta)
        elif what < 0.6:
            paths = [p for p in self.model if p.startswith(g.home)]
            path = self.rnd.choice(sorted(paths))
            self.guest_request(g, "READ", path + "|", self.model[path])
        elif what < 0.7 and len(g.tx) < 4:
            tx = self.guest_request(g, "TX_START", "|", lambda got: int(got.rstrip("|")))
            g.tx[tx] = 0
        elif g.tx:
            self.guest_transaction(g)

    def guest_transaction(self, g):
        tx = self.rnd.choice(sorted(g.tx))
        value = str(self.rnd.random())
        path = f"{g.home}/tx{tx % 8}"
        self.guest_request(g, "WRITE", f"{path}|{value}", "OK|", tx)
        before = g.tx[tx]
        got = self.guest_request(g, "TX_END", "T|", lambda got: got, tx)
        if before:
            self.ok(got, "!EAGAIN|")
        elif g.tx[tx] and got == "!EAGAIN|":
            pass  # killed before the end was carried out
        else:
            self.ok(got, "OK|")
            self.apply({path: value})
        del g.tx[tx]

    # ---- after a kill

    def tree(self, path, found):
        value = self.sock.request("READ", path + "|")
        names = self.sock.request("DIRECTORY", path + "|")
        if value.startswith("!") or names.startswith("!"):
            raise AssertionError(f"kill {self.count}: {path}: {value}, {names}")
        found[path] = value
        for name in names.split("|"):
            if name:
                self.tree(f"{path}/{name}", found)

    def again(self, uncertain):
        self.m.proc.wait()
        self.count += 1
        for g in self.guests:
            for tx in g.tx:
                g.tx[tx] += 1
        start = time.time()
        self.sock = self.m.start()
        self.ok(self.sock.request("CONTROL", "check|"), "OK|")
        self.restart.append(time.time() - start)
        found = {}
        if uncertain is not None:
            for top in ("/k", "/local/domain/3", "/local/domain/4"):
                self.tree(top, found)
            after = dict(self.model)
            before, self.model = self.model, after
            self.apply(uncertain)
            if found == before:
                self.model = before
            elif found != self.model:
                diff = {p: (before.get(p), found.get(p)) for p in set(before) | set(found)
                        if before.get(p) != found.get(p)}
                raise AssertionError(f"kill {self.count}: lost or invented: {diff}, "
                                     f"under way: {uncertain}")

    def settle(self):
        """With a daemon that lives: the tree is the model's, every watch fires."""
        found = {}
        for top in ("/k", "/local/domain/3", "/local/domain/4"):
            self.tree(top, found)
        if found != self.model:
            raise AssertionError(f"kill {self.count}: the tree isn't the model's")
        for g in self.guests:
            self.guest_request(g, "READ", f"{g.home}|", "")
            g.take_events(0.001)
            for path in sorted({p for p, _ in g.watches})[:2]:
                self.ok(self.sock.request("WRITE", f"{path}|settled"), "OK|")
                self.apply({path: "settled"})
                self.guest_request(g, "READ", f"{g.home}|", "")
                events = g.take_events(0.001)
                want = {f"{path}|{t}|" for p, t in g.watches if p == path}
                if not want <= set(events):
                    raise AssertionError(f"kill {self.count}: events {events}, want {want}")

    def run(self):
        while self.count < self.kills:
            self.settle()
            timer = self.m.kill_in(self.rnd.random() * 0.03)
            uncertain = None
            before = self.count
            while self.count == before:
                if self.rnd.random() < 0.4:
                    uncertain = self.by_socket()
                    if uncertain is not None:
                        self.again(uncertain)
                else:
                    try:
                        self.by_guest(self.rnd.choice(self.guests))
                    except (OSError, EOFError):
                        pass
            timer.join()
        self.settle()
        self.again_all()

    def again_all(self):
        """One more, with nothing under way."""
        self.m.proc.kill()
        self.again({})

    # ---- while a snapshot is written

    def burst(self, acked, under_way):
        """Many writes at once; those that are answered are in acked."""
        under_way.clear()
        for _ in range(40):
            path = f"/s/{self.rnd.randrange(4000)}"
            under_way.append((path, f"{self.rnd.random()}" + "v" * 1500))
        self.sock.s.settimeout(10)
        self.sock.send(b"".join(
            HEADER.pack(OPS["WRITE"], 1, 0, len(p) + 1 + len(v)) + p.encode() + b"\0" + v.encode()
            for p, v in under_way))
        while under_way:
            self.sock.fill(10)
            while under_way and self.sock.message():
                path, value = under_way.pop(0)
                acked[path] = value

    def in_snapshots(self, kills):
        acked, under_way = {}, []
        for _ in range(kills):
            after = self.rnd.randrange(6)
            end = time.time() + 60
            try:
                while after and time.time() < end:
                    self.burst(acked, under_way)
                    after -= os.path.exists(self.m.dir + "/journal.new")
                self.m.kill_in(self.rnd.random() * 0.01)
                while time.time() < end:
                    self.burst(acked, under_way)
            except (OSError, EOFError):
                pass
            self.m.proc.wait()
            self.sock = self.m.start()
            self.ok(self.sock.request("CONTROL", "check|"), "OK|")
            for path, value in acked.items():
                found = self.sock.request("READ", path + "|")
                perhaps = [v for p, v in under_way if p == path]
                if found != value and found not in perhaps:
                    raise AssertionError(f"lost in a snapshot: {path}: {found[:30]}, not "
                                         f"{value[:30]}, {len(perhaps)} under way")
                acked[path] = found
            self.count += 1

    def stop(self):
        self.m.proc.terminate()
        self.m.proc.wait()
        log = self.m.log()
        shutil.rmtree(self.m.dir)
        return log


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: kill.py BUILDDIR [KILLS [SEED]]")
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 25
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    Guest.kick_again = lambda g: g.daemon.kick(g.domid)
    test = Test(os.path.abspath(sys.argv[1]), kills, seed)
    print(f"# seed {seed}")
    try:
        test.run()
        test.in_snapshots((kills + 19) // 20)
        print(f"ok 1 - {test.count} kills without a loss")
        print(f"# restarts took {max(test.restart) * 1000:.0f} ms at most")
        failed = 0
    except (AssertionError, RuntimeError, OSError) as e:
        print(f"not ok 1 - {e}")
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
