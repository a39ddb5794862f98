#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
"""The same random requests to our xenstored and to Debian's C one: replies and
events must be the same.

usage: random_ops.py BUILDDIR [STEPS [SEED]]

Three clients: two over the socket, one guest over its ring. A transaction runs
alone, because where two of them meet ours finds fewer conflicts (decision
0020). $XEN_BIN is where Debian's xenstored is; without it nothing is compared.
TAP.
"""

import os
import random
import sys
import time

from compare import Daemon, Ring, Sock

# What is known to differ: error names where both refuse.
REFUSED = {"!ENOSPC|", "!E2BIG|", "!EQUOTA|"}


class Script:
    """Steps that both daemons get, made from one seed."""

    def __init__(self, seed):
        self.rnd = random.Random(seed)
        self.tx = [False, False, False]

    def path(self):
        top = self.rnd.choice(("/r", "/r", "/local/domain/3/d"))
        depth = self.rnd.randrange(4)
        return top + "".join("/" + self.rnd.choice("abcd") for _ in range(depth))

    def step(self):
        rnd = self.rnd
        who = next((i for i in range(3) if self.tx[i]), rnd.randrange(3))
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
    def __init__(self, name, build, binaries):
        self.d = Daemon(name, build, binaries)
        self.c = [Sock(self.d.socket), Sock(self.d.socket)]
        self.d.new_domain(3)
        for op, arg in (("WRITE", "/r|"), ("SET_PERMS", "/r|b0|"), ("MKDIR", "/local/domain/3|"),
                        ("SET_PERMS", "/local/domain/3|n3|r0|"), ("INTRODUCE", "3|1|3|")):
            assert self.c[0].request(op, arg) == "OK|", (op, arg)
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


def same_events(ours, theirs):
    """Debian's tells a guest of a node that it may not read if it may read the
    parent; ours only of what it may read."""
    return ours[:2] == theirs[:2] and set(ours[2]) <= set(theirs[2])


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: random_ops.py BUILDDIR [STEPS [SEED]]")
    build = os.path.abspath(sys.argv[1])
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    binaries = os.environ.get("XEN_BIN", "/usr/lib/xen-4.17/bin")
    if not os.access(f"{binaries}/xenstored", os.X_OK):
        print(f"1..0 # SKIP no {binaries}/xenstored")
        return
    print(f"# seed {seed}")
    script = Script(seed)
    ours, theirs = Side("ours", build, binaries), Side("xenstored", build, binaries)
    failed, last = 0, []
    for i in range(steps):
        who, op, in_tx = script.step()
        a, b = ours.step(who, op, in_tx), theirs.step(who, op, in_tx)
        last = last[-12:] + [f"{who} {'tx ' if in_tx else ''}{op[0]} {op[1]} -> {a}"]
        if a != b:
            failed += 1
            print(f"# step {i}: theirs: {b}\n#   " + "\n#   ".join(last))
            break
        if any(script.tx):
            continue
        x, y = (side.events(op[0] != "RM") for side in (ours, theirs))
        # The end of a transaction tells of what is there then; theirs of all that was.
        if not in_tx and not same_events(x, y):
            failed += 1
            print(f"# step {i}: events\n#  ours {x}\n#  theirs {y}\n#   " + "\n#   ".join(last))
            break
    print(f"{'not ' if failed else ''}ok 1 - {i + 1} random requests")
    ours.d.stop()
    theirs.d.stop()
    print("1..1")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
