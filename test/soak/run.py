#!/usr/bin/env python3
"""
run.py
    Many sessions at once for a long time, over a list of payment links that changes all
    the time and an API that fails now and then: every answer keeps the promise that
    ../drift/guarantee.py checks, and nothing grows, hangs or crashes.  scripts/soak
    runs it.  Python's standard library only.

    run.py [--seconds N] [--sessions N] [--seed S] [--server-log FILE]

PGHOST and the like lead to a cluster in which the extension can be created.  Most links stay as they are;
others come, go, and change their status.  What the list was like is known for each moment, so
an answer is compared with all that it can have been while the query ran.

An error is allowed where it is what is promised: 40001 when the list changed, 08006 and 53400 after
the retries, 57014 where a timeout was set.  Exits with 1 when anything was wrong.
"""

import argparse
import collections
import json
import os
import random
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "drift"), os.path.join(HERE, "..", "shared")]

from guarantee import Span, problem
from links import STATUSES, Lengths, Maker, change
from psql import NULL, Session
from queries import Generator
from sample import TOKEN, Api, Failed
from server_log import faults

CORE_LINKS = 300
MOST_OTHERS = 60            # of each status
TABLES = {"small_pages": {"page_size": "10", "concurrency": "8"},
          "pages": {"page_size": "25"},
          "one_at_a_time": {"page_size": "25", "concurrency": "1"},
          "large_pages": {"page_size": "100", "concurrency": "4"}}
BOUND = 60                  # seconds that no query may take

# One request in twenty fails in some way; every so many:
FAULTS = (({"kind": "status", "status": 500}, 100),
          ({"kind": "status", "status": 502, "shape": "html"}, 200),
          ({"kind": "status", "status": 503, "retry_after": 1}, 400),
          ({"kind": "status", "status": 429, "retry_after": 1}, 400),
          ({"kind": "status", "status": 429, "retry_after": 0}, 200),
          ({"kind": "status", "status": 408, "shape": "empty"}, 500),
          ({"kind": "close"}, 150),
          ({"kind": "reset"}, 150),
          ({"kind": "reset", "after": 300}, 400),
          ({"kind": "short_body"}, 150),
          ({"kind": "hang"}, 3000))

ALLOWED = ("40001", "08006", "53400")


class Changes(threading.Thread):
    """
    Changes the list, and knows what it was.  There are as many others of each status, two more
    with each change up to the most, then two less down to one: so a listing does not have the
    same length twice for a long time.
    """

    def __init__(self, url, seed):
        super().__init__(daemon=True)
        self.api = Api(url)
        self.rng = random.Random("%s/changes" % seed)
        self.maker = Maker(self.rng, 0.2)
        self.core = {link.id: link for link in (self.maker.link() for _ in range(CORE_LINKS))}
        self.states = {0: dict(self.core)}
        self.announced = 0          # number of the latest state that may be there
        self.made = 0               # and of the latest one that is
        self.over = threading.Event()
        self.api.control("links", {"replace": [link.text() for link in self.core.values()]})

    def others_wanted(self):
        while True:
            yield from range(2, MOST_OTHERS, 2)
            yield from range(MOST_OTHERS - 1, 0, -2)

    def run(self):
        for wanted in self.others_wanted():
            if self.over.wait(self.rng.uniform(0.02, 0.2)):
                return
            old = self.states[self.announced]
            state = self.next_state(old, wanted)
            self.states[self.announced + 1] = state
            self.announced += 1
            self.api.control("links", change(old, state))
            self.made = self.announced
            self.states.pop(self.made - 1000, None)

    def next_state(self, old, wanted):
        rng = self.rng
        state = dict(old)
        others = [identity for identity in state if identity not in self.core]
        for identity in rng.sample(others, min(rng.randint(0, 8), len(others))):
            if rng.random() < 0.5:
                state[identity] = state[identity].restated(rng.choice(STATUSES))
            else:
                del state[identity]
        for status in STATUSES:
            others = [identity for identity, link in state.items()
                      if identity not in self.core and link.status == status]
            for identity in rng.sample(others, max(len(others) - wanted, 0)):
                del state[identity]
            for _ in range(wanted - len(others)):
                link = self.maker.link(status=status)
                state[link.id] = link
        return state

    def between(self, first, last):
        return [self.states[number] for number in range(first, last + 1)]


class Figures:
    """What all sessions did, added up."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.longest = 0.0
        self.failures = []

    def add(self, name, number=1):
        with self.lock:
            self.counts[name] += number

    def fail(self, text):
        with self.lock:
            self.failures.append(text)
        print("# " + text, flush=True)


class Loose(Span):
    """Where states cannot be told apart by a length, a link may be missing."""

    def always(self, holds):
        return []


class Worker(threading.Thread):
    """A session, and its queries."""

    def __init__(self, number, seed, changes, figures, end):
        super().__init__(daemon=True)
        self.session = Session()
        self.number = number
        self.seed = seed
        self.changes = changes
        self.figures = figures
        self.end = end
        self.core = list(changes.core.values())
        self.contexts = []          # bytes of its backend's memory contexts: early, at the end
        self.warm = threading.Event()
        # A compiler that is loaded some time would be taken for a leak.
        self.session.must("SET client_min_messages = warning", "SET timezone = 'UTC'", "SET search_path = soak, public",
                          "SET jit = off", "SET statement_timeout = '%ds'" % BOUND)

    def run(self):
        try:
            number = 0
            while time.monotonic() < self.end:
                number += 1
                self.one(number)
                if self.warm.is_set() and not self.contexts:
                    self.contexts.append(self.session.context_bytes())
            self.contexts.append(self.session.context_bytes())
        except (Failed, Exception) as error:
            self.figures.fail("session %d: %s: %s" % (self.number, type(error).__name__, error))

    def one(self, number):
        """Runs a query and judges what came of it."""
        rng = random.Random("%s/%d/%d" % (self.seed, self.number, number))
        query = Generator(rng, self.core).query()
        sql = query.sql.replace("{T}", rng.choice(sorted(TABLES)))
        timeout = rng.choice((5, 10, 20, 50, 100)) if rng.random() < 0.06 else None
        explained = query.steps is None and rng.random() < 0.1
        begun = ["BEGIN"] + query.setup
        if timeout is not None:
            begun.append("SET LOCAL statement_timeout = '%dms'" % timeout)

        began, first = time.monotonic(), self.changes.made
        if query.steps is None:
            answer = self.ask(*begun, ("EXPLAIN (ANALYZE, FORMAT json) " if explained else "") + sql)
        else:
            answer = self.fetch(rng, query.steps, *begun, "DECLARE c CURSOR FOR " + sql)
        last, seconds = self.changes.announced, time.monotonic() - began
        while self.ask("ROLLBACK").state != "00000":
            pass                # the timeout may strike here, too

        self.figures.add("queries")
        self.figures.add(query.shape if query.steps is None else "cursor")
        with self.figures.lock:
            self.figures.longest = max(self.figures.longest, seconds)
        found = self.judge(query, answer, self.changes.between(first, last), timeout, explained)
        if found is not None:
            self.figures.fail("session %d, query %d, after %d to %d changes: %s\n#   %s;" % (
                self.number, number, first, last, found, ";\n#   ".join(begun + [sql])))

    def ask(self, *statements):
        self.session.send([statements])
        if not self.session.answered(BOUND * 1.5):
            raise Failed("no answer in %d s to %s" % (BOUND * 1.5, statements[-1]))
        return self.session.receive()

    def fetch(self, rng, steps, *begun):
        """The rows of all steps of a cursor, or the first answer that is an error."""
        answer, rows = self.ask(*begun), []
        for count in steps:
            if answer.state != "00000":
                return answer
            if rng.random() < 0.3:
                time.sleep(rng.uniform(0, 0.3))
            answer = self.ask("FETCH %s FROM c" % ("ALL" if count is None else count))
            rows += answer.rows
        if answer.state == "00000":
            answer.rows = rows
        return answer

    def judge(self, query, answer, states, timeout, explained):
        """What is wrong with an answer, or None."""
        if answer.state != "00000":
            self.figures.add(answer.state)
            if answer.state == "40001" and len(states) == 1:
                return "40001 although nothing changed"
            if answer.state in ALLOWED or (answer.state == "57014" and timeout is not None):
                return None
            return "SQLSTATE %s: %s" % (answer.state, answer.message)
        if explained:
            self.figures.add("plans")
            plan = "\n".join(row[0] for row in answer.rows)
            self.figures.add("repairs", sum(repairs_of(json.loads(plan)[0]["Plan"])))
            return None
        self.figures.add("answers")
        self.figures.add("rows", len(answer.rows))
        self.figures.add("changing", len(states) > 1)
        lengths = Lengths(query.filters)
        told_apart = all([lengths.admit(state) for state in states])
        if not told_apart:
            self.figures.add("loose")
        return problem(query, answer.rows, (Span if told_apart else Loose)(states), NULL)


def repairs_of(node):
    yield node.get("API Drift Repairs", 0)
    for child in node.get("Plans", ()):
        yield from repairs_of(child)


class Soak:
    def __init__(self, arguments):
        self.arguments = arguments
        self.api = Api()
        self.figures = Figures()
        self.prepare()
        self.changes = Changes(self.api.url, arguments.seed)
        self.end = time.monotonic() + arguments.seconds
        self.workers = [Worker(number, arguments.seed, self.changes, self.figures, self.end)
                        for number in range(arguments.sessions)]
        self.backends = []          # (resident kB, descriptors) of each: early, at the end

    def prepare(self):
        session = Session()
        session.must("SET client_min_messages = warning", "CREATE EXTENSION IF NOT EXISTS payment_links_fdw",
                     "DROP SERVER IF EXISTS soak CASCADE", "DROP SCHEMA IF EXISTS soak CASCADE", "CREATE SCHEMA soak",
                     "CREATE SERVER soak FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (base_url '%s',"
                     " request_timeout '2s', max_retries '3', max_retry_wait '2s')" % self.api.url,
                     "CREATE USER MAPPING FOR CURRENT_USER SERVER soak OPTIONS (access_token '%s')" % TOKEN)
        for name, options in TABLES.items():
            session.must("IMPORT FOREIGN SCHEMA qonto FROM SERVER soak INTO soak",
                         "ALTER FOREIGN TABLE soak.payment_links OPTIONS (%s)"
                         % ", ".join("ADD %s '%s'" % option for option in options.items()),
                         "ALTER FOREIGN TABLE soak.payment_links RENAME TO " + name)
        session.quit()
        self.api.control("fault", [dict(fault, every=every, **{"from": 10 + number})
                                   for number, (fault, every) in enumerate(FAULTS)])

    def run(self):
        warm_at = time.monotonic() + min(self.arguments.seconds / 5, 60)
        self.changes.start()
        for worker in self.workers:
            worker.start()
        while any(worker.is_alive() for worker in self.workers) and time.monotonic() < self.end + 3 * BOUND:
            time.sleep(1)
            self.api.control("clear", {})       # or its log would grow
            if not self.backends and time.monotonic() >= warm_at:
                self.backends.append(self.look())
                for worker in self.workers:
                    worker.warm.set()
        self.backends.append(self.look())
        for worker in self.workers:
            if worker.is_alive():
                self.figures.fail("session %d hangs" % worker.number)
        self.changes.over.set()
        self.changes.join()
        self.judge_growth()
        self.judge_log()
        self.show(self.api.control("stats"))
        return 1 if self.figures.failures else 0

    def look(self):
        return [(worker.session.kilobytes("VmRSS"), worker.session.descriptors()) for worker in self.workers]

    def judge_growth(self):
        for worker, early, late in zip(self.workers, *self.backends):
            if late[0] - early[0] > 4096:
                self.figures.fail("backend %d grew from %d to %d kB" % (worker.session.pid, early[0], late[0]))
            if late[1] - early[1] > 8:
                self.figures.fail("backend %d had %d descriptors, now %d" % (worker.session.pid, early[1], late[1]))

    def judge_log(self):
        """The server wrote of no crash, and of nothing that was not given back."""
        if self.arguments.server_log is None:
            return
        with open(self.arguments.server_log, errors="replace") as log:
            for line in log:
                if "WARNING" in line or "terminated by signal" in line or faults([line]):
                    self.figures.fail("the server's log: " + line.strip())

    def show(self, stats):
        counts = self.figures.counts
        early, late = self.backends
        table = (
            ("sessions, seconds", "%d, %d" % (self.arguments.sessions, self.arguments.seconds)),
            ("queries", "%d" % counts["queries"]),
            ("… of links; by cursors; joined; two scans; counts; groups; extremes",
             "; ".join("%d" % sum(counts[shape] for shape in shapes.split())
                       for shapes in ("links", "cursor", "joined", "paired united", "number", "groups", "extreme"))),
            ("requests", "%d" % stats["count"]),
            ("… that failed on purpose", "%d (%.1f %%)" % (stats["faults"], 100 * stats["faults"] / stats["count"])),
            ("changes of the list", "%d" % self.changes.made),
            ("answers checked, and their rows", "%d, %d" % (counts["answers"], counts["rows"])),
            ("… during which the list changed", "%d" % counts["changing"]),
            ("… in a way that no reader could see", "%d" % counts["loose"]),
            ("repairs in explained queries", "%d in %d" % (counts["repairs"], counts["plans"])),
            ("40001: the list changed too often", "%d" % counts["40001"]),
            ("08006, 53400: still failing after the retries", "%d, %d" % (counts["08006"], counts["53400"])),
            ("57014: a timeout that was set", "%d" % counts["57014"]),
            ("longest query", "%.1f s" % self.figures.longest),
            ("resident size of a backend, early and at the end", "%s and %s kB" % (
                spread(each[0] for each in early), spread(each[0] for each in late))),
            ("its descriptors", "%s and %s" % (spread(each[1] for each in early), spread(each[1] for each in late))),
            ("its memory contexts", "%s and %s kB" % (
                spread(worker.contexts[0] // 1024 for worker in self.workers if worker.contexts),
                spread(worker.contexts[-1] // 1024 for worker in self.workers if worker.contexts))),
            ("anything wrong", "%d" % len(self.figures.failures)))
        print("| | |\n|---|---|")
        for what, figure in table:
            print("| %s | %s |" % (what, figure))
        sys.stdout.flush()


def spread(numbers):
    numbers = sorted(numbers)
    return "%d to %d" % (numbers[0], numbers[-1]) if numbers else "-"


def main():
    parser = argparse.ArgumentParser(description="Many sessions over an API that fails and a list that changes.")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--sessions", type=int, default=16)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--server-log", metavar="FILE", help="the server's, to be looked through at the end")
    soak = Soak(parser.parse_args())
    status = soak.run()
    soak.api.stop()
    return status


if __name__ == "__main__":
    sys.exit(main())
