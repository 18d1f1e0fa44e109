#!/usr/bin/env python3
"""
connect_proxy.py
    An HTTP proxy for the tests: takes CONNECT for the names it is told, each
    of which leads to a port of this machine, and nothing else.

Binds 127.0.0.1, port 0, prints the port as one line and lets go of stdout.
Each request is a line of JSON in the log before it is answered: method, target,
status and the names (never the values) of its headers, in lower case.
"""

import argparse
import json
import os
import signal
import socket
import socketserver
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from sample_api import MAX_HEAD, exit_with


def copy(source, target):
    """Hands on what comes until there is no more, then says so to the target."""
    try:
        while data := source.recv(MAX_HEAD):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Tunnel(socketserver.BaseRequestHandler):
    def handle(self):
        # A client waits for the answer to CONNECT, so nothing follows the head.
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.request.recv(MAX_HEAD)
            if not piece or len(head) > MAX_HEAD:
                return
            head += piece
        line, *headers = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, _ = line.split(" ")
        port = self.server.ports.get(target) if method == "CONNECT" else None
        status = 200 if port else 403 if method == "CONNECT" else 405
        self.server.write_log({"method": method, "target": target, "status": status,
                               "headers": sorted(header.partition(":")[0].lower() for header in headers)})
        if not port:
            self.request.sendall(b"HTTP/1.1 %d Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
            return
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=copy, args=(upstream, self.request), daemon=True)
            back.start()
            copy(self.request, upstream)
            back.join()


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, ports, log):
        self.ports = ports
        self.log = log
        self.log_lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Tunnel)

    def write_log(self, entry):
        with self.log_lock:
            self.log.write(json.dumps(entry) + "\n")
            self.log.flush()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description="An HTTP proxy that only takes CONNECT.")
    parser.add_argument("--map", action="append", default=[], metavar="HOST:PORT=LOCAL_PORT")
    parser.add_argument("--log", required=True, help="file that requests are appended to")
    parser.add_argument("--exit-with", type=int, metavar="PID", help="exit when that process is gone")
    arguments = parser.parse_args()
    ports = {name: int(port) for name, _, port in (each.partition("=") for each in arguments.map)}
    server = Proxy(ports, open(arguments.log, "a"))

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
