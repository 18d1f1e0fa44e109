#!/usr/bin/env python3
"""
sample_api.py
    A sample of the payment-links API that refuses what the API would refuse,
    for the demo, the tests and the benchmark.  Python's standard library only.

Binds 127.0.0.1, port 0 unless told otherwise, prints the port as one line and
lets go of stdout.  README.md beside it lists options, settings and faults.
"""

import argparse
import json
import os
import signal
import socket
import socketserver
import ssl
import sys
import threading
import time
import urllib.parse
from http import HTTPStatus

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import arrivals
from api import Api
from rules import Answer, JSON_TYPE

MAX_HEAD = 65536
REASONS = {status.value: status.phrase for status in HTTPStatus}


class Request:
    """One HTTP request; header names stay as they were written."""

    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = lines[0].split(" ")
        self.headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise ValueError("malformed header line")
            self.headers.append((name, value.strip()))
        path, _, self.raw_query = self.target.partition("?")
        self.path = urllib.parse.unquote(path)
        self.query = urllib.parse.unquote_plus(self.raw_query)
        self.body = b""
        if self.version not in ("HTTP/1.1", "HTTP/1.0") or not self.path.startswith("/"):
            raise ValueError("malformed request line")
        if self.version == "HTTP/1.1" and len(self.values("host")) != 1:
            raise ValueError("one Host header is required")

    def values(self, name):
        return [value for each, value in self.headers if each.lower() == name]

    def value(self, name):
        values = self.values(name)
        return ", ".join(values) if values else None

    def keeps_alive(self):
        wish = (self.value("connection") or "").lower()
        return "close" not in wish and (self.version == "HTTP/1.1" or "keep-alive" in wish)


class Connection(socketserver.BaseRequestHandler):
    """One connection, one thread, requests one after the other."""

    def setup(self):
        self.socket = self.request
        self.arrival = self.server.arrivals.of(self.request)
        self.accepted = self.request
        self.number = None          # set by the first request that is not control
        self.secure = False
        self.pending = b""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle(self):
        try:
            # Control requests come in the clear to the same port: a TLS client
            # begins with a handshake record.
            self.arrival.wait()
            if self.server.tls and self.socket.recv(1, socket.MSG_PEEK) == b"\x16":
                self.socket = self.server.tls.wrap_socket(self.socket, server_side=True)
                self.arrival.is_now_tls(self.socket)
                self.request = self.socket
                self.secure = True
            while self.serve():
                pass
        except OSError:
            pass                    # the client left

    def finish(self):
        self.server.arrivals.end(self.accepted)
        try:
            self.socket.close()
        except OSError:
            pass

    def read_request(self):
        """The next request, or None at the end of the connection."""
        while b"\r\n\r\n" not in self.pending:
            piece = self.receive()
            if not piece:
                return None
            self.pending += piece
            if len(self.pending) > MAX_HEAD and b"\r\n\r\n" not in self.pending:
                raise ValueError("request headers are too long")
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        request = Request(head)
        length = int(request.value("content-length") or 0)
        while len(self.pending) < length:
            piece = self.receive()
            if not piece:
                return None
            self.pending += piece
        request.body, self.pending = self.pending[:length], self.pending[length:]
        return request

    def receive(self):
        self.arrival.wait()
        return self.socket.recv(MAX_HEAD)

    def serve(self):
        """Serves one request; whether the connection goes on."""
        try:
            request = self.read_request()
        except ValueError as error:
            self.send(Answer(400, str(error).encode() + b"\n", "text/plain"), None)
            return False
        if request is None:
            return False
        if request.path.startswith("/_control/"):
            self.arrival.now(arrivals.CONTROL)
            self.send(self.control(request), request)
            return request.keeps_alive()
        if self.server.tls and not self.secure:
            self.send(Answer(400, b"this port speaks TLS\n", "text/plain"), request)
            return False
        if self.number is None:
            self.number = self.server.next_connection()
        late = self.server.api.on_the_way(request)
        if late:
            self.arrival.now(arrivals.LATE)
            time.sleep(late)
            self.arrival.now(arrivals.ARRIVING)
        _, answer, fault, delay, held_by = self.server.api.admit(request, self.number)
        self.arrival.now(arrivals.LOGGED)
        try:
            if delay:
                time.sleep(delay)
            for each in held_by:
                each.dropped.wait()
            if fault is not None and fault.send(self, answer):
                return fault.kind == "chunked" and request.keeps_alive()
            self.send(answer, request)
        finally:
            self.server.api.leave()
        return request.keeps_alive()

    def control(self, request):
        try:
            name = request.path[len("/_control/"):]
            self.server.arrivals.settle(lambda: name != "quiet" or self.server.api.in_flight == 0)
            value = {} if name == "quiet" else self.server.api.control(request.method, name, request.body)
        except LookupError as error:
            return Answer(404, str(error).encode() + b"\n", "text/plain")
        except (ValueError, TypeError, AttributeError) as error:
            return Answer(400, str(error).encode() + b"\n", "text/plain")
        if isinstance(value, str):
            return Answer(200, value.encode(), "text/plain; charset=utf-8")
        return Answer(200, json.dumps(value, ensure_ascii=False).encode() + b"\n", JSON_TYPE)

    def head(self, answer, chunked=False, keep_alive=True):
        """The status line and headers of an answer, with the empty line."""
        lines = ["HTTP/1.1 %d %s" % (answer.status, REASONS.get(answer.status, "Status"))]
        if answer.content_type is not None:
            lines.append("Content-Type: " + answer.content_type)
        lines.append("Transfer-Encoding: chunked" if chunked else "Content-Length: %d" % len(answer.body))
        if answer.trace_id:
            lines.append("X-Tyk-Trace-Id: " + answer.trace_id)
        if not keep_alive:
            lines.append("Connection: close")
        lines += ["%s: %s" % header for header in answer.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def send(self, answer, request):
        head = self.head(answer, keep_alive=request is not None and request.keeps_alive())
        self.write(head if request is not None and request.method == "HEAD" else head + answer.body)

    def write(self, data):
        self.socket.sendall(data)

    def wait_for_client_to_leave(self):
        while self.socket.recv(MAX_HEAD):
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address, api, tls=None):
        self.api = api
        self.tls = tls
        self.connections = 0
        self.connections_lock = threading.Lock()
        self.arrivals = arrivals.Arrivals()
        super().__init__(address, Connection)
        self.arrivals.listener = self.socket

    def get_request(self):
        self.arrivals.accepting = True
        try:
            return super().get_request()
        except OSError:
            self.arrivals.accepting = False
            raise

    def process_request(self, request, client_address):
        self.arrivals.begin(request)
        super().process_request(request, client_address)

    def next_connection(self):
        with self.connections_lock:
            self.connections += 1
            return self.connections

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def is_gone(pid):
    """Whether the process has ended, if only its parent has not yet noticed."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] in "ZX"
    except (OSError, IndexError):
        return False


def exit_with(pid, url_file):
    while not is_gone(pid):
        time.sleep(1)
    remove(url_file)
    os._exit(0)


def remove(path):
    if path:
        try:
            os.unlink(path)
        except OSError:
            pass


def write_url(path, url):
    """Process id and base URL in one line, which is there whole or not at all."""
    temporary = "%s.%d" % (path, os.getpid())
    with open(temporary, "w") as file:
        file.write("%d %s\n" % (os.getpid(), url))
    os.rename(temporary, path)


def parse_arguments():
    parser = argparse.ArgumentParser(description="A strict sample of the payment-links API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--tls-cert", help="PEM file; serve https")
    parser.add_argument("--tls-key", help="PEM file of its key")
    parser.add_argument("--exit-with", type=int, metavar="PID", help="exit when that process is gone")
    parser.add_argument("--url-file", help="write 'PID URL' there; removed at exit")
    parser.add_argument("--count", type=int, help="how many links (default 10000)")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--token", action="append", help="an access token that is accepted")
    parser.add_argument("--staging-token", help="then required in X-Qonto-Staging-Token")
    parser.add_argument("--prefix", help="path before /v2, such as /qonto")
    parser.add_argument("--config", type=json.loads, default={}, help="any settings, as a JSON object")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    settings = dict(arguments.config)
    for name in ("count", "seed", "token", "staging_token", "prefix"):
        if getattr(arguments, name) is not None:
            settings[name] = getattr(arguments, name)
    tls = None
    if arguments.tls_cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(arguments.tls_cert, arguments.tls_key)
        tls.set_alpn_protocols(["http/1.1"])
    try:
        api = Api(**settings)
    except (ValueError, TypeError) as error:
        sys.exit("sample_api: %s" % error)
    server = Server((arguments.host, arguments.port), api, tls)
    port = server.server_address[1]

    # A reader of the port waits for the end of the pipe: nothing may keep it open.
    print(port, flush=True)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)

    if arguments.url_file:
        write_url(arguments.url_file, "%s://%s:%d%s" % (
            "https" if tls else "http", arguments.host, port, api.settings["prefix"]))
    if arguments.exit_with:
        threading.Thread(target=exit_with, args=(arguments.exit_with, arguments.url_file), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        remove(arguments.url_file)
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
