"""
arrivals.py
    Which requests are on their way: sent by a client, and not yet in the log.  Used by
    sample_api.py, so that a test which clears or counts the log never misses one.

A client may send a request, fail and be gone before the server's thread has read a byte of
it.  The request is then in a socket's buffer, or its connection in the queue of the
listening socket.  Both can be looked at.
"""

import select
import socket
import threading
import time

# What the thread of a connection does.  Only ARRIVING takes bytes out of the buffer.
IDLE = "waits for a request"
ARRIVING = "reads a request"
LATE = "lets a request be late, as a fault wants it"
LOGGED = "answers a request"
CONTROL = "serves a control request"

LONGEST_WAIT_S = 10
TLS_ALERT = b"\x15"


class Connection:
    """What is known of one connection; its thread says what it does."""

    def __init__(self, arrivals, raw):
        self.arrivals = arrivals
        self.socket = raw
        self.secure = False
        self.does = ARRIVING
        self.logged = 0

    def now(self, does):
        with self.arrivals.lock:
            self.does = does
            if does == LOGGED:
                self.logged += 1

    def is_now_tls(self, wrapped):
        with self.arrivals.lock:
            self.socket = wrapped
            self.secure = True

    def wait(self):
        """Waits for bytes, or for the end of the connection, without taking them."""
        if self.secure and self.socket.pending():
            return
        self.now(IDLE)
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        poll.poll()
        self.now(ARRIVING)

    def is_settled(self):
        """Whether no request is on its way; with the lock held."""
        if self.does in (LATE, CONTROL):
            return True
        return self.does != ARRIVING and not self.has_bytes()

    def has_bytes(self):
        try:
            with socket.socket(fileno=socket.dup(self.socket.fileno())) as plain:
                first = plain.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except (OSError, ValueError):
            return False            # nothing there, or no connection any more
        return first != b"" and not (self.secure and first == TLS_ALERT)


class Arrivals:
    def __init__(self):
        self.lock = threading.Lock()
        self.connections = {}       # by their socket, as it was accepted
        self.accepting = False      # a connection is neither queued nor in connections
        self.listener = None

    def begin(self, raw):
        with self.lock:
            self.connections[raw] = Connection(self, raw)
            self.accepting = False

    def of(self, raw):
        with self.lock:
            return self.connections[raw]

    def end(self, raw):
        with self.lock:
            self.connections.pop(raw, None)

    def settle(self, and_then):
        """
        Waits until each request that was sent before is in the log, and then until the
        condition holds.  ValueError when that takes too long.
        """
        end = time.monotonic() + LONGEST_WAIT_S
        self.wait_until(end, self.queue_is_empty)
        with self.lock:
            waited_for = {each: each.logged for each in self.connections.values()}
        self.wait_until(end, lambda: self.all_settled(waited_for))
        self.wait_until(end, and_then)

    def wait_until(self, end, holds):
        while True:
            with self.lock:
                if holds():
                    return
            if time.monotonic() > end:
                raise ValueError("requests are still on their way")
            time.sleep(0.001)

    def queue_is_empty(self):
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        return not self.accepting and not poll.poll(0)

    def all_settled(self, waited_for):
        """Drops those that are; a connection has one request on its way at most."""
        there = set(self.connections.values())
        for each, logged in list(waited_for.items()):
            if each not in there or each.logged != logged or each.is_settled():
                del waited_for[each]
        return not waited_for
