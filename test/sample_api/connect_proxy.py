#!/usr/bin/env python3
"""
connect_proxy.py
    A proxy for the tests: takes CONNECT, and SOCKS 5, for the names it is told,
    each of which leads to a port of this machine, and nothing else.

Binds 127.0.0.1, port 0, prints the port as one line and lets go of stdout.
Each request is a line of JSON in the log before it is answered: method, target,
status and the names (never the values) of its headers, in lower case.  All that
clients sent, within tunnels too, is kept in the record.
"""

import argparse
import json
import os
import select
import signal
import socket
import socketserver
import ssl
import struct
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from sample_api import MAX_HEAD, exit_with


class Tunnel(socketserver.BaseRequestHandler):
    def setup(self):
        if self.server.tls:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)

    def read(self):
        data = self.request.recv(MAX_HEAD)
        self.server.record(data)
        return data

    def read_exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.request.recv(count - len(data))
            if not piece:
                raise OSError("the client left")
            data += piece
        self.server.record(data)
        return data

    def handle(self):
        if not self.server.tls and self.request.recv(1, socket.MSG_PEEK) == b"\x05":
            self.socks()
        else:
            self.http()

    def http(self):
        # A client waits for the answer to CONNECT, so nothing follows the head.
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.read()
            if not piece or len(head) > MAX_HEAD:
                return
            head += piece
        line, *headers = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, _ = line.split(" ")
        port = self.server.ports.get(target) if method == "CONNECT" else None
        status, refusal = self.server.refusal if method == "CONNECT" else (405, "Allow: CONNECT")
        self.server.write_log({"method": method, "target": target, "status": 200 if port else status,
                               "headers": sorted(header.partition(":")[0].lower() for header in headers)})
        if port:
            self.tunnel(port, b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            self.request.sendall(("HTTP/1.1 %d Refused\r\n%s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                                  % (status, refusal)).encode())

    def socks(self):
        """No authentication, CONNECT, a name that is resolved here."""
        _, methods = self.read_exactly(2)
        self.read_exactly(methods)
        self.request.sendall(b"\x05\x00")
        _, command, _, kind, length = self.read_exactly(5)
        if command != 1 or kind != 3:
            return self.request.sendall(b"\x05\x07\x00\x01" + bytes(6))
        name = self.read_exactly(length).decode("latin-1")
        target = "%s:%d" % (name, *struct.unpack(">H", self.read_exactly(2)))
        port = self.server.ports.get(target)
        self.server.write_log({"method": "SOCKS", "target": target, "status": 200 if port else 403, "headers": []})
        if port:
            self.tunnel(port, b"\x05\x00\x00\x01" + bytes(6))
        else:
            self.request.sendall(b"\x05\x02\x00\x01" + bytes(6))

    def tunnel(self, port, consent):
        """Hands on what comes from either side, in one thread: a TLS socket is not for two."""
        client = self.request
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            client.sendall(consent)
            target = {client: upstream, upstream: client}
            while target:
                pending = client in target and self.server.tls and client.pending()
                for source in [client] if pending else select.select(list(target), [], [])[0]:
                    data = self.read() if source is client else source.recv(MAX_HEAD)
                    if data:
                        target[source].sendall(data)
                    else:
                        target[source].shutdown(socket.SHUT_WR)
                        del target[source]


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, ports, refusal, log, record, tls):
        self.ports = ports
        self.refusal = refusal
        self.log = log
        self.record_file = record
        self.tls = tls
        self.log_lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Tunnel)

    def write_log(self, entry):
        with self.log_lock:
            self.log.write(json.dumps(entry) + "\n")
            self.log.flush()

    def record(self, data):
        with self.log_lock:
            self.record_file.write(data)
            self.record_file.flush()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description="A proxy that takes CONNECT and SOCKS 5.")
    parser.add_argument("--map", action="append", default=[], metavar="HOST:PORT=LOCAL_PORT")
    parser.add_argument("--log", required=True, help="file that requests are appended to")
    parser.add_argument("--record", required=True, help="file that all bytes of clients are appended to")
    parser.add_argument("--refusal", default="403 X-Refused: yes", metavar="STATUS HEADER",
                        help="how other names are refused")
    parser.add_argument("--tls-cert", help="PEM file; clients have to speak TLS to the proxy")
    parser.add_argument("--tls-key", help="PEM file of its key")
    parser.add_argument("--exit-with", type=int, metavar="PID", help="exit when that process is gone")
    arguments = parser.parse_args()
    ports = {name: int(port) for name, _, port in (each.partition("=") for each in arguments.map)}
    status, _, header = arguments.refusal.partition(" ")
    tls = None
    if arguments.tls_cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(arguments.tls_cert, arguments.tls_key)
    server = Proxy(ports, (int(status), header), open(arguments.log, "a"), open(arguments.record, "ab"), tls)

    # A reader of the port waits for the end of the pipe: nothing may keep it open.
    print(server.server_address[1], flush=True)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)

    if arguments.exit_with:
        threading.Thread(target=exit_with, args=(arguments.exit_with, None), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.serve_forever()


if __name__ == "__main__":
    main()
