"""
session.py
    What the measures work with: a psql session and its backend's figures, the
    sample API, and a client that does nothing but fetch.  Used by measure.py.

PGHOST and the like lead to a cluster in which the extension can be created.
"""

import http.client
import json
import os
import select
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLE_API = os.path.join(HERE, "..", "test", "sample_api", "sample_api.py")
TOKEN = "sample-access-token"
MARK = "end of answer:"


class Failed(Exception):
    """What should have been measured did not happen."""


class Api:
    """The sample API, which ends with this process."""

    def __init__(self, count):
        process = subprocess.Popen([sys.executable, SAMPLE_API, "--exit-with", str(os.getpid()),
                                    "--count", str(count)], stdout=subprocess.PIPE, text=True)
        self.process = process
        self.port = int(process.stdout.read())      # to the end: it lets go of stdout
        process.stdout.close()
        self.url = "http://127.0.0.1:%d" % self.port

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def control(self, name, value=None, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, "/_control/" + name, None if value is None else json.dumps(value))
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status != 200:
            raise Failed("the sample API refused %s: %s" % (name, body.decode()))
        return json.loads(body)


class Session:
    """psql, with one backend at the other end."""

    def __init__(self):
        self.psql = subprocess.Popen(["psql", "-XqAt", "-v", "VERBOSITY=sqlstate"], text=True, bufsize=1,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.pid = int(self.run("SELECT pg_backend_pid()"))

    def send(self, sql):
        self.psql.stdin.write("%s\n;\n\\echo %s :SQLSTATE\n" % (sql, MARK))
        self.psql.stdin.flush()

    def answered(self, seconds):
        """Whether receive() would not have to wait longer than that."""
        return bool(select.select([self.psql.stdout], [], [], seconds)[0])

    def receive(self, expected="00000"):
        """The answer to send(), as text; its SQLSTATE must be the expected one."""
        lines = []
        for line in self.psql.stdout:
            if line.startswith(MARK):
                state = line[len(MARK):].strip()
                if state != expected:
                    raise Failed("SQLSTATE %s instead of %s: %s" % (state, expected, " ".join(lines)))
                return "\n".join(lines)
            lines.append(line.rstrip("\n"))
        raise Failed("psql ended: " + " ".join(lines))

    def run(self, sql, expected="00000"):
        self.send(sql)
        return self.receive(expected)

    def close(self):
        self.psql.stdin.close()
        self.psql.wait()
        self.psql.stdout.close()

    def kilobytes(self, name):
        """VmRSS, VmHWM or another figure of the backend's status."""
        with open("/proc/%d/status" % self.pid) as status:
            for line in status:
                if line.startswith(name + ":"):
                    return int(line.split()[1])
        raise Failed("the system does not tell " + name)

    def processor_ms(self):
        """Time that the backend has spent on a processor."""
        with open("/proc/%d/schedstat" % self.pid) as times:
            return int(times.read().split()[0]) / 1e6

    def descriptors(self):
        """How many are open, but for the tables and indexes that the server keeps open."""
        folder = "/proc/%d/fd/" % self.pid
        targets = [os.readlink(folder + each) for each in os.listdir(folder)]
        return sum(1 for target in targets if "/base/" not in target and "/global/" not in target)

    def context_bytes(self):
        return int(self.run("SELECT sum(total_bytes) FROM pg_backend_memory_contexts"))


def import_table(api, options=""):
    """Makes the extension anew, with a table "payment_links" over the sample API."""
    session = Session()
    for sql in ("SET client_min_messages = warning",
                "DROP EXTENSION IF EXISTS payment_links_fdw CASCADE",
                "CREATE EXTENSION payment_links_fdw",
                "CREATE SERVER qonto FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (base_url '%s'%s)"
                % (api.url, options),
                "CREATE USER MAPPING FOR CURRENT_USER SERVER qonto OPTIONS (access_token '%s')" % TOKEN,
                "IMPORT FOREIGN SCHEMA qonto FROM SERVER qonto INTO public"):
        session.run(sql)
    session.close()


class Fetcher:
    """Connections that stay open and fetch pages, one request at a time each."""

    def __init__(self, api, connections):
        self.api = api
        self.sockets = []
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", api.port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets.append(connection)

    def close(self):
        for connection in self.sockets:
            connection.close()

    def fetch(self, pages):
        """Fetches those pages over all connections; returns bytes of bodies."""
        todo = iter(pages)
        received = {}
        total = 0
        for connection in self.sockets:
            self.ask(connection, next(todo, None), received)
        while received:
            for connection in select.select(list(received), [], [])[0]:
                received[connection] += connection.recv(1 << 20)
                head, blank, body = received[connection].partition(b"\r\n\r\n")
                length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0]) if blank else -1
                if len(body) == length:
                    total += length
                    del received[connection]
                    self.ask(connection, next(todo, None), received)
        return total

    def ask(self, connection, page, received):
        if page is None:
            return
        received[connection] = b""
        connection.sendall(b"GET /v2/payment_links?page=%d&per_page=100 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                           b"Authorization: Bearer %s\r\n\r\n" % (page, self.api.port, TOKEN.encode()))
