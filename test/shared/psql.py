"""
psql.py
    psql sessions, as a program in Python uses them.  The standard library only.

PGHOST and the like lead to a cluster.
"""

import os
import select
import subprocess

from sample import Failed

MARK = "\x02"
FIELD = "\x1f"
NULL = "\x03"


class Answer:
    """SQLSTATE and message of a statement, and its rows."""

    def __init__(self, state, message, rows):
        self.state = state
        self.message = message
        self.rows = rows


class Session:
    """psql, with one backend at the other end."""

    def __init__(self):
        environment = dict(os.environ, PGCLIENTENCODING="UTF8")
        self.psql = subprocess.Popen(["psql", "-XqAt", "-F", FIELD, "-P", "null=" + NULL], env=environment,
                                     stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.pid = int(self.must("SELECT pg_backend_pid()")[0][0])

    def send(self, groups):
        """Sends statements; those of a group but the last are not answered to."""
        text = ""
        for group in groups:
            if group[:-1]:
                text += "\\o /dev/null\n%s\n;\n\\o\n" % "\n;\n".join(group[:-1])
            text += "%s\n;\n\\echo %s:SQLSTATE %s:LAST_ERROR_MESSAGE\n" % (group[-1], MARK, MARK)
        self.psql.stdin.write(text.encode())
        self.psql.stdin.flush()

    def answered(self, seconds):
        """Whether receive() has something to read, at the latest after so many seconds."""
        return bool(select.select([self.psql.stdout], [], [], seconds)[0])

    def receive(self):
        rows = []
        for line in self.psql.stdout:
            line = line.decode().rstrip("\n")
            if line.startswith(MARK):
                state, _, message = line[1:].partition(" " + MARK)
                return Answer(state, message if state != "00000" else "", rows)
            rows.append(line.split(FIELD))
        raise Failed("psql ended; the last lines it said: %s" % rows[-3:])

    def run(self, *statements):
        self.send([statements])
        return self.receive()

    def cancel_by(self, other):
        """Has another session cancel what was sent whenever it waits for the API, until it is over."""
        while not self.answered(0.005):
            other.must("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = %d "
                       "AND state = 'active' AND (wait_event_type = 'Extension' OR wait_event = 'AppendReady')" % self.pid)

    def must(self, *statements):
        for statement in statements:
            answer = self.run(statement)
            if answer.state != "00000":
                raise Failed("%s: %s\n%s" % (answer.state, answer.message, statement))
        return answer.rows

    def quit(self):
        self.psql.stdin.close()
        self.psql.wait()
        self.psql.stdout.close()

    # Figures of the backend

    def kilobytes(self, name):
        """VmRSS, VmHWM or another figure of its status."""
        with open("/proc/%d/status" % self.pid) as status:
            for line in status:
                if line.startswith(name + ":"):
                    return int(line.split()[1])
        raise Failed("the system does not tell " + name)

    def peak_kilobytes(self):
        """The largest that it has been since this was last asked."""
        peak = self.kilobytes("VmHWM")
        with open("/proc/%d/clear_refs" % self.pid, "w") as clear:
            clear.write("5\n")
        return peak

    def processor_ms(self):
        """Time that it has spent on a processor."""
        with open("/proc/%d/schedstat" % self.pid) as times:
            return int(times.read().split()[0]) / 1e6

    def descriptors(self):
        """How many it has open, but for the tables and indexes that the server keeps open."""
        folder = "/proc/%d/fd/" % self.pid
        targets = []
        for each in os.listdir(folder):
            try:
                targets.append(os.readlink(folder + each))
            except FileNotFoundError:
                pass            # closed meanwhile
        return sum(1 for target in targets if "/base/" not in target and "/global/" not in target)

    def context_bytes(self):
        return int(self.must("SELECT sum(total_bytes) FROM pg_backend_memory_contexts")[0][0])
