#!/usr/bin/env python3
"""
flat.py
    Scans of all kinds in one backend, ended in all ways: over 2,000 a round.  What they
    leave behind must not grow.  Run by scripts/check-memory.

    flat.py [--probe LIBRARY] [--long] [ROUNDS]     5 unless told otherwise

    With --long the scans of each kind also read a list of 20,000 links, and the peak of
    the backend must not tell how long it is.

PGHOST and the like lead to a cluster in which the extension can be created, PGUSER is a
superuser.  LIBRARY is the one built of probe.c, preloaded into the server; without it
nothing fails inside the backend, and nothing is measured.  Exits with 1 when something
grows, with 2 when a scan ends in another way than it should.
"""

import argparse
import collections
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "shared"), os.path.join(HERE, "..", "..", "bench")]

from measure import missed, note, report
from psql import Session
from sample import TOKEN, Api, Failed

LINKS = 95

# With --long; and by how many kB a backend may be larger while it reads so many: 24 bytes
# a link, which is documented, in each of two scans, and what does not depend on the links.
LONG_LINKS = 20000
LONG_GOAL = 2 * 24 * LONG_LINKS // 1024 + 8192

# What takes longer has got stuck.
PATIENCE = "60s"

RENEWED = "with a token that is renewed"

# Kinds of scans. {t} is the table; where it is not of every server, its name is written out.
KINDS = {
    "rows": "SELECT * FROM {t}",
    "one column": "SELECT id FROM {t}",
    "filter": "SELECT * FROM {t} WHERE status IN ('open', 'paid')",
    "filter with the status check": "SELECT * FROM {t} WHERE status LIKE 'p%' OR status = 'opened'",
    "ordered": "SELECT * FROM {t} ORDER BY amount DESC",
    "NULLs first": "SELECT * FROM {t} ORDER BY expiration_date NULLS FIRST",
    "NULLs last": "SELECT * FROM {t} ORDER BY expiration_date NULLS LAST",
    "NULLs at both ends": "SELECT * FROM odd.payment_links ORDER BY expiration_date NULLS LAST",
    "NULLs in the middle": "SELECT * FROM middle.payment_links ORDER BY expiration_date NULLS LAST",
    "window": "SELECT * FROM {t} WHERE status <> 'paid' ORDER BY amount LIMIT 17 OFFSET 12",
    "window in an open world": "SELECT * FROM odd.payment_links WHERE status <> 'paid' ORDER BY amount LIMIT 17 OFFSET 12",
    "range": "SELECT * FROM {t} WHERE amount BETWEEN 30 AND 300",
    "range of dates": "SELECT * FROM {t} WHERE expiration_date >= '2025-03-01' ORDER BY expiration_date",
    "never": "SELECT * FROM {t} WHERE expiration_date IS NULL",
    "not never": "SELECT * FROM {t} WHERE expiration_date IS NOT NULL",
    "largest": "SELECT max(expiration_date), min(amount) FROM {t}",
    "count": "SELECT count(*) FILTER (WHERE status = 'open'), count(*) FROM {t} WHERE status <> 'paid'",
    "count by status": "SELECT status, count(*) FROM {t} GROUP BY status",
    "count in an open world": "SELECT status, count(*) FROM odd.payment_links WHERE status LIKE '%e%' GROUP BY status",
    "count over a range": "SELECT count(*) FROM {t} WHERE amount > 30 AND amount < 300",
    "count of never": "SELECT count(*) FROM {t} WHERE expiration_date IS NULL",
    "lookup": "SELECT * FROM {t} WHERE id = ANY ((SELECT array_agg(id) FROM some_ids)::uuid[])",
    "join by lookups": "SELECT l.* FROM some_ids JOIN {t} l USING (id)",
    "join that rescans": "SELECT l.* FROM generate_series(1, 3) n LEFT JOIN {t} l ON l.amount > n * 100",
    "window that moves": "SELECT l.* FROM generate_series(2, 0, -1) n, "
                         "LATERAL (SELECT * FROM {t} ORDER BY amount LIMIT 24 / n) l",
    "Append": "SELECT * FROM {t} UNION ALL SELECT * FROM {t}",
    "over TLS": "SELECT * FROM tls.payment_links",
    RENEWED: "SELECT * FROM renewed.payment_links",
    "misfits": "SELECT * FROM misfits",
    "check": "SELECT * FROM payment_links_check('{s}')",
    # Statements that cannot be part of another.
    "ANALYZE": "ANALYZE {t}",
    "prepared range": "EXECUTE {s}_above (30)",
    "prepared range, bound fails": "EXECUTE {s}_above (0)",
    "prepared window": "EXECUTE {s}_window (12, 7)",
    "prepared window, limit fails": "EXECUTE {s}_window (12, -1)",
    "prepared lookup": "EXECUTE {s}_ids",
}

# How a kind ends by itself, where that is an error.
FAILS = {"window that moves": "22012", "misfits": "23514", "prepared range, bound fails": "22012",
         "prepared window, limit fails": "2201W"}

# How they are run.
WAYS = {
    "to the end": "COPY ({q}) TO '/dev/null'",
    "LIMIT": "COPY (SELECT * FROM ({q}) q LIMIT 3) TO '/dev/null'",
    "cursor, closed": r"BEGIN \; DECLARE c CURSOR FOR {q} \; MOVE 3 IN c \; CLOSE c \; COMMIT",
    "cursor, rolled back": r"BEGIN \; DECLARE c CURSOR FOR {q} \; MOVE 3 IN c \; ROLLBACK",
    "cursor, savepoint": r"BEGIN \; SAVEPOINT s \; DECLARE c CURSOR FOR {q} \; MOVE 12 IN c \; ROLLBACK TO s \; COMMIT",
    "cursor, scrolled": r"BEGIN \; DECLARE c SCROLL CURSOR FOR {q} \; MOVE 12 IN c \; MOVE BACKWARD 5 IN c \; MOVE ALL IN c \; COMMIT",
    "error above": "COPY (SELECT 1 / (2 - row_number() OVER ()) FROM ({q}) q) TO '/dev/null'",
    "error caught": "DO $do$ DECLARE r record; BEGIN FOR r IN {q} LOOP END LOOP; PERFORM 1 / 0; "
                    "EXCEPTION WHEN OTHERS THEN NULL; END $do$",
}

DROPPED, UNREADABLE = "08006", "08P01"

# What the API can do wrong, and how a scan may end that meets it.
FAULTS = [({"kind": kind, **parameters}, states.split()) for kind, states, parameters in (
    ("latency", "", {"ms": 3}),
    ("status", "08006", {"status": 500}),
    ("status", "08006", {"status": 503, "shape": "html"}),
    ("status", "53400", {"status": 429, "retry_after": 1}),
    ("status", "42501", {"status": 403, "shape": "object"}),
    ("status", "HV000 40001", {"status": 422, "shape": "flat"}),
    ("status", "HV00R 40001", {"status": 404, "shape": "empty"}),
    ("redirect", "08P01", {}),
    ("html_login", "08P01", {}),
    ("empty_body", "08P01", {}),
    ("wrong_content_type", "", {}),
    ("invalid_json", "08P01", {}),
    ("body", "08P01", {"text": "{\"payment_links\": 1}"}),
    ("gzip_bomb", "08P01", {"megabytes": 33}),
    ("gzip", "", {}),
    ("deep_nesting", "08P01", {"depth": 3000}),
    ("wrong_types", "08P01 22P02 23502", {}),
    ("missing_field", "08P01", {}),
    ("duplicate_keys", "08P01", {}),
    ("invalid_utf8", "08P01", {}),
    ("nul_escape", "22P05", {}),
    ("meta", "08P01", {"remove": ["total_count"]}),
    ("total_count", "08P01 40001", {}),
    ("per_page", "08P01", {"value": 7}),
    ("current_page", "08P01", {"value": 77}),
    ("short_page", "08P01 40001", {}),
    ("reset", "08006", {"after": 200}),
    ("close", "08006", {}),
    ("short_body", "08006", {}),
    ("drip", "", {"interval_ms": 1, "size": 3000}),
    ("chunked", "", {"size": 500}),
    ("endless_body", "08P01", {}),
    ("endless_headers", "08P01", {}),
    ("garbage", "08P01", {}),
)]

# What fails inside the backend, how often in a round, and how a scan may end that meets it.
INJECTED = (("memory", 6, "53200 08001 08006 08P01".split()),
            ("descriptor", 2, "53000 53200 08001".split()),
            ("error", 6, "53200".split()))


class Backend:
    """The backend under test, the APIs that it asks, and a tally of how its scans ended."""

    def __init__(self, probe):
        self.folder = tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        self.certificate = os.path.join(self.folder.name, "cert.pem")
        key = os.path.join(self.folder.name, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", self.certificate, "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
        self.apis = [Api(None, LINKS) for _ in range(4)]
        self.apis.append(Api(None, LINKS, "--tls-cert", self.certificate, "--tls-key", key))
        self.session = Session()
        self.other = Session()
        self.probe = probe
        self.scans = 0
        self.ends = collections.Counter()   # by what was to happen and SQLSTATE
        self.meant = collections.defaultdict(set)

    def set_up(self):
        qonto, odd, middle, renewed, tls = self.apis
        odd.control("config", {"undocumented_share": 0.1, "null_block": "both"})
        middle.control("config", {"null_block": "middle"})
        # Every scan asks for a new token; an old one is good for one where the new one is lost.
        renewed.control("config", {"token": [], "access_token_seconds": 30, "grace_ms": 3600000})
        run = self.session.must
        run("SET statement_timeout = '%s'" % PATIENCE, "SET log_statement = 'none'", "CREATE EXTENSION payment_links_fdw")
        self.make_server("qonto", qonto.url)
        self.make_server("odd", odd.url)
        self.make_server("middle", middle.url)
        self.make_server("again", qonto.url, max_retries=2)
        self.make_server("hasty", qonto.url, max_retries=1, request_timeout="100ms")
        self.make_server("capped", qonto.url, max_requests=2)
        self.make_server("strict", qonto.url, on_drift="error")
        self.make_server("tls", tls.url.replace("http:", "https:"), ca_file=self.certificate, concurrency=1)
        self.make_server("renewed", renewed.url, token_url=renewed.url + "/oauth2/token",
                         authorize_url=renewed.url + "/oauth2/auth",
                         mapping={"client_id": "sample-client", "client_secret": "sample-client-secret",
                                  "refresh_token": renewed.control("oauth_issue", {})["refresh_token"],
                                  "redirect_uri": "http://localhost/callback"})
        run("CREATE DOMAIN small AS numeric CHECK (value < 3000)",
            "CREATE FOREIGN TABLE misfits (id uuid, amount small, items json) SERVER qonto",
            "CREATE TABLE some_ids AS SELECT id FROM qonto.payment_links ORDER BY id LIMIT 7",
            "INSERT INTO some_ids VALUES (gen_random_uuid())",
            "ANALYZE some_ids",
            "SET plan_cache_mode = force_generic_plan")
        for name in ("qonto", "again", "hasty", "capped", "strict"):
            run("PREPARE {0}_above (numeric) AS SELECT count(l) FROM (SELECT * FROM {0}.payment_links "
                "WHERE amount > 300 / $1 OFFSET 0) l".format(name),
                "PREPARE {0}_window (bigint, bigint) AS SELECT id FROM {0}.payment_links "
                "ORDER BY amount OFFSET $1 LIMIT $2".format(name),
                "PREPARE {0}_ids AS SELECT count(url) FROM {0}.payment_links "
                "WHERE id IN (SELECT id FROM some_ids)".format(name))
        if self.probe:
            for function in ("probe_watch() RETURNS void", "probe_fail(text, bigint) RETURNS void",
                             "probe_calls() RETURNS bigint", "probe_figures() RETURNS bigint[]"):
                run("CREATE FUNCTION %s AS '%s' LANGUAGE C STRICT" % (function, self.probe))
            run("SELECT probe_watch()")

    def make_server(self, name, url, mapping=None, **options):
        """A server, read as NAME.payment_links."""
        options = {"base_url": url, "page_size": 10, "concurrency": 3, "max_retries": 0, "max_retry_wait": "0ms",
                   **options}
        listed = [", ".join("%s '%s'" % option for option in each.items())
                  for each in (options, mapping or {"access_token": TOKEN})]
        self.session.must("CREATE SCHEMA " + name,
                          "CREATE SERVER %s FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (%s)" % (name, listed[0]),
                          "CREATE USER MAPPING FOR CURRENT_USER SERVER %s OPTIONS (%s)" % (name, listed[1]),
                          "IMPORT FOREIGN SCHEMA qonto FROM SERVER %s INTO %s" % (name, name))

    def close(self):
        self.session.quit()
        self.other.quit()
        for api in self.apis:
            api.stop()

    def scan(self, end, sql, own, meant=(), cancelled=False):
        """Makes a scan, which ends in a SQLSTATE of its own, or as is meant by what is to happen to it."""
        self.session.send([[sql]])
        if cancelled:
            self.session.cancel_by(self.other)
        answer = self.session.receive()
        self.session.run("ROLLBACK")
        self.scans += 1
        self.ends[end, answer.state] += 1
        self.meant[end].update(meant)
        if answer.state not in own and answer.state not in meant:
            raise Failed("%s: SQLSTATE %s: %s\n%s" % (end, answer.state, answer.message, sql))

    def control(self, name, value):
        for api in self.apis:
            api.control(name, value)

    def value(self, sql):
        """The one value that a query gives."""
        return self.session.must(sql)[0][0]

    def read_all(self):
        links = self.value("SELECT count(l) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l")
        if links != str(LINKS):
            raise Failed("%s links instead of %d" % (links, LINKS))

    def figures(self):
        contexts = self.value("SELECT count(*) FROM pg_backend_memory_contexts WHERE name ~ '^payment links'")
        if contexts != "0":
            raise Failed("%s memory contexts of the extension are left" % contexts)
        malloced, blocks = self.value("SELECT array_to_string(probe_figures(), ' ')").split()
        return Figures(self.session.descriptors(), int(blocks), self.session.context_bytes() / 1024,
                       int(malloced) / 1024)

    def set_up_long(self):
        """Long lists: as the others are made, and each as it is named among the kinds."""
        for name, settings in (("qonto", {}), ("odd", {"undocumented_share": 0.1, "null_block": "both"}),
                               ("middle", {"null_block": "middle"})):
            self.apis.append(Api(None, LONG_LINKS, "--config", json.dumps(settings)))
            self.make_server("long_" + name, self.apis[-1].url, page_size=100)

    def read_long(self):
        """By every kind that reads one; by how many kB the peak was above the size before, at most, and of which kind."""
        run = self.session.must
        run("SET work_mem = '1MB'", "SET maintenance_work_mem = '1MB'")
        growths = []
        for name, query in KINDS.items():
            if not re.search(r"\{t\}|odd\.|middle\.", query):
                continue
            query = re.sub(r"\b(odd|middle)\.", r"long_\1.", query.format(t="long_qonto.payment_links", s="long_qonto"))
            before = min(self.session.peak_kilobytes(), self.session.kilobytes("VmRSS"))
            self.scan("long list", WAYS["to the end"].format(q=query) if query.startswith("SELECT") else query,
                      ["00000", FAILS.get(name, "00000")])
            growths.append((self.session.peak_kilobytes() - before, name))
        run("RESET work_mem", "RESET maintenance_work_mem")
        return max(growths)

    def lose_connections(self):
        """No more connections are kept for later scans: each of these loses one."""
        self.control("fault", {"kind": "close"})
        for name in ("qonto", "odd", "middle", "renewed", "tls"):
            for _ in range(20):
                self.session.run("SELECT id FROM %s.payment_links LIMIT 1" % name)
        self.control("clear_faults", {})


# blocks: those malloc'd by the extension, libcurl and jansson
Figures = collections.namedtuple("Figures", "descriptors blocks contexts malloced")


class Kind:
    """All that can happen to the scans of a kind, in one round."""

    def __init__(self, backend, name, number, place):
        self.backend = backend
        self.name = name
        self.number = number
        self.place = place              # decides how the next scan is run, and where it meets its fault
        self.own = ["00000", FAILS.get(name, "00000"), "22012"]

    def ways(self, server="qonto"):
        """The statements by which it can be run."""
        query = KINDS[self.name].format(t=server + ".payment_links", s=server)
        if not query.startswith("SELECT"):
            return [("to the end", query)]
        return [(way, sql.format(q=query)) for way, sql in WAYS.items()]

    def next(self, server="qonto"):
        """Another way each time."""
        self.place += 1
        ways = self.ways(server)
        return ways[self.place % len(ways)][1]

    def meets(self, end, fault, states, server="qonto", cancelled=False):
        """A fault of the API, from its first request on, or from a later one."""
        sql = self.next(server)
        # It may strike the answer that there is no link with an id, which then is not the API's.
        own = self.own + (["HV00R"] if "_ids" in sql else [])
        self.backend.control("fault", {"from": 1 + self.place % 5, "path": "/v2/", **fault})
        self.backend.scan(end, sql, own, states, cancelled)
        self.backend.control("clear_faults", {})

    def drifts(self, end, links, states=(), server="qonto"):
        """The list becomes another before a later request."""
        sql = self.next(server)
        self.backend.control("before", {"n": 2 + self.place % 3, "config": {"count": links}})
        self.backend.scan(end, sql, self.own + ["40001", "08P01"], states)
        self.backend.control("clear_faults", {})
        self.backend.control("config", {"count": LINKS})

    def all(self):
        run = self.backend.session.must
        for way, sql in self.ways():
            self.backend.scan(way, sql, self.own)
        for fault, states in FAULTS:
            self.meets(" ".join([fault["kind"], str(fault.get("status", ""))]).strip(), fault, states)
        self.meets("cancel", {"kind": "hang"}, ["57014"], cancelled=True)
        run("SET statement_timeout = '20ms'")
        self.meets("statement_timeout", {"kind": "hang", "after": 500}, ["57014"])
        if self.name == RENEWED:
            self.meets("no new token in time", {"kind": "latency", "ms": 200, "path": "/oauth2/token", "from": 1}, ["57014"])
        run("SET statement_timeout = '%s'" % PATIENCE)
        self.drifts("list grows", LINKS + 2)
        self.drifts("list shrinks", LINKS - 15)
        if "{" in KINDS[self.name]:
            self.meets("tried again", {"kind": "status", "status": 500, "times": 1}, [], "again")
            self.meets("tried again in vain", {"kind": "close"}, ["08006"], "again")
            self.meets("request_timeout", {"kind": "hang", "after": 200}, ["08006"], "hasty")
            self.backend.scan("max_requests", self.next("capped"), self.own, ["54000"])
            self.drifts("drift is an error", LINKS + 2, ["40001"], "strict")
        if self.name == RENEWED:
            self.meets("no new token", {"kind": "close", "path": "/oauth2/token", "from": 1}, [])
        if self.backend.probe:
            for what, times, states in INJECTED:
                self.injected(what, times, states)

    def injected(self, what, times, states):
        """Something fails inside the backend; then all links are read."""
        run = self.backend.session.run
        for each in range(times):
            sql = self.next()
            run("SELECT probe_fail('%s', 0)" % what)
            run(sql)
            run("ROLLBACK")
            calls = int(self.backend.value("SELECT probe_calls()"))
            turn = self.number * times + each
            nth = 1 + (turn if calls < 50 else int(calls * (turn * 0.618034 % 1))) % max(calls, 1)
            run("SELECT probe_fail('%s', %d)" % (what, nth))
            self.backend.scan("no " + what, sql, self.own, states)
            run("SELECT probe_calls()")
            self.backend.read_all()


def show_ends(backend):
    """How the scans ended. What was to happen has happened."""
    print("how scans ended, by what was to happen to them")
    for end, meant in backend.meant.items():
        states = {state: count for (each, state), count in backend.ends.items() if each == end}
        print("  %-20s %s" % (end, ", ".join("%s %d" % pair for pair in sorted(states.items(), key=lambda s: -s[1]))))
        if meant and not meant.intersection(states):
            raise Failed("%s: it never ended in %s" % (end, " or ".join(sorted(meant))))


def compare(when, early, late, goals):
    """Reports by how much the figures have grown; a goal is the most that they may."""
    print("growth, " + when)
    for name, unit, a, b, goal in zip(("descriptors", "blocks of the libraries", "memory contexts", "malloc'd bytes"),
                                      ("", "", "kB", "kB"), early, late, goals):
        report(name, b - a, goal, unit)


def measure(backend, rounds):
    """Figures of each round: the medians within it, and at its end, without connections."""
    busy, idle = [], []
    for number in range(rounds):
        samples = []
        for place, name in enumerate(KINDS):
            Kind(backend, name, number, number * len(KINDS) + place).all()
            if backend.probe:
                samples.append(backend.figures())
        backend.control("clear", {})
        if backend.probe:
            busy.append(Figures(*map(statistics.median, zip(*samples))))
            backend.lose_connections()
            idle.append(backend.figures())
            print("  after %6d scans: %d descriptors, %d blocks of the libraries, %d kB of memory contexts, %d kB malloc'd"
                  % (backend.scans, *idle[-1]), flush=True)
    return busy, idle


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--probe")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("rounds", type=int, nargs="?", default=5)
    arguments = parser.parse_args()
    backend = Backend(arguments.probe)
    try:
        backend.set_up()
        if arguments.long:
            # Before the C library has much that was freed, from which the peak could be served.
            backend.set_up_long()
            growth, name = backend.read_long()
            report("peak above the size before, list of %d links, most: %s" % (LONG_LINKS, name), growth, LONG_GOAL, "kB")
        busy, idle = measure(backend, arguments.rounds)
        show_ends(backend)
    except Failed as failure:
        print("flat.py: %s" % failure, file=sys.stderr)
        return 2
    finally:
        backend.close()
    note("scans", backend.scans, "", 0)
    # The first round fills caches.
    if len(idle) > 2:
        compare("within a round, median", busy[1], busy[-1], (2, 24, 16, 32))
        compare("at the end of a round, without connections", idle[1], idle[-1], (0, 0, 16, 16))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
