"""
nginx.py
    nginx over pages of pages.py, plain and with TLS.  Used by speed.py.
"""

import os
import socket
import subprocess
import time

from pages import write_pages
from session import Failed

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = "/usr/lib/nginx/modules"


class Nginx:
    """Serves every list until it is stopped; all it writes is in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = os.path.join(folder, "cert.pem")
        self.pages = os.path.join(folder, "pages")
        write_pages(self.pages)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", os.path.join(folder, "key.pem"), "-out", self.ca, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
        self.port, self.tls_port = free_ports(2)
        with open(os.path.join(HERE, "nginx.conf.in")) as template:
            text = template.read()
        for name, value in (("work", folder), ("pages", self.pages), ("modules", MODULES), ("port", self.port),
                            ("tls_port", self.tls_port)):
            text = text.replace("@%s@" % name, str(value))
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w") as out:
            out.write(text)
        self.process = subprocess.Popen(["nginx", "-e", "stderr", "-p", folder, "-c", config])
        self.await_start()

    def await_start(self):
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise Failed("nginx does not start")

    def url(self, name, delay=0):
        """The base_url of a list, whose answers take so many milliseconds longer."""
        return "http://127.0.0.1:%d/%s%s" % (self.port, "after%d/" % delay if delay else "", name)

    def tls_url(self, name, delay=0):
        return "https://127.0.0.1:%d/%s%s" % (self.tls_port, "after%d/" % delay if delay else "", name)

    def files(self, name):
        """The pages of a list."""
        folder = os.path.join(self.pages, name)
        return [os.path.join(folder, each) for each in sorted(os.listdir(folder)) if each.startswith("none-")]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
