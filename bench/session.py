"""
session.py
    What the measures work with: a psql session, and a client that does nothing but
    fetch.  Used by measure.py.

PGHOST and the like lead to a cluster in which the extension can be created.
"""

import os
import select
import socket
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "shared"))

import psql
from sample import TOKEN, Failed


class Session(psql.Session):
    """A session whose statements have to end as expected."""

    def ask(self, sql, expected="00000"):
        self.send([[sql]])
        return self.expect(expected)

    def expect(self, expected="00000"):
        """The answer to what was sent, as text; its SQLSTATE must be the expected one."""
        answer = self.receive()
        if answer.state != expected:
            raise Failed("SQLSTATE %s instead of %s: %s" % (answer.state, expected, answer.message))
        return "\n".join("|".join(row) for row in answer.rows)


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
        session.ask(sql)
    session.quit()


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
