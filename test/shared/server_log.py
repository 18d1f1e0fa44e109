#!/usr/bin/env python3
"""
server_log.py
    Finds in a server's log what no test may bring about: a crash, a failed
    assertion, and what a transaction left open.  Python's standard library only.

    server_log.py FILE...       prints such lines; exits with 1 where there are any
"""

import re
import sys

# SIGKILL is what tests themselves end a process with.
CRASH = re.compile(r"TRAP: |PANIC: |terminated by signal (?!9\b)|stack smashing|double free|invalid pointer"
                   r"|corrupted (?:size|double-linked|unsorted)")
LEAK = re.compile(r"WARNING: .*(?:\bleak|resource was not closed|problem in (?:alloc set|slab|generation|bump)"
                  r"|snapshots? .*(?:still active|remain)|you don't own a lock|bad (?:block|chunk) )", re.IGNORECASE)


def faults(lines):
    """The lines that tell of a crash or a leak."""
    return [line.strip() for line in lines if CRASH.search(line) or LEAK.search(line)]


class ServerLog:
    """A log that is read while the server writes it; none, where its path is None."""

    def __init__(self, path):
        self.path = path
        self.place = 0
        self.faults()

    def faults(self):
        """The faults that were written since the last call."""
        if self.path is None:
            return []
        with open(self.path, "rb") as log:
            log.seek(self.place)
            text = log.read()
        # A line that is not whole yet is left for the next call.
        whole = text.rfind(b"\n") + 1
        self.place += whole
        return faults(text[:whole].decode(errors="replace").splitlines())


def main():
    found = 0
    for path in sys.argv[1:]:
        with open(path, errors="replace") as log:
            for line in faults(log):
                found += 1
                if found <= 100:
                    print("%s: %s" % (path, line))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
