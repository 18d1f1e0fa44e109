#!/usr/bin/env python3
"""
selftest.py
    Is the sample as strict as it says?  Starts it and asks; a few seconds.

Run: python3 test/sample_api/selftest.py
"""

import gzip
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
import unittest
from decimal import Decimal

HERE = os.path.dirname(os.path.abspath(__file__))
LIST = "/v2/payment_links"
TOKEN = {"Authorization": "Bearer sample-access-token"}


class Sample:
    """A running sample, and one way to talk to it."""

    def __init__(self, *options):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "sample_api.py"), "--exit-with",
                                         str(os.getpid()), *options], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.read())     # to the end: stdout must be closed
        self.process.stdout.close()

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def get(self, target, headers=TOKEN, method="GET", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def page(self, query="", headers=TOKEN):
        response, body = self.get(LIST + ("?" + query if query else ""), headers)
        assert response.status == 200, body
        return json.loads(body)

    def all(self, query="", per_page=100):
        links, number = [], 1
        while True:
            page = self.page("%s&page=%d&per_page=%d" % (query, number, per_page) if query else
                             "page=%d&per_page=%d" % (number, per_page))
            links += page["payment_links"]
            if not page["meta"]["next_page"]:
                return links
            number += 1

    def control(self, name, data):
        response, body = self.get("/_control/" + name, {}, "POST", json.dumps(data))
        assert response.status == 200, body
        return json.loads(body)

    def raw(self, request):
        """What comes back, to the end of the connection, for bytes as they are."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            answer = b""
            while True:
                piece = connection.recv(65536)
                if not piece:
                    return answer
                answer += piece


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sample = Sample("--count", "230")

    @classmethod
    def tearDownClass(cls):
        cls.sample.stop()

    def setUp(self):
        self.sample.control("reset", {})

    def refused(self, target, status, code, parameter=None, **more):
        response, body = self.sample.get(target, **more)
        self.assertEqual(response.status, status, (target, body))
        value = json.loads(body)
        self.assertEqual(value["errors"][0]["code"], code, target)
        self.assertEqual(value["errors"][0].get("source"), {"parameter": parameter} if parameter else None)
        self.assertRegex(value["trace_id"], "^[0-9a-f]{32}$")
        self.assertEqual(response.headers["X-Tyk-Trace-Id"], value["trace_id"])


class Strictness(Case):
    def test_parameters(self):
        for query, code, parameter in (
                ("pages=1", "unknown_parameter", "pages"),
                ("current_page=1", "unknown_parameter", "current_page"),
                ("status=open", "unknown_parameter", "status"),
                ("status%5B%5D=open,paid", "not_in_list", "status"),
                ("status%5B%5D=refunded", "not_in_list", "status"),
                ("status%5B%5D=", "not_in_list", "status"),
                ("sort_by=created_at:asc", "not_in_list", "sort_by"),
                ("sort_by=amount", "not_in_list", "sort_by"),
                ("sort_by=amount:asc&sort_by=amount:asc", "invalid", "sort_by"),
                ("page=1&page=1", "invalid", "page"),
                ("page=0", "invalid", "page"), ("page=-1", "invalid", "page"), ("page=", "invalid", "page"),
                ("page=x", "invalid", "page"), ("page", "invalid", "page"), ("page=4", "invalid", "page"),
                ("per_page=0", "invalid", "per_page"), ("per_page=101", "invalid", "per_page"),
                ("per_page=10.0", "invalid", "per_page"), ("per_page=99999999999999999999", "invalid", "per_page")):
            self.refused(LIST + "?" + query, 422, code, parameter)
        self.sample.control("config", {"refusal_status": 400})
        self.refused(LIST + "?page=4", 400, "invalid", "page")

    def test_access(self):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "sample-access-token"}):
            self.refused(LIST, 401, "unauthorized", headers=headers)
        self.sample.control("config", {"forbidden_token": "narrow"})
        self.refused(LIST, 403, "forbidden", headers={"Authorization": "Bearer narrow"})
        log = json.loads(self.sample.get("/_control/log")[1])
        self.assertEqual([entry["token"] for entry in log], ["none", "bad", "bad", "bad"])
        self.assertNotIn("wrong", json.dumps(log))

    def test_staging_token(self):
        self.sample.control("config", {"staging_token": "staging"})
        for name in ("X-Nothing", "x-qonto-staging-token"):
            response, body = self.sample.get(LIST, {**TOKEN, name: "staging"})
            self.assertEqual((response.status, response.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
            self.assertIn(b"<html>", body)
        self.assertEqual(self.sample.page(headers={**TOKEN, "X-Qonto-Staging-Token": "staging"})
                         ["meta"]["total_count"], 230)

    def test_paths_and_methods(self):
        self.refused("/v2/payment_link", 404, "not_found")
        self.refused("/v2/payment_links/", 404, "not_found")
        self.refused(LIST + "/01900000-0000-7000-8000-000000000000", 404, "not_found")
        self.refused(LIST, 405, "method_not_allowed", method="POST")
        self.sample.control("config", {"prefix": "/qonto"})
        self.refused(LIST, 404, "not_found")
        self.assertEqual(self.sample.get("/qonto" + LIST)[0].status, 200)
        answer = self.sample.raw(b"GET /v2/payment_links HTTP/1.1\r\nno colon\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)


class Listing(Case):
    def test_pages(self):
        meta = self.sample.page("page=3&per_page=100")["meta"]
        self.assertEqual(meta, {"current_page": 3, "next_page": None, "prev_page": 2, "total_pages": 3,
                                "total_count": 230, "per_page": 100})
        links = self.sample.all(per_page=7)
        self.assertEqual(len({link["id"] for link in links}), 230)
        self.assertEqual(links, sorted(links, key=lambda link: link["id"], reverse=True))

    def test_empty(self):
        self.sample.control("config", {"count": 0})
        self.assertEqual(self.sample.page(), {"payment_links": [], "meta": {
            "current_page": 1, "next_page": 0, "prev_page": 1, "total_pages": 0, "total_count": 0, "per_page": 100}})
        self.refused(LIST + "?page=2", 422, "invalid", "page")

    def test_filter(self):
        both = self.sample.all("status%5B%5D=open&status[]=paid")
        every = self.sample.all()
        self.assertEqual(both, [link for link in every if link["status"] in ("open", "paid")])
        self.sample.control("config", {"undocumented_share": 0.1})
        seen = self.sample.all()
        self.assertEqual([link["id"] for link in seen], [link["id"] for link in every])
        self.assertIn("refunded", {link["status"] for link in seen})

    def test_sort(self):
        def amount(link):
            return Decimal(link["amount"]["value"])

        links = self.sample.all("sort_by=amount:asc")
        self.assertEqual(links, sorted(links, key=lambda link: (amount(link), link["id"])))
        links = self.sample.all("sort_by=amount:desc")
        self.assertEqual(links, sorted(links, key=lambda link: (-amount(link), link["id"])))
        self.sample.control("config", {"broken_order": "swap"})
        self.assertNotEqual(links, self.sample.all("sort_by=amount:desc"))

    def test_null_block(self):
        def zeros(query):
            text = "".join("z" if link["expiration_date"].startswith("0001") else "d"
                           for link in self.sample.all(query))
            return "".join(letter for at, letter in enumerate(text) if text[at - 1:at] != letter)

        for block, ascending, descending in (("lowest", "zd", "dz"), ("first", "zd", "zd"), ("last", "dz", "dz"),
                                             ("middle", "dzd", "dzd"), ("both", "zdz", "zdz")):
            self.sample.control("config", {"null_block": block})
            self.assertEqual(zeros("sort_by=expiration_date:asc"), ascending, block)
            self.assertEqual(zeros("sort_by=expiration_date:desc"), descending, block)

    def test_lookup(self):
        link = self.sample.page("per_page=1")["payment_links"][0]
        self.assertEqual(json.loads(self.sample.get(LIST + "/" + link["id"])[1]), {"payment_link": link})
        self.sample.control("config", {"wrapped": False})
        self.assertEqual(json.loads(self.sample.get(LIST + "/" + link["id"])[1]), link)
        self.refused(LIST + "/" + link["id"] + "?page=1", 422, "unknown_parameter", "page")

    def test_changes(self):
        new, = self.sample.control("links", {"generate": 1})["ids"]
        links = self.sample.all()
        self.assertEqual((len(links), links[0]["id"]), (231, new))
        old = links[5]["id"]
        self.sample.control("links", {"remove": [new], "set_status": {old: "refunded"}})
        links = self.sample.all()
        self.assertEqual((len(links), links[4]["id"], links[4]["status"]), (230, old, "refunded"))
        odd = '{"id":"x","amount":{"value":1E400},"n":1.10,"n":123456789012345678901234567890}'
        self.sample.control("links", {"replace": [], "raw": [odd]})
        self.assertIn(b'{"payment_links":[%s],' % odd.encode(), self.sample.get(LIST)[1])
        self.sample.control("clear", {})
        self.sample.control("before", {"n": 2, "links": {"generate": 1}})
        self.assertEqual([self.sample.page()["meta"]["total_count"] for _ in range(3)], [1, 2, 2])
        self.assertEqual([entry["changes"] for entry in json.loads(self.sample.get("/_control/log")[1])], [0, 1, 1])

    def test_log(self):
        self.sample.page("status%5B%5D=open&sort_by=amount%3Aasc")
        self.sample.get("/v2/nothing")
        self.assertEqual(self.sample.get("/_control/count")[1], b"2\n")
        entry = json.loads(self.sample.get("/_control/log")[1])[0]
        self.assertEqual((entry["target"], entry["query"]),
                         (LIST + "?status%5B%5D=open&sort_by=amount%3Aasc", "status[]=open&sort_by=amount:asc"))
        self.assertEqual((entry["headers"], entry["body"]), (["Host", "Accept-Encoding", "Authorization"], 0))
        self.assertEqual(self.sample.get("/_control/requests")[1],
                         b"GET /v2/payment_links?status[]=open&sort_by=amount:asc\nGET /v2/nothing\n")
        self.assertEqual(self.sample.get("/_control/count")[1], b"0\n")


class Faults(Case):
    def fault(self, kind, **more):
        self.sample.control("reset", {})
        self.sample.control("fault", {"kind": kind, **more})

    def test_when(self):
        self.sample.control("fault", [{"kind": "status", "status": 503, "nth": [2, 4]},
                                      {"kind": "status", "status": 429, "page": 3, "times": 1}])
        statuses = [self.sample.get(LIST + "?page=%d" % page)[0].status for page in (1, 1, 1, 1, 3, 3, 1)]
        self.assertEqual(statuses, [200, 503, 200, 503, 429, 200, 200])
        self.assertEqual(json.loads(self.sample.get("/_control/stats")[1])["faults"], 3)
        self.fault("status", status=500, **{"from": 2}, every=2, query_contains="sort_by")
        statuses = [self.sample.get(LIST + "?sort_by=amount:asc")[0].status for _ in range(5)]
        self.assertEqual(statuses, [200, 500, 200, 500, 200])
        self.assertEqual(self.sample.page()["meta"]["current_page"], 1)
        for bad in ({"kind": "none"}, {"kind": "close", "ms": 1}):
            self.assertEqual(self.sample.get("/_control/fault", {}, "POST", json.dumps(bad))[0].status, 400)
        kinds = json.loads(self.sample.get("/_control/fault_kinds")[1])
        self.assertEqual(self.sample.control("fault", [{"kind": kind} for kind in kinds]), {})
        self.assertIn("latency", kinds)

    def test_errors(self):
        self.fault("status", status=429, retry_after=7, shape="object")
        response, body = self.sample.get(LIST)
        self.assertEqual(response.headers["Retry-After"], "7")
        self.assertEqual(json.loads(body)["errors"], {"message": "too many requests"})
        self.fault("status", status=502, shape="html", retry_after_date=60)
        response, body = self.sample.get(LIST)
        self.assertRegex(response.headers["Retry-After"], "^[A-Z][a-z]{2}, .* GMT$")
        self.assertTrue(body.startswith(b"<html>"))
        self.fault("redirect", location="http://127.0.0.1:1/", status=307)
        self.assertEqual(self.sample.get(LIST)[0].headers["Location"], "http://127.0.0.1:1/")

    def test_bodies(self):
        def first(kind, **more):
            self.fault(kind, **more)
            return self.sample.page("per_page=2")["payment_links"][0]

        self.assertNotIn("id", first("missing_field"))
        self.assertNotIn("value", first("missing_field", field="amount.value")["amount"])
        self.assertEqual(first("wrong_types")["amount"], 12.5)
        self.assertEqual(first("nul_escape")["debitor_name"], "nul\0inside")
        for kind, part in (("duplicate_keys", b'"id":"first of two"'), ("invalid_utf8", b"caf\xe9"),
                           ("deep_nesting", b"[" * 1000), ("html_login", b"<html>")):
            self.fault(kind)
            self.assertIn(part, self.sample.get(LIST)[1].replace(b'": ', b'":'), kind)
        self.fault("wrong_types", field="amount.value", raw="1E400")
        self.assertIn(b'"value": 1E400', self.sample.get(LIST)[1])
        self.fault("total_count", delta=-3)
        self.assertEqual(self.sample.page()["meta"]["total_count"], 227)
        self.fault("repeated_link")
        links = self.sample.page("per_page=3")["payment_links"]
        self.assertEqual([link["id"] == links[0]["id"] for link in links], [True, True, False])
        self.fault("invalid_json")
        self.assertRaises(ValueError, json.loads, self.sample.get(LIST)[1])
        self.fault("gzip_bomb", megabytes=3)
        self.assertEqual(gzip.decompress(self.sample.get(LIST)[1]), b" " * (3 << 20))

    def test_large_bodies(self):
        def page(query, kind, **more):
            self.fault(kind, **more)
            return self.sample.page(query)

        answer = page("per_page=2", "many_links", count=5, text='{"id":"y"}')
        self.assertEqual((answer["payment_links"], answer["meta"]["total_count"]), ([{"id": "y"}] * 5, 230))
        answer = page("per_page=2", "long_value", field="amount.value", before="[1", text=",2", count=3, after="]", link=1)
        self.assertEqual(answer["payment_links"][1]["amount"]["value"], [1, 2, 2, 2])
        self.fault("escaped_keys")
        body = self.sample.get(LIST)[1]
        self.assertNotIn(b"id", body.split(b"\\u0069\\u0064")[0])
        self.assertEqual(json.loads(body)["meta"]["total_count"], 230)

    def test_huge_list(self):
        def ids(query):
            answer = self.sample.page(query)
            self.assertEqual(answer["meta"]["total_pages"], 1 << 50)
            return [link["id"][-5:] for link in answer["payment_links"]]

        self.fault("huge_list", total=1 << 53)
        self.assertEqual(ids("per_page=8&page=2"), ["%05x" % n for n in range(8, 16)])
        self.assertEqual(ids("per_page=8&page=%d&sort_by=amount:desc" % (1 << 50)), ["%05x" % n for n in range(7, -1, -1)])
        self.fault("huge_list", total=1 << 53, same=True)
        self.assertEqual(ids("per_page=8&page=2"), ids("per_page=8&page=1"))

    def test_connection(self):
        self.fault("close")
        self.assertRaises(http.client.RemoteDisconnected, self.sample.get, LIST)
        self.fault("reset")
        self.assertRaises(ConnectionResetError, self.sample.get, LIST)
        self.fault("short_body")
        self.assertRaises(http.client.IncompleteRead, self.sample.get, LIST)
        self.fault("garbage")
        self.assertRaises(http.client.BadStatusLine, self.sample.get, LIST)
        self.fault("endless_headers")
        self.assertRaises(http.client.HTTPException, self.sample.get, LIST)
        self.assertEqual(self.received("endless_headers", 100000, interim=True).count(b"200 OK"), 0)
        self.fault("chunked", size=999)
        self.assertEqual(len(self.sample.page()["payment_links"]), 100)
        self.fault("drip", interval_ms=1, size=2000)
        self.assertEqual(len(self.sample.page()["payment_links"]), 100)
        self.fault("latency", ms=100)
        before = time.monotonic()
        self.sample.page()
        self.assertGreaterEqual(time.monotonic() - before, 0.1)
        self.fault("latency", ms=200, on_the_way=True)
        change = threading.Timer(0.05, self.sample.control, ("links", {"replace": []}))
        change.start()
        self.assertEqual(self.sample.page()["payment_links"], [])
        change.join()

    def received(self, kind, least, **more):
        """The first bytes that a fault sends, of so many at least."""
        self.fault(kind, **more)
        with socket.create_connection(("127.0.0.1", self.sample.port), timeout=0.2) as connection:
            connection.sendall(b"GET /v2/nothing HTTP/1.1\r\nHost: x\r\n\r\n")
            received = b""
            try:
                while len(received) <= 2 * least:
                    received += connection.recv(65536) or self.fail("the connection ended")
            except socket.timeout:
                pass
        self.assertGreaterEqual(len(received), least)
        return received

    def test_silence(self):
        for fault, least, most in (({"kind": "hang"}, 0, 0), ({"kind": "hang", "after": 10}, 100, 400),
                                   ({"kind": "endless_body"}, 300000, 400000)):
            self.fault(**fault)
            with socket.create_connection(("127.0.0.1", self.sample.port), timeout=0.3) as connection:
                connection.sendall(b"GET /v2/payment_links HTTP/1.1\r\nHost: x\r\n\r\n")
                received = 0
                try:
                    while received < 300000:
                        received += len(connection.recv(65536)) or self.fail("the connection ended")
                except socket.timeout:
                    pass
                self.assertTrue(least <= received <= most, (fault, received))
        deadline = time.monotonic() + 3
        while json.loads(self.sample.get("/_control/stats")[1])["in_flight"] and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(json.loads(self.sample.get("/_control/stats")[1])["in_flight"], 0)

    def test_gzip(self):
        self.sample.control("config", {"gzip": True})
        response, body = self.sample.get(LIST, {**TOKEN, "Accept-Encoding": "gzip"})
        self.assertEqual(response.headers["Content-Encoding"], "gzip")
        self.assertEqual(len(json.loads(gzip.decompress(body))["payment_links"]), 100)
        self.assertEqual(len(self.sample.page()["payment_links"]), 100)


class Arrivals(Case):
    """Clients that send requests and are gone before anybody has read them."""

    REQUEST = ("GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sample-access-token\r\n\r\n" % LIST).encode()

    def send(self, number, data=REQUEST):
        connections = [socket.create_connection(("127.0.0.1", self.sample.port)) for _ in range(number)]
        for connection in connections:
            connection.sendall(data)
        return connections

    def count(self):
        return json.loads(self.sample.get("/_control/count", {})[1])

    def test_every_request_that_was_sent_is_counted(self):
        for _ in range(20):
            self.sample.control("clear", {})
            for connection in self.send(60):
                connection.close()
            self.assertEqual(self.count(), 60)

    def test_none_is_counted_after_the_log_was_cleared(self):
        for _ in range(20):
            connections = self.send(60)
            self.sample.control("clear", {})
            for connection in connections:
                connection.close()
            self.assertEqual(self.count(), 0)

    def test_a_connection_that_is_kept_is_looked_at(self):
        connection, = self.send(1)
        connection.recv(1000000)
        for number in range(2, 50):
            connection.sendall(self.REQUEST)
            self.assertEqual(self.count(), number)
            while not connection.recv(1000000).endswith(b"}"):
                pass
        connection.close()

    def test_what_is_not_on_its_way_is_not_waited_for(self):
        self.sample.control("fault", [{"kind": "hang", "times": 1}, {"kind": "latency", "ms": 8000, "times": 1}])
        waiting = self.send(2) + self.send(3, b"") + self.send(3, self.REQUEST[:20])
        began = time.monotonic()
        self.assertEqual(self.count(), 2)
        self.sample.control("clear", {})
        self.assertLess(time.monotonic() - began, 5)
        for connection in waiting:
            connection.close()

    def test_held_answers_are_sent_when_the_fault_is_dropped(self):
        for drop in "release", "clear_faults", "reset":
            self.sample.control("fault", {"kind": "latency", "held": True, "ms": 0})
            connection, = self.send(1)
            self.assertEqual(self.count(), 1)
            connection.settimeout(0.5)
            self.assertRaises(socket.timeout, connection.recv, 1)
            self.sample.control(drop, {})
            connection.settimeout(10)
            self.assertTrue(connection.recv(1000000).startswith(b"HTTP/1.1 200 "))
            connection.close()
            self.sample.control("quiet", {})
            self.sample.control("clear", {})

    def test_quiet_waits_for_answers_too(self):
        self.sample.control("config", {"latency_ms": 500})
        connections = self.send(5)
        self.sample.control("quiet", {})
        self.assertEqual(json.loads(self.sample.get("/_control/stats", {})[1])["in_flight"], 0)
        for connection in connections:
            connection.close()


class Process(unittest.TestCase):
    def test_keep_alive(self):
        sample = Sample("--count", "3")
        self.addCleanup(sample.stop)
        connection = http.client.HTTPConnection("127.0.0.1", sample.port)
        for _ in range(3):
            connection.request("GET", LIST, headers=TOKEN)
            connection.getresponse().read()
        connection.close()
        log = json.loads(sample.get("/_control/log")[1])
        self.assertEqual([entry["connection"] for entry in log], [1, 1, 1])

    def test_exit_with(self):
        owner = subprocess.Popen(["sleep", "60"])
        sample = Sample("--count", "3", "--exit-with", str(owner.pid))
        owner.kill()
        self.assertEqual(sample.process.wait(5), 0)     # before anybody reaped it
        owner.wait()


if __name__ == "__main__":
    unittest.main()
