#!/usr/bin/env python3
"""
speed.py
    Speed beside floors and peers, all measured in this run.  README.md explains the
    measures; bench/run starts it where everything it needs is installed.

    speed.py [NAME...]      all measures, or some of MEASURES

PGHOST and the like lead to a cluster of PostgreSQL 17 in which the extensions can be
created.  Exits with 1 when a goal is missed, with 2 when something could not be measured.
"""

import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

from nginx import HERE, Nginx
from peers import Peers
from report import missed, note, report
from session import TOKEN, Failed, Session

ROWS = 100                          # of a page
COLUMNS = ("id", "status", "amount", "currency", "expiration_date", "created_at", "resource_type", "reusable", "url",
           "potential_payment_methods", "invoice_id", "invoice_number", "debitor_name", "items", "attrs")
WIDTHS = {"all columns": COLUMNS, "two columns": ("expiration_date", "amount")}


def counting(columns, table):
    """Takes every row and looks at those columns; some can be NULL, so nobody answers without reading."""
    return "SELECT %s FROM %s" % (", ".join("count(%s)" % column for column in columns), table)


class Bench:
    """nginx, the floor's program, and a schema for each list of links."""

    def __init__(self, folder):
        self.floor_program = os.path.join(folder, "floor")
        subprocess.run(["cc", "-O2", "-o", self.floor_program, os.path.join(HERE, "floor.c"), "-lcurl", "-ljansson"],
                       check=True)
        self.folder = folder
        self.nginx = Nginx(folder)
        session = Session()
        session.ask("SET client_min_messages = warning")
        session.ask("CREATE EXTENSION payment_links_fdw")
        for pages in (10, 100, 1000):
            self.import_table(session, "pages%d" % pages, self.nginx.url("pages%d" % pages))
        self.import_table(session, "distant", self.nginx.url("pages100", 50))
        self.import_table(session, "tls", self.nginx.tls_url("pages100"), ", ca_file '%s'" % self.nginx.ca)
        self.import_table(session, "distant_tls", self.nginx.tls_url("pages100", 50), ", ca_file '%s'" % self.nginx.ca)
        self.import_accounts(session)
        session.quit()
        self.peers = Peers(folder)

    def import_table(self, session, name, url, options=""):
        for sql in ("CREATE SERVER {0} FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (base_url '{1}'{2})",
                    "CREATE USER MAPPING FOR CURRENT_USER SERVER {0} OPTIONS (access_token '{3}')",
                    "CREATE SCHEMA {0}",
                    "IMPORT FOREIGN SCHEMA qonto FROM SERVER {0} INTO {0}"):
            session.ask(sql.format(name, url, options, TOKEN))

    def import_accounts(self, session):
        session.ask("CREATE TABLE accounts (LIKE distant.payment_links, account text) PARTITION BY LIST (account)")
        for each in range(1, 9):
            name = "account%d" % each
            self.import_table(session, name, self.nginx.url(name, 50))
            session.ask("ALTER FOREIGN TABLE %s.payment_links ADD account text OPTIONS (constant '%s')" % (name, name))
            session.ask("ALTER TABLE accounts ATTACH PARTITION %s.payment_links FOR VALUES IN ('%s')" % (name, name))

    def stop(self):
        self.nginx.stop()

    def floor(self, *arguments):
        """Runs floor.c's program; its lines, as numbers."""
        done = subprocess.run([self.floor_program, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Failed("the floor's program failed")
        return [[float(word) for word in line.split()] for line in done.stdout.splitlines()]

    def round_trip(self, url):
        """Milliseconds that a request takes over an open connection."""
        ca = [self.nginx.ca] if url.startswith("https") else []
        return statistics.median(line[0] for line in self.floor("request", url, 30, *ca)[5:])


def timed(call):
    """Milliseconds that it takes."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def measure_distance(bench):
    """100 pages, each 50 ms away, 8 at a time."""
    print("distance: 100 pages at 50 ms, concurrency 8, all columns; medians of 7, peers once")
    ideal = (1 + math.ceil(99 / 8)) * 50
    session = Session()
    sql = counting(COLUMNS, "distant.payment_links")
    session.ask(sql)
    ours, floor = [], []
    for _ in range(7):
        ours.append(timed(lambda: session.ask(sql)))
        # The first run opens the connections.
        floor.append(bench.floor("scan", bench.nginx.url("pages100", 50), 100, 8, 2)[1][0])
    session.quit()
    wall, floor = statistics.median(ours), statistics.median(floor)
    note("wall", wall, "ms")
    note("  fastest", min(ours), "ms")
    note("ideal", ideal, "ms")
    note("floor", floor, "ms")
    peers = bench.peers.begin("all columns", bench.nginx.url("pages100", 50)).values()
    for peer in peers:
        peer.read()
        peer.quit()
        note("peer: " + peer.name, peer.walls[0], "ms")
    report("wall / ideal", wall / ideal, 1.05, "", 3)
    report("wall / floor", wall / floor, 1.05, "", 3)
    one_at_a_time = min(peer.walls[0] for peer in peers if "parallel" not in peer.name)
    report("6 x wall / fastest peer", 6 * wall / one_at_a_time, 1.0, "", 3)
    note("times faster than it", one_at_a_time / wall, "")


def measure_processor(bench):
    """What a row costs the processor, and how long a scan takes that waits for nothing."""
    print("processor: 100 pages as fast as they come, concurrency 8; minima of 9 runs, each beside the peers'")
    rows = 100 * ROWS
    url = bench.nginx.url("pages100")
    goals = {"all columns": 1.8, "two columns": 1.25}
    for width, columns in WIDTHS.items():
        sql = counting(columns, "pages100.payment_links")
        session = Session()
        peers = bench.peers.begin(width, url).values()
        session.ask(sql)
        for peer in peers:
            peer.read()
            peer.walls.clear()
        busy, walls, floor = [], [], []
        for _ in range(9):
            began = session.processor_ms()
            walls.append(timed(lambda: session.ask(sql)))
            busy.append((session.processor_ms() - began) * 1000 / rows)
            floor += [line[1] * 1000 / rows for line in bench.floor("scan", url, 100, 8, 2)[1:]]
            for peer in peers:
                peer.read()
        session.quit()
        note(width + ", processor time of a row", min(busy), "us", 2)
        note("  floor", min(floor), "us", 2)
        report(width + ": it / floor", min(busy) / min(floor), goals[width], "", 2)
        note(width + ", wall", min(walls), "ms")
        for peer in peers:
            peer.quit()
            note("  peer: " + peer.name, min(peer.walls), "ms")
        report(width + ": wall / fastest peer", min(walls) / min(min(peer.walls) for peer in peers), 0.8, "", 2)


def measure_decoding(bench):
    """What parsers make of the same bytes."""
    print("decoding: 100 pages, each parsed again and again")
    files = bench.nginx.files("pages100")
    bytes_of_page = sum(os.path.getsize(each) for each in files) / len(files)
    note("a page", bytes_of_page / 1000, "kB")
    micros, speed = bench.floor("decode", 10, *files)[0]
    note("jansson, a page", micros, "us")
    note("  likewise", speed, "MB/s")
    session = Session()
    session.ask("CREATE TEMP TABLE body (text text)")
    session.ask("ALTER TABLE body ALTER text SET STORAGE EXTERNAL")
    for each in files:
        session.ask("INSERT INTO body VALUES (pg_read_file('%s'))" % each)
    session.ask("ANALYZE body")
    for what, sql in (("json", "text::json"), ("jsonb", "text::jsonb")):
        times = []
        for _ in range(10):
            began = session.processor_ms()
            session.ask("SELECT count(%s) FROM body" % sql)
            times.append((session.processor_ms() - began) * 1000 / len(files))
        note("limit: the server's %s, a page" % what, min(times), "us")
        note("  likewise", bytes_of_page / min(times), "MB/s")
    session.quit()


def measure_first_row(bench):
    """Whoever looks at the first row of everything does not wait for the rest."""
    print("first row: of 100 pages at 50 ms; medians of 15")
    trip = bench.round_trip(bench.nginx.url("pages100", 50) + "/v2/payment_links?page=1&per_page=100")
    session = Session()
    session.ask("SET cursor_tuple_fraction = 1")
    times = []
    for _ in range(16):
        session.ask("BEGIN")
        session.ask("DECLARE links CURSOR FOR SELECT * FROM distant.payment_links")
        times.append(timed(lambda: session.ask("FETCH links")))
        session.ask("ROLLBACK")
    session.quit()
    note("one round trip", trip, "ms", 2)
    report("first row: beyond it", statistics.median(times[1:]) - trip, 5.0, "ms", 2)


def measure_top10(bench):
    """The smallest question, over TLS with HTTP/2, in a session that has asked before."""
    print("top 10: ORDER BY amount LIMIT 10 over TLS, warm session; medians of 25")
    for name, url in (("tls", bench.nginx.tls_url("pages100")), ("distant_tls", bench.nginx.tls_url("pages100", 50))):
        trip = bench.round_trip(url + "/v2/payment_links?sort_by=amount%3Aasc&page=1&per_page=10")
        session = Session()
        sql = "SELECT * FROM %s.payment_links ORDER BY amount LIMIT 10" % name
        times = [timed(lambda: session.ask(sql)) for _ in range(30)][5:]
        session.quit()
        note("one round trip", trip, "ms", 2)
        report("query: beyond it", statistics.median(times) - trip, 2.0, "ms", 2)


def measure_growth(bench):
    """Whether the thousandth page costs what the tenth does."""
    print("growth: 10, 100 and 1,000 pages as fast as they come, all columns; minima of processor time")
    costs, sizes = {}, {}
    sessions = {pages: Session() for pages in (10, 100, 1000)}
    for pages, session in sessions.items():
        session.ask("SELECT id FROM pages10.payment_links LIMIT 1000")
        sizes[pages] = -session.kilobytes("VmRSS")
        costs[pages] = []
    for _ in range(7):
        for pages, session in sessions.items():
            for _ in range(max(1, 100 // pages)):
                began = session.processor_ms()
                session.ask(counting(COLUMNS, "pages%d.payment_links" % pages))
                costs[pages].append((session.processor_ms() - began) / pages)
    for pages, session in sessions.items():
        sizes[pages] += session.kilobytes("VmHWM")
        session.quit()
        costs[pages] = min(costs[pages])
        note("%d pages, processor time of one" % pages, costs[pages], "ms", 3)
        note("  memory at most", sizes[pages], "kB", 0)
    report("dearest / cheapest page", max(costs.values()) / min(costs.values()), 1.1, "", 3)
    # 24 bytes for an id in a table that doubles, and is copied while it does
    ids = 24 * 2 ** math.ceil(math.log2(100000 / 0.9)) * 1.5 / 1024
    report("memory beyond ids: 1,000 less 100", sizes[1000] - sizes[100] - ids, 2048, "kB", 0)


def measure_accounts(bench):
    """Eight accounts take hardly longer than one."""
    print("accounts: 8 partitions of 10 pages at 50 ms, all columns; medians of 9")
    session = Session()
    one = counting(COLUMNS, "account1.payment_links")
    eight = counting(COLUMNS, "accounts")
    session.ask(eight)
    session.ask(one)
    times = [(timed(lambda: session.ask(one)), timed(lambda: session.ask(eight))) for _ in range(9)]
    session.ask("SET enable_async_append = off")
    in_turn = timed(lambda: session.ask(eight))
    session.quit()
    single, together = (statistics.median(column) for column in zip(*times))
    note("one account", single, "ms")
    note("eight, one after the other", in_turn, "ms")
    note("eight at once", together, "ms")
    report("eight at once / one", together / single, 1.3, "", 2)


def measure_sessions(bench):
    """Whether sessions hold each other up."""
    count, scans = 32, 2
    cores = len(os.sched_getaffinity(0))
    print("sessions: %d at once, each reading 100 pages %d times, %d processors" % (count, scans, cores))
    sql = counting(COLUMNS, "pages100.payment_links")
    sessions = [Session() for _ in range(count)]
    for session in sessions:
        session.ask("SELECT id FROM pages10.payment_links LIMIT 1000")
    single = min(timed(lambda: sessions[0].ask(sql)) for _ in range(7))

    def everyone():
        for session in sessions:
            session.send([[sql]] * scans)
        for session in sessions:
            for _ in range(scans):
                session.expect()

    together = timed(everyone) / (count * scans)
    for session in sessions:
        session.quit()
    note("one session alone, a scan", single, "ms")
    note("%d sessions, a scan" % count, together, "ms")
    ratio = single / together / cores
    note("throughput / (one x processors)", ratio, "", 2)
    report("0.8 / that", 0.8 / ratio, 1.0, "", 2)


def measure_instructions(bench):
    """Processor time as instructions: the same on a busy machine."""
    print("instructions: of a row, counted by callgrind over 10 pages read once and three times")
    if shutil.which("valgrind") is None:
        print("  left out: valgrind is not installed")
        return
    rows = 2 * 10 * ROWS
    url = bench.nginx.url("pages10")
    once, thrice = (instructions([bench.floor_program, "scan", url, "10", "8", str(runs)]) for runs in (1, 3))
    floor = (thrice - once) / rows
    note("floor", floor, "", 0)
    data = os.path.join(bench.folder, "alone")
    postgres = copy_cluster(data)
    for width, columns in {**WIDTHS, "without items and attrs": COLUMNS[:-2]}.items():
        sql = counting(columns, "pages10.payment_links") + ";\n"
        once, thrice = (instructions([postgres, "--single", "-D", data, "postgres"], sql * runs) for runs in (1, 3))
        note(width, (thrice - once) / rows, "", 0)
        note("  beside the floor", (thrice - once) / rows / floor, "", 2)


def copy_cluster(data):
    """A copy of the cluster for a server without sessions; the path of its program."""
    session = Session()
    source = session.ask("SHOW data_directory")
    program = os.path.join(session.ask("SELECT setting FROM pg_config() WHERE name = 'BINDIR'"), "postgres")
    session.ask("CHECKPOINT")
    session.quit()
    shutil.copytree(source, data, ignore=shutil.ignore_patterns("postmaster.pid"))
    os.chmod(data, 0o700)
    return program


def instructions(command, text=""):
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command], input=text,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if collected is None or "ERROR:" in done.stderr:
        raise Failed("callgrind: " + done.stderr[-1000:])
    return int(collected.group(1))


MEASURES = {"distance": measure_distance, "processor": measure_processor, "decoding": measure_decoding,
            "instructions": measure_instructions, "first_row": measure_first_row, "top10": measure_top10,
            "growth": measure_growth, "accounts": measure_accounts, "sessions": measure_sessions}


def main():
    with tempfile.TemporaryDirectory() as folder:
        bench = None
        try:
            bench = Bench(folder)
            for name in sys.argv[1:] or MEASURES:
                MEASURES[name](bench)
        except Failed as failure:
            print("bench/run: could not measure: %s" % failure, file=sys.stderr)
            return 2
        finally:
            if bench is not None:
                bench.stop()
    print("missed: " + ", ".join(missed) if missed else "every goal is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
