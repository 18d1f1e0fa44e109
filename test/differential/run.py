#!/usr/bin/env python3
"""
run.py
    Random queries over a foreign table of payment links and over a local copy of
    it: both have to answer the same.  Python's standard library only.

    run.py [--configuration NAME] [--queries N] [--seed N] [--only N] [--api URL] [--server-log FILE]
    run.py --list

PGHOST and the like lead to a cluster in which the extension can be created.
Query n of a seed and a configuration is the same in every run, so --only n runs a
failed one again.  Without --api it starts a sample API of its own.

Every query runs twice: as it is, and with its constants as parameters of a generic
plan.  A crash, and what the server's log tells of a crash or a leak, is a failure.

A configuration says how the sample API behaves, how the table is declared and
what is read at a time.  The local copy is made with pushdown off and checked against
what the API says of its links.  Values are compared, not texts, where ties may show
either.  When LIMIT cuts through ties, the keys have to be the same and each row one of
those without LIMIT.
"""

import argparse
import decimal
import os
import sys
import time
from collections import Counter

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "shared")]

from conditions import World
from configurations import CONFIGURATIONS, LABELS
from psql import Session
from queries import Generator
from sample import Api, Failed
from server_log import ServerLog
from tables import arrange, column_type, prepare, settings, short_enums

BATCH_BYTES = 40000         # less than a pipe holds: psql reads nothing while it waits for us


def values(rows, kinds):
    """Rows as tuples that are equal where the values are."""
    if "n" not in kinds:
        return [tuple(row) for row in rows]
    return [tuple(number(field) if kind == "n" else field for field, kind in zip(row, kinds)) for row in rows]


def number(field):
    try:
        value = decimal.Decimal(field)
    except decimal.InvalidOperation:
        return field
    return "NaN" if value.is_nan() else value


def difference(query, foreign, local, full, configuration):
    """What is wrong with the foreign table's answer, or None.  full() gives the rows without LIMIT."""
    if foreign.state != "00000" and foreign.state in configuration["refused"]:
        return None
    forbidden = configuration["forbidden"]
    # v.s is shown as it was given, not as it was read.
    if any(field in forbidden for row in foreign.rows for field in row) and not any(" v.s" in part for part in
                                                                                 query.before + [query.sql]):
        return "a value that the column's type forbids: %s" % foreign.rows[:10]
    if query.eager and local.state == "00000" and not local.rows:
        return None
    if foreign.state != local.state:
        return "SQLSTATE %s (%s) instead of %s (%s)" % (foreign.state, foreign.message, local.state, local.message)
    if foreign.state[:2] in ("42", "26", "25", "34") and not query.sql.startswith("FETCH"):
        return "a query that cannot run: %s %s" % (foreign.state, foreign.message)
    ours, theirs = values(foreign.rows, query.kinds), values(local.rows, query.kinds)
    if len(ours) != len(theirs):
        return "%d rows instead of %d" % (len(ours), len(theirs))
    for place, (our, their) in enumerate(zip(ours, theirs)):
        if our[:query.keys] != their[:query.keys]:
            return "row %d is %s instead of %s" % (place + 1, our, their)
    ours, theirs = Counter(ours), Counter(theirs)
    if ours == theirs:
        return None
    if query.full is None:
        return "rows %s instead of %s" % (list((ours - theirs).elements())[:3], list((theirs - ours).elements())[:3])
    wrong = ours - Counter(values(full().rows, query.kinds))
    return "rows that are not there: %s" % list(wrong.elements())[:3] if wrong else None


class Run:
    """The queries of one configuration."""

    def __init__(self, api, name, seed, log):
        configuration = self.configuration = CONFIGURATIONS[name]
        links = arrange(api, configuration)
        self.session = Session()
        self.log = log
        self.name = name
        self.seed = seed
        self.server = prepare(self.session, api, name, configuration, links)
        labels = LABELS if configuration["table"] == "enum" else None
        self.world = World(links, labels, column_type(configuration, "id"), configuration["table"] == "partitioned",
                           configuration["only"], configuration["alike"])
        self.failures = 0
        self.prepared = 0           # queries that ran a second time, with parameters
        for found in short_enums(self.session, self.server) if labels else ():
            self.fail(found)

    def query(self, number):
        return Generator(self.world, "%s/%s/%s" % (self.seed, self.name, number)).query()

    def check(self, numbers):
        """Runs these queries, a batch in the pipe at a time."""
        batch, size = [], 0
        for number in numbers:
            query = self.query(number)
            length = 2 * sum(len(part.encode()) + 60 for each in twice(query)
                             for part in each.before + [each.sql] + each.after)
            if batch and size + length > BATCH_BYTES:
                self.check_batch(batch)
                batch, size = [], 0
            batch.append((number, query))
            size += length
        if batch:
            self.check_batch(batch)

    def check_batch(self, batch):
        """Where the server crashed or leaked, each query is run again by itself to find the one that did."""
        try:
            answers = self.ask(batch)
            ended = None
        except (Failed, OSError) as error:
            ended = "the session ended: %s" % error
            self.connect()
        logged = self.log.faults()
        if ended is None and not logged:
            self.judge(batch, answers)
        elif len(batch) == 1:
            number, query = batch[0]
            self.report(number, query, "; ".join([ended] * (ended is not None) + logged[:3]), with_plan=False)
        else:
            before = self.failures
            for each in batch:
                self.check_batch([each])
            if self.failures == before:
                self.fail("queries %d to %d, and none of them by itself: %s" % (batch[0][0], batch[-1][0],
                                                                               ended or logged[:3]))

    def ask(self, batch):
        groups = []
        for _, query in batch:
            for each in twice(query):
                for table in ("links", "local_links"):
                    groups += [on(each, table), each.after or ["SELECT"]]
        self.session.send(groups)
        return [self.session.receive() for _ in groups]

    def judge(self, batch, answers):
        answers = iter(answers[::2])
        for number, query in batch:
            for each in twice(query):
                foreign, local = next(answers), next(answers)
                if each is not query and (foreign.state, local.state) == ("26000", "26000"):
                    continue            # no type can be found for a parameter
                self.prepared += each is not query
                found = difference(each, foreign, local, lambda: self.without_limit(each), self.configuration)
                if found is not None:
                    self.report(number, each, found)

    def connect(self):
        """Anew, once the server has recovered."""
        for _ in range(300):
            try:
                self.session = Session()
                self.session.must(*settings(self.server))
                return
            except (Failed, OSError):
                time.sleep(0.1)
        raise Failed("the server does not come back; %s, seed %s" % (self.name, self.seed))

    def without_limit(self, query):
        settings = [part for part in query.before if part.startswith("SET")]
        answer = self.session.run(*settings, query.full.replace("{T}", "local_links"))
        self.session.run(*["RESET " + part.split()[1] for part in settings], "SELECT")
        return answer

    def fail(self, found):
        self.failures += 1
        print("# %s, seed %s, %s" % (self.name, self.seed, found))

    def report(self, number, query, found, with_plan=True):
        self.fail("query %s: %s" % (number, found))
        for part in on(query, "links"):
            print("#   %s;" % part)
        for row in self.plan(query) if with_plan else ():
            print("#     %s" % row[0])
        sys.stdout.flush()

    def plan(self, query):
        explained = [part for part in query.before if not part.startswith("EXPLAIN")]
        if query.sql.startswith("FETCH"):
            explained = [part for part in explained if part.startswith("SET")]
        sql = declared(query) if query.sql.startswith("FETCH") else query.sql
        try:
            plan = self.session.run(*[part.replace("{T}", "links") for part in explained + ["EXPLAIN (COSTS OFF) " + sql]])
            self.session.run(*(query.after or ["SELECT"]), "SELECT")
        except (Failed, OSError):
            self.connect()
            self.log.faults()
            return [["EXPLAIN ends the session"]]
        return plan.rows or [[plan.message]]

    def finish(self):
        self.session.must("DROP SERVER %s CASCADE" % self.server, "DROP SCHEMA %s CASCADE" % self.server)
        self.session.quit()


def twice(query):
    """The query as it is, and prepared where that is possible."""
    prepared = query.prepared()
    return [query] if prepared is None else [query, prepared]


def on(query, table):
    return [part.replace("{T}", table) for part in query.before + [query.sql]]


def declared(query):
    return [part for part in query.before if part.startswith("DECLARE")][0].partition(" FOR ")[2]


def main():
    parser = argparse.ArgumentParser(description="Random queries over a foreign table and a local copy of it.")
    parser.add_argument("--configuration", action="append", choices=sorted(CONFIGURATIONS),
                        help="default: all of them")
    parser.add_argument("--queries", type=int, default=100, help="of each configuration (100)")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", type=int, metavar="N", help="query N alone")
    parser.add_argument("--api", metavar="URL", help="a sample API that runs already")
    parser.add_argument("--server-log", metavar="FILE", help="the server's, in which a crash or a leak is a failure")
    parser.add_argument("--list", action="store_true", help="names the configurations")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(CONFIGURATIONS))
        return 0
    decimal.getcontext().prec = 200
    # Tables without statistics look so large that every plan would be compiled.
    os.environ["PGOPTIONS"] = "-c jit=off"
    numbers = range(arguments.queries) if arguments.only is None else [arguments.only]
    api = Api(arguments.api)
    log = ServerLog(arguments.server_log)
    failures = 0
    for name in arguments.configuration or CONFIGURATIONS:
        began = time.monotonic()
        run = Run(api, name, arguments.seed, log)
        run.check(numbers)
        run.finish()
        failures += run.failures
        print("%s: %d queries, %d differ; %d also with parameters, %.1f s" % (
            name, len(numbers), run.failures, run.prepared, time.monotonic() - began))
        sys.stdout.flush()
    api.stop()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
