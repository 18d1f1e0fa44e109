#!/usr/bin/env python3
"""
measure.py
    The measures of bench/run, each beside its goal.  README.md explains them.

Exits with 1 when a goal is missed, with 2 when something could not be measured.
"""

import math
import statistics
import sys
import time

sys.dont_write_bytecode = True

from report import missed, note, report
from session import Fetcher, Session, import_table
from sample import Api, Failed

# Every column of every link is decoded, and no row is kept. Behind OFFSET 0
# nobody can answer without reading.
READ_ALL = "SELECT count(l) FROM (SELECT * FROM payment_links OFFSET 0) l"


def read_all(session, links, sql=READ_ALL):
    counted = int(session.ask(sql))
    if counted != links:
        raise Failed("%d links instead of %d" % (counted, links))


def measure_memory():
    """How far a backend grows that reads 1,000 pages, in what order they come."""
    links = 100000
    goal = 64.0
    print("memory: peak resident size over that of the idle backend, %d pages, concurrency 8" % (links // 100))
    api = Api(count=links)
    try:
        import_table(api)
        for what, sql in (("as they come", READ_ALL),
                          ("ORDER BY expiration_date", "SELECT count(l) FROM (SELECT * FROM payment_links "
                           "ORDER BY expiration_date NULLS LAST OFFSET 0) l")):
            session = Session()
            session.ask("SELECT id FROM payment_links LIMIT 1")
            idle = session.kilobytes("VmRSS")
            read_all(session, links, sql)
            report(what, (session.kilobytes("VmHWM") - idle) / 1024, goal, "MB")
            note("  left of it afterwards", (session.kilobytes("VmRSS") - idle) / 1024, "MB")
            session.quit()
        fetcher = Fetcher(api, 8)
        bodies = fetcher.fetch(range(1, 101)) / 100 * 8
        fetcher.close()
        note("floor: 8 bodies and every id", (bodies + 16 * links) / 1024 / 1024, "MB")
    finally:
        api.stop()


class Mishaps:
    """Scans of ten pages: five that succeed, five that fail or are cancelled."""

    LINKS = 1000

    def __init__(self, api, session):
        self.api = api
        self.session = session
        self.other = Session()

    def round(self):
        """Ten scans; returns how many failed or were cancelled."""
        read_all(self.session, self.LINKS)
        self.fails({"kind": "status", "status": 500}, "08006")
        self.session.ask("SELECT id FROM payment_links LIMIT 150")
        self.fails({"kind": "invalid_json"}, "08P01")
        self.session.ask("SELECT id FROM payment_links ORDER BY amount DESC LIMIT 5")
        self.fails({"kind": "reset", "after": 1000}, "08006")
        self.session.ask("SELECT id FROM payment_links WHERE status IN ('open', 'paid') ORDER BY expiration_date")
        self.session.ask("SET statement_timeout = '30ms'")
        self.fails({"kind": "hang"}, "57014")
        self.session.ask("RESET statement_timeout")
        self.cancelled()
        read_all(self.session, self.LINKS)
        return 5

    def fails(self, fault, sqlstate):
        """The sixth page goes wrong."""
        self.api.control("fault", {**fault, "page": 6})
        self.session.ask(READ_ALL, sqlstate)
        self.api.control("clear_faults", {})

    def cancelled(self):
        """By another session, while this one waits for the sixth page."""
        self.api.control("fault", {"kind": "hang", "page": 6})
        self.session.send([[READ_ALL]])
        self.session.cancel_by(self.other)
        self.session.expect("57014")
        self.api.control("clear_faults", {})

    def close(self):
        self.other.quit()


def measure_flat():
    """What 1,000 scans leave behind, half of which fail."""
    rounds = 100
    print("flat: %d scans; the most during the last 200 less the most during scans 101 to 300" % (rounds * 10))
    api = Api(count=Mishaps.LINKS)
    try:
        import_table(api, ", max_retries '0'")
        session = Session()
        session.ask("SELECT id FROM payment_links LIMIT 1")
        mishaps = Mishaps(api, session)
        failed = 0
        figures = [figures_of(session)]
        for _ in range(rounds):
            failed += mishaps.round()
            api.control("clear", {})
            figures.append(figures_of(session))
        mishaps.close()
        session.quit()
        note("scans that failed, as meant", failed, "", 0)
        for index, (what, goal, unit) in enumerate((("descriptors", 0, ""), ("resident size", 256, "kB"),
                                                    ("memory contexts", 16, "kB"))):
            idle = figures[0][index]
            early = max(figure[index] for figure in figures[11:31])
            late = max(figure[index] for figure in figures[-20:])
            report(what, late - early, goal, unit, 0)
            note("  idle, before the first", idle, unit, 0)
            note("  during the last 200", late, unit, 0)
    finally:
        api.stop()


def figures_of(session):
    return session.descriptors(), session.kilobytes("VmRSS"), session.context_bytes() / 1024


def measure_latency():
    """How well look-ahead hides a distance of 50 ms."""
    pages, concurrency, latency, runs = 100, 8, 50, 9
    ideal = (1 + math.ceil((pages - 1) / concurrency)) * latency
    print("latency: %d pages at %d ms, concurrency %d, median of %d scans" % (pages, latency, concurrency, runs))
    api = Api(count=pages * 100)
    try:
        import_table(api)
        session = Session()
        fetcher = Fetcher(api, concurrency)
        kinds = (("every column", READ_ALL),
                 ("one column", "SELECT count(amount) FROM (SELECT amount FROM payment_links OFFSET 0) l"))
        for _, sql in kinds:
            read_all(session, pages * 100, sql)
        api.control("config", {"latency_ms": latency})
        scans, busy, bare = {sql: [] for _, sql in kinds}, {sql: [] for _, sql in kinds}, []
        for _ in range(runs):
            for _, sql in kinds:
                began = session.processor_ms()
                scans[sql].append(timed(lambda: read_all(session, pages * 100, sql)))
                busy[sql].append(session.processor_ms() - began)
            bare.append(timed(lambda: (fetcher.fetch([1]), fetcher.fetch(range(2, pages + 1)))))
        fetcher.close()
        session.quit()
        for what, sql in kinds:
            report(what, statistics.median(scans[sql]), 1.15 * ideal, "ms", 0)
            note("  fastest", min(scans[sql]), "ms", 0)
            note("  slowest", max(scans[sql]), "ms", 0)
            note("  processor time of the backend", statistics.median(busy[sql]), "ms", 0)
        note("floor: the latency alone", ideal, "ms", 0)
        note("floor: bare sockets, median", statistics.median(bare), "ms", 0)
    finally:
        api.stop()


def timed(call):
    """Milliseconds that it takes."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


MEASURES = {"memory": measure_memory, "flat": measure_flat, "latency": measure_latency}


def main():
    try:
        for name in sys.argv[1:] or MEASURES:
            MEASURES[name]()
    except Failed as failure:
        print("bench/run: could not measure: %s" % failure, file=sys.stderr)
        return 2
    print("missed: " + ", ".join(missed) if missed else "every goal is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
