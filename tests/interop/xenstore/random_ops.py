#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
"""The same random requests to our xenstored and to each of Debian's two: replies
and events must be the same. (A reference model in C is tests/unit/xenstore/test_model.c.)

usage: random_ops.py BUILDDIR [STEPS [SEED]]

Three clients: two over the socket, one guest over its ring; with oxenstored, whose
rings need a hypervisor, the first two. A transaction runs alone, because where two of
them meet ours finds fewer conflicts (decision 0020). $XEN_BIN is where Debian's
daemons are; one that isn't there isn't compared. What is known to differ is listed
below. TAP.
"""

import os
import random
import sys
import time

from compare import Daemon, Ring, Sock

# Known to differ, both of Debian's: the error's name where both refuse.
REFUSED = {"!ENOSPC|", "!E2BIG|", "!EQUOTA|"}


def known(peer, op, in_tx, ours, theirs):
    """Known to differ, one of them: replies."""
    # oxenstored takes @x for the name of a node.
    return peer == "oxenstored" and op[1] in ("@x|", "/@x|")


def same_events(peer, op, ours, theirs):
    """Known to differ, one of them: events."""
    # oxenstored tells each watch below a node that was removed, whether or not there
    # was a node.
    if peer == "oxenstored" and op[0] == "RM":
        return all(set(a) <= set(b) for a, b in zip(ours, theirs))
    return ours == theirs


class Script:
    """Steps that both daemons get, made from one seed."""

    def __init__(self, seed, clients):
        self.rnd = random.Random(seed)
        self.clients = clients
        self.tx = [False, False, False]

    def path(self):
        top = self.rnd.choice(("/r", "/r", "/local/domain/3/d"))
        depth = self.rnd.randrange(4)
        return top + "".join("/" + self.rnd.choice("abcd") for _ in range(depth))

    def step(self):
        rnd = self.rnd
        who = next((i for i in range(3) if self.tx[i]), rnd.randrange(self.clients))
        in_tx = self.tx[who]
        what = rnd.random()
        path = self.path()
        if who == 2 and rnd.random() < 0.3:
            path = "d/" + rnd.choice("abcd")
        if what < 0.25:
            op = ("WRITE", f"{path}|{rnd.randrange(1000)}")
        elif what < 0.32:
            op = ("MKDIR", path + "|")
        elif what < 0.40:
            op = ("RM", path + "|")
        elif what < 0.50:
            op = ("SET_PERMS", f"{path}|{rnd.choice('nrwb')}{rnd.choice((0, 3))}|"
                  + (f"{rnd.choice('nrwb')}{rnd.choice((0, 3, 5))}|" if rnd.random() < .5 else ""))
        elif what < 0.65:
            op = ("READ", path + "|")
        elif what < 0.73:
            op = ("DIRECTORY", path + "|")
        elif what < 0.80:
            op = ("GET_PERMS", path + "|")
        elif what < 0.84:
            op = ("WATCH", f"{path}|t{rnd.randrange(3)}|")
        elif what < 0.87:
            op = ("UNWATCH", f"{path}|t{rnd.randrange(3)}|")
        elif what < 0.95:
            if in_tx:
                op = ("TX_END", rnd.choice(("T|", "T|", "T|", "F|")))
                self.tx[who] = False
            else:
                op = ("TX_START", "|")
                self.tx[who] = True
        else:
            bad = rnd.choice(("/r//a|", "/r/|", "r a|", "|", "/@x|", "@x|"))
            op = (rnd.choice(("READ", "WRITE", "MKDIR", "RM", "DIRECTORY", "GET_PERMS", "WATCH",
                              "UNWATCH", "SET_PERMS")), bad)
        return who, op, in_tx


class Side:
    def __init__(self, name, build, binaries, guest):
        self.d = Daemon(name, build, binaries)
        self.c = [Sock(self.d.socket), Sock(self.d.socket)]
        self.d.new_domain(3)
        for op, arg in (("WRITE", "/r|"), ("SET_PERMS", "/r|b0|"), ("MKDIR", "/local/domain/3|"),
                        ("SET_PERMS", "/local/domain/3|n3|r0|")):
            assert self.c[0].request(op, arg) == "OK|", (op, arg)
        if guest:
            assert self.c[0].request("INTRODUCE", "3|1|3|") == "OK|"
            self.c.append(Ring(self.d, 3))
        self.tx = [0, 0, 0]

    def step(self, who, op, in_tx):
        got = self.c[who].request(op[0], op[1], self.tx[who] if in_tx else 0)
        if op[0] == "TX_START":
            self.tx[who] = int(got.rstrip("|"))
            got = "tx"
        if op[0] == "DIRECTORY" and not got.startswith("!"):
            got = "|".join(sorted(got.split("|")))  # the order is nobody's promise
        return "refused" if got in REFUSED else got

    def events(self, ordered):
        for c in self.c[1:]:
            c.request("READ", "/r|")  # what came before this is there after it
        self.c[0].request("READ", "/r|")
        # Theirs doesn't queue an event that waits already, ours for guests only.
        events = [list(dict.fromkeys(c.take_events(0))) for c in self.c]
        # A removal tells of what was below in the order of names, or of creation.
        return events if ordered else [sorted(e) for e in events]


def compare(peer, build, binaries, steps, seed):
    guest = peer == "xenstored"
    script = Script(seed, 3 if guest else 2)
    ours, theirs = Side("ours", build, binaries, guest), Side(peer, build, binaries, guest)
    wrong, last, i = None, [], 0
    while i < steps and not wrong:
        who, op, in_tx = script.step()
        a, b = ours.step(who, op, in_tx), theirs.step(who, op, in_tx)
        last = last[-12:] + [f"{who} {'tx ' if in_tx else ''}{op[0]} {op[1]} -> {a}"]
        i += 1
        if a != b and not known(peer, op, in_tx, a, b):
            wrong = f"theirs: {b}"
        if wrong or any(script.tx):
            continue
        x, y = (side.events(op[0] != "RM" and guest) for side in (ours, theirs))
        # The end of a transaction tells of what is there then; theirs of all that was.
        if not in_tx and not same_events(peer, op, x, y):
            wrong = f"events\n#  ours {x}\n#  theirs {y}"
    if wrong:
        print(f"# step {i}: {wrong}\n#   " + "\n#   ".join(last))
    ours.d.stop()
    theirs.d.stop()
    return i, wrong


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: random_ops.py BUILDDIR [STEPS [SEED]]")
    build = os.path.abspath(sys.argv[1])
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    binaries = os.environ.get("XEN_BIN", "/usr/lib/xen-4.17/bin")
    failed = 0
    print(f"1..2\n# seed {seed}")
    for nr, peer in enumerate(("xenstored", "oxenstored"), 1):
        if not os.access(f"{binaries}/{peer}", os.X_OK):
            print(f"ok {nr} - # SKIP no {binaries}/{peer}")
            continue
        done, wrong = compare(peer, build, binaries, steps, seed)
        print(f"{'not ' if wrong else ''}ok {nr} - {done} random requests beside {peer}")
        failed += wrong is not None
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
