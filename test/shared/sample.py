"""
sample.py
    The sample API as a program in Python uses it: starts it, ends it, and asks its
    /_control/.  The standard library only.
"""

import http.client
import json
import os
import subprocess
import sys
import urllib.parse

SAMPLE_API = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "sample_api", "sample_api.py")
TOKEN = "sample-access-token"


class Failed(SystemExit):
    """What the program is about could not be tried: says why and ends it, unless it is caught."""


class Api:
    """A sample API: one that runs, or one with so many links, and more options, that ends with this process."""

    def __init__(self, url=None, count=0, *options):
        self.process = None
        if url is None:
            self.process = subprocess.Popen([sys.executable, SAMPLE_API, "--exit-with", str(os.getpid()), "--count",
                                             str(count), *options],
                                            stdout=subprocess.PIPE, text=True)
            url = "http://127.0.0.1:%s" % self.process.stdout.read().strip()    # to the end: it lets go of stdout
            self.process.stdout.close()
        self.url = url
        self.port = urllib.parse.urlsplit(url).port
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)

    def stop(self):
        self.connection.close()
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def control(self, name, value=None):
        """Gets what has that name, or posts the value; what the sample API says, decoded."""
        self.connection.request("GET" if value is None else "POST", "/_control/" + name,
                                None if value is None else json.dumps(value))
        response = self.connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise Failed("the sample API refused %s: %s" % (name, body.decode()))
        return json.loads(body)
