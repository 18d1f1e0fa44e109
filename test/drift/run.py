#!/usr/bin/env python3
"""
run.py
    Random queries over a list of payment links that changes while they run: what
    they answer has to keep the promise that guarantee.py checks.  Python's standard
    library only.

    run.py [--configuration NAME] [--schedules N] [--seed S] [--only N]
    run.py --list

PGHOST and the like lead to a cluster in which the extension can be created.  It
starts two sample APIs of its own and uses them in turn, so that a request that a query left
behind cannot be taken for one of the next query.

A schedule is a list of links, a query, and changes of the list, each made before a
request of that query or between two steps of its cursor.  Schedule n of a seed and a configuration is
the same in every run, so --only n runs a failed one again; where several requests are in
flight, which of them comes first may differ.

A line for each configuration says in how many schedules the list that was read changed
between the first request and the last: the others prove nothing.  It also says how many
answers show that two scans of one query read the list at two times, which is a known limit.
"""

import argparse
import json
import os
import random
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "shared")]

from guarantee import Span, contradicts, problem
from links import STATUSES, UNDOCUMENTED, History, Maker, change
from psql import NULL, Session
from queries import Generator
from sample import TOKEN, Api

REPAIRS = 8         # so many a scan is allowed; then it may fail


def configuration(count=(0, 40), page_sizes=(1, 2, 3, 7), changes=(0, 1, 1, 1, 2, 2, 3, 4, 6), zero_share=0.3,
                  statuses=STATUSES, later=None, restated=0.17, options=None, **settings):
    """
    How many links and changes there may be, and so on.  "later" is what differs (zero_share, statuses) for links
    that come later; such a share of changes is one of statuses.
    """
    first = {"zero_share": zero_share, "statuses": statuses}
    return {"count": count, "page_sizes": page_sizes, "changes": changes, "first": first,
            "later": dict(first, **(later or {})), "restated": restated, "options": options or {},
            "settings": settings}


CONFIGURATIONS = {
    "one_page_at_a_time": configuration(options={"concurrency": "1"}),
    "two_pages": configuration(options={"concurrency": "2"}),
    "eight_pages": configuration(options={"concurrency": "8"}),
    "a_hundred_links": configuration(count=(80, 100), page_sizes=(3, 7), options={"concurrency": "8"}),
    "oldest_first": configuration(list_order="oldest", tie_break="id_desc", options={"concurrency": "2"}),
    "never_expiring_first": configuration(null_block="first", options={"concurrency": "2"}),
    "never_expiring_last": configuration(null_block="last", options={"concurrency": "1"}),
    "all_expire": configuration(zero_share=0),
    "none_expires": configuration(zero_share=1),
    "some_expire_later": configuration(count=(1, 10), zero_share=1, later={"zero_share": 0.3},
                                       options={"concurrency": "2"}),
    "some_expire_later_behind": configuration(count=(1, 10), zero_share=1, later={"zero_share": 0.3},
                                              null_block="first"),
    "some_never_expire_later": configuration(count=(1, 10), zero_share=0, later={"zero_share": 0.7},
                                             options={"concurrency": "2"}),
    "undocumented": configuration(statuses=STATUSES + (UNDOCUMENTED,), options={"concurrency": "2"}),
    "undocumented_later": configuration(later={"statuses": STATUSES + (UNDOCUMENTED,) * 5}, restated=0.7,
                                        options={"concurrency": "2"}),
    "many_changes": configuration(count=(10, 40), page_sizes=(1, 2), changes=(6, 8, 9, 10, 15, 20),
                                  options={"concurrency": "2"}),
    "sorted_here": configuration(options={"sort_pushdown": "false"}),
    "counted_here": configuration(options={"count_pushdown": "false", "concurrency": "2"}),
    "error": configuration(options={"on_drift": "error", "concurrency": "2"}),
}


class Schedule:
    """Links, a query, and when they change."""

    def __init__(self, text, configuration):
        rng = random.Random(text)
        maker = Maker(rng, **configuration["first"])
        links = [maker.link() for _ in range(rng.randint(0, 1) if rng.random() < 0.05
                                             else rng.randint(*configuration["count"]))]
        maker = Maker(rng, **configuration["later"])
        self.page_size = rng.choice(configuration["page_sizes"])
        self.query = Generator(rng, links).query()
        if configuration["options"].get("count_pushdown") == "false":
            self.query.number = None
        column = self.query.order[0].column if self.query.order else "created_at"
        self.history = History(rng, maker, column if column != "id" else "amount", links, self.query.filters,
                               configuration["restated"])
        self.explained = self.query.shape == "links" and self.query.steps is None and rng.random() < 0.15

        wanted = rng.choice(configuration["changes"])
        requests = self.requests()
        self.between = self.query.steps is not None and rng.random() < 0.6
        if self.between:
            places = [n for n in range(1, len(self.query.steps)) if rng.random() < 0.7]
        else:
            first = 1 if rng.random() < 0.1 else 2
            places = sorted(rng.sample(range(first, max(requests, wanted) + first), wanted))
        self.changes = {}           # by request, or by step: what is done before it
        for at in places:
            if not self.history.go_on():
                break
            self.changes[at] = change(*self.history.states[-2:])
        self.slow = [n for n in range(1, requests + 1) if rng.random() < 0.2] if rng.random() < 0.3 else []
        self.on_the_way = rng.random() < 0.7        # requests come in another order, or else answers

    def requests(self):
        """About how many requests the query takes."""
        query = self.query
        if query.shape not in ("links", "joined", "paired", "united"):
            return 4
        lengths = [length for (_, length), _ in self.history.lengths.listings(self.history.states[0])]
        links = min(lengths) if query.shape == "links" else max(lengths)
        if query.limit is not None:
            links = min(links, query.limit)
        if query.steps is not None:
            links = min(links, sum(step or 100 for step in query.steps))
        return (links // self.page_size + 2) * (2 if query.shape in ("paired", "united") else 1)

    def moved(self, states):
        """Whether a listing that the query may have read was not always the same."""
        return any(len({ids for (_, ids) in listing}) > 1
                   for listing in zip(*(self.history.lengths.listings(state) for state in states)))


class Outcome:
    """What came of a schedule: an answer, and the requests that the sample API saw."""

    def __init__(self, answer, log):
        self.answer = answer
        self.log = log
        self.first, self.last = (log[0]["changes"], log[-1]["changes"]) if log else (0, 0)
        self.repairs = None     # of an explained one


class Run:
    """The schedules of one configuration."""

    def __init__(self, session, apis, name, seed):
        self.session = session
        self.apis = apis
        self.name = name
        self.seed = seed
        self.configuration = CONFIGURATIONS[name]
        self.schema = "drift_%d" % os.getpid()
        self.count = self.moved = self.failures = self.conflicts = self.plans = self.repairs = self.contradictions = 0
        self.prepare()

    def prepare(self):
        """A server for each sample API; on each a foreign table for each page size."""
        self.session.must("SET client_min_messages = warning",
                          "CREATE EXTENSION IF NOT EXISTS payment_links_fdw",
                          "DROP SCHEMA IF EXISTS %s CASCADE" % self.schema,
                          "CREATE SCHEMA %s" % self.schema,
                          "SET search_path = %s, public" % self.schema,
                          "SET timezone = 'UTC'",
                          "SET statement_timeout = '30s'")
        for number, api in enumerate(self.apis):
            api.control("reset", {})
            api.control("config", self.configuration["settings"])
            server = "%s_%d" % (self.schema, number)
            options = dict({"base_url": api.url}, **self.configuration["options"])
            self.session.must(
                "DROP SERVER IF EXISTS %s CASCADE" % server,
                "CREATE SERVER %s FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (%s)"
                % (server, ", ".join("%s '%s'" % option for option in options.items())),
                "CREATE USER MAPPING FOR CURRENT_USER SERVER %s OPTIONS (access_token '%s')" % (server, TOKEN))
            for size in self.configuration["page_sizes"]:
                self.session.must(
                    "IMPORT FOREIGN SCHEMA qonto FROM SERVER %s INTO %s" % (server, self.schema),
                    "ALTER FOREIGN TABLE payment_links OPTIONS (ADD page_size '%d')" % size,
                    "ALTER FOREIGN TABLE payment_links RENAME TO links_%d_%d" % (number, size))

    def check(self, number):
        schedule = Schedule("%s/%s/%s" % (self.seed, self.name, number), self.configuration)
        outcome = self.play(schedule, number % len(self.apis))
        states = schedule.history.states[outcome.first:outcome.last + 1]
        self.count += 1
        self.moved += schedule.moved(states)
        self.conflicts += outcome.answer.state == "40001"
        found = self.judge(schedule, outcome, states)
        if found is not None:
            self.failures += 1
            self.report(schedule, number, outcome, found)

    # Playing it

    def play(self, schedule, place):
        api, query = self.apis[place], schedule.query
        sql = query.sql.replace("{T}", "links_%d_%d" % (place, schedule.page_size))
        links = schedule.history.states[0].values()
        api.control("clear_faults", {})
        api.control("links", {"replace": [link.text() for link in links]})
        api.control("clear", {})
        if schedule.changes and not schedule.between:
            api.control("before", [{"n": n, "links": what} for n, what in schedule.changes.items()])
        if schedule.slow:
            api.control("fault", {"kind": "latency", "ms": 3, "nth": schedule.slow,
                                  "on_the_way": schedule.on_the_way})

        if query.steps is not None:
            answer = self.fetch(api, schedule, sql)
        else:
            if schedule.explained:
                sql = "EXPLAIN (ANALYZE, FORMAT json, COSTS off, TIMING off) " + sql
            answer = self.session.run("BEGIN", *query.setup, sql)
        self.session.run("COMMIT")
        return Outcome(answer, api.control("log"))

    def fetch(self, api, schedule, sql):
        """The rows of all steps, or the answer to the first that failed."""
        self.session.run("BEGIN", *schedule.query.setup, "DECLARE c CURSOR FOR " + sql)
        rows = []
        for at, count in enumerate(schedule.query.steps):
            if schedule.between and at in schedule.changes:
                api.control("before", {"n": 1, "links": schedule.changes[at]})
            answer = self.session.run("FETCH %s FROM c" % ("ALL" if count is None else count))
            rows += answer.rows
            if answer.state != "00000":
                return answer
        answer.rows = rows
        return answer

    # Judging it

    def judge(self, schedule, outcome, states):
        """What is wrong with an outcome, or None."""
        error = self.configuration["options"].get("on_drift") == "error"
        changes = outcome.last - outcome.first
        if outcome.answer.state == "40001":
            if changes == 0:
                return "40001 although nothing changed: " + outcome.answer.message
            if not error and changes < REPAIRS:
                return "40001 after %d changes: %s" % (changes, outcome.answer.message)
            return None
        if outcome.answer.state != "00000":
            return "SQLSTATE %s: %s" % (outcome.answer.state, outcome.answer.message)
        if self.has_noticed(schedule, outcome) and error:
            return "no error, although the length of the list changed between requests"
        span = Span(states, self.unseen(schedule, outcome) if schedule.query.filtered else ())
        if schedule.explained:
            return self.judge_plan(schedule, outcome, span)
        self.contradictions += contradicts(schedule.query, outcome.answer.rows, NULL)
        return problem(schedule.query, outcome.answer.rows, span, NULL)

    @staticmethod
    def has_noticed(schedule, outcome):
        """Whether pages of one listing, all of which have to be read, told of different lengths."""
        listings = {entry["query"].partition("page=")[0] for entry in outcome.log}
        if not schedule.query.reads_all or len(listings) != 1:
            return False
        statuses = {part[len("status[]="):] for part in listings.pop().split("&") if part.startswith("status[]=")}
        return len({sum(1 for link in schedule.history.states[entry["changes"]].values()
                        if not statuses or link.status in statuses) for entry in outcome.log}) > 1

    @staticmethod
    def unseen(schedule, outcome):
        """
        Links whose status became undocumented, or ceased to be, while the status check and the page
        that goes with it were answered: nothing tells them from links whose new
        status is not asked for.
        """
        states, found = schedule.history.states, set()
        numbers = [entry["changes"] for entry in outcome.log]
        for at, entry in enumerate(outcome.log):
            if entry["query"] == "page=1&per_page=1" or entry["query"].count("status[]=") == len(STATUSES):
                near = states[numbers[max(at - 2, 0)]:numbers[min(at + 2, len(numbers) - 1)] + 1]
                found.update(identity for identity in near[0] if len({
                    state[identity].status in STATUSES for state in near if identity in state}) > 1)
        return found

    def judge_plan(self, schedule, outcome, span):
        plan = json.loads("\n".join(row[0] for row in outcome.answer.rows))[0]["Plan"]
        query = schedule.query
        rows, scan = plan["Actual Rows"], plan
        while "API Host" not in scan and "Plans" in scan:
            scan = scan["Plans"][0]
        repairs = scan.get("API Drift Repairs")
        self.plans += 1
        self.repairs += repairs or 0
        if repairs is not None and not 0 < repairs <= REPAIRS:
            return "%s repairs" % repairs
        if repairs and len(span.states) == 1:
            return "%s repairs although nothing changed" % repairs
        if not repairs and self.has_noticed(schedule, outcome):
            return "no repair, although the length of the list changed between requests"
        if query.limit is None and query.offset == 0 \
                and not len(span.always(query.holds)) <= rows <= len(span.ever(query.holds)):
            return "%d rows" % rows
        return None

    def report(self, schedule, number, outcome, found):
        print("# %s, seed %s, schedule %s: %s" % (self.name, self.seed, number, found))
        print("#   page_size %d, options %s" % (schedule.page_size, self.configuration["options"]))
        for sql in schedule.query.setup + [schedule.query.sql]:
            print("#   %s;" % sql)
        if schedule.query.steps is not None:
            print("#   in steps of %s" % schedule.query.steps)
        print("#   %d links" % len(schedule.history.states[0]))
        for (at, what), state in list(zip(schedule.changes.items(), schedule.history.states[1:]))[:outcome.last]:
            print("#   %d before %s %d: less %d, plus %d, %d with another status" % (
                len(state), "step" if schedule.between else "request", at, len(what["remove"]), len(what["raw"]),
                len(what["set_status"])))
        for entry in outcome.log:
            print("#     after %d changes: %s %s -> %d" % (entry["changes"], entry["path"][len("/v2/"):],
                                                           entry["query"], entry["status"]))
        sys.stdout.flush()

    def finish(self):
        for number in range(len(self.apis)):
            self.session.must("DROP SERVER %s_%d CASCADE" % (self.schema, number))
        self.session.must("DROP SCHEMA %s CASCADE" % self.schema)


def main():
    parser = argparse.ArgumentParser(description="Random queries over a list that changes while they run.")
    parser.add_argument("--configuration", action="append", choices=sorted(CONFIGURATIONS),
                        help="default: all of them")
    parser.add_argument("--schedules", type=int, default=100, help="of each configuration (100)")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", type=int, metavar="N", help="schedule N alone")
    parser.add_argument("--list", action="store_true", help="names the configurations")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(CONFIGURATIONS))
        return 0
    apis = [Api(), Api()]
    session = Session()
    failures = 0
    for name in arguments.configuration or CONFIGURATIONS:
        began = time.monotonic()
        run = Run(session, apis, name, arguments.seed)
        for number in range(arguments.schedules) if arguments.only is None else [arguments.only]:
            run.check(number)
        run.finish()
        failures += run.failures
        print("%s: %d schedules, %d wrong; the list changed in %d, 40001 in %d, %d repairs in %d plans, "
              "%d contradict themselves, %.1f s" % (
                  name, run.count, run.failures, run.moved, run.conflicts, run.repairs, run.plans, run.contradictions,
                  time.monotonic() - began))
        sys.stdout.flush()
    session.quit()
    for api in apis:
        api.stop()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
