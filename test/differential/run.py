#!/usr/bin/env python3
"""
run.py
    Random queries over a foreign table of payment links and over a local copy of
    it: both have to answer the same.  Python's standard library only.

    run.py [--configuration NAME] [--queries N] [--seed N] [--only N] [--api URL]
    run.py --list

PGHOST and the like lead to a cluster in which the extension can be created.
Query n of a seed and a configuration is the same in every run, so --only n runs a
failed one again.  Without --api it starts a sample API of its own.

A configuration says how the sample API behaves, how the table is declared and
what is read at a time.  The local copy is made with pushdown off and checked against
what the API says of its links.  Values are compared, not texts, where ties may show
either.  When LIMIT cuts through ties, the keys have to be the same and each row one of
those without LIMIT.
"""

import argparse
import datetime
import decimal
import os
import random
import sys
import time
from collections import Counter

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "shared")]

from conditions import World
from psql import Session
from queries import Generator
from sample import TOKEN, Api, Failed

BATCH_BYTES = 40000         # less than a pipe holds: psql reads nothing while it waits for us

LABELS = ("open", "expired", "canceled", "paid", "processing", "refunded")
COLUMNS = ("id uuid", "status text", "amount numeric", "currency text", "expiration_date timestamptz",
           "created_at timestamptz",
           "resource_type text", "reusable boolean", "url text", "potential_payment_methods text[]",
           "invoice_id uuid",
           "invoice_number text", "debitor_name text", "items jsonb", "attrs jsonb")
# How a table is declared by hand: the types that differ from the imported table's.
DECLARED = {
    "nullable": {},
    "enum": {"status": "link_status"},
    "domain": {"status": "link_text", "amount": "link_amount", "currency": "link_text"},
    "text": {"id": "text", "status": "varchar(20)", "amount": "numeric(24,2)", "currency": "varchar(3)"},
}


def configuration(table="imported", ties=False, analyze=False, options=None, **settings):
    return {"table": table, "ties": ties, "analyze": analyze, "options": options or {}, "settings": settings}


ONE_BY_ONE = {"page_size": "1", "concurrency": "1"}
SEVENS = {"page_size": "7"}
SEVENS_ALONE = {"page_size": "7", "concurrency": "1"}

CONFIGURATIONS = {
    "empty": configuration(count=0),
    "one": configuration(count=1, zero_share=0),
    "one_never_expires": configuration(count=1, zero_share=1, options=ONE_BY_ONE),
    "pages_of_one": configuration(count=12, ties=True, options=ONE_BY_ONE),
    "pages_of_one_last": configuration(count=12, null_block="last", undocumented_share=0.1,
                                       options={"page_size": "1"}),
    "below_a_page": configuration(count=99, undocumented_share=0.1),
    "a_page": configuration(count=100, null_block="first", wrapped=False),
    "above_a_page": configuration(count=101, null_block="last", wrapped=False, options={"concurrency": "1"}),
    "sevens": configuration(count=101, undocumented_share=0.1, options=SEVENS_ALONE),
    "sevens_ties_first": configuration(count=99, null_block="first", ties=True, options=SEVENS),
    "sevens_ties_last": configuration(count=100, null_block="last", ties=True, tie_break="id_desc",
                                      options=SEVENS_ALONE),
    "all_expire": configuration(count=250, zero_share=0),
    "all_expire_sevens": configuration(count=100, zero_share=0, ties=True, options=SEVENS),
    "none_expires": configuration(count=250, zero_share=1),
    "none_expires_last": configuration(count=101, zero_share=1, null_block="last", options=SEVENS),
    "none_expires_first": configuration(count=101, zero_share=1, null_block="first", options=SEVENS_ALONE),
    "documented": configuration(count=250, ties=True),
    "undocumented": configuration(count=250, undocumented_share=0.1, null_block="first"),
    "nullable": configuration("nullable", count=250, null_block="last"),
    "nullable_sevens": configuration("nullable", count=101, undocumented_share=0.1, options=SEVENS),
    "null_fields": configuration("nullable", count=101, options=SEVENS,
                                 null_fields={"status": 0.1, "expiration_date": 0.1, "currency": 0.2, "reusable": 0.3,
                                              "created_at": 0.1},
                                 missing_fields={"url": 0.2, "resource_type": 0.2, "expiration_date": 0.1}),
    # That every link has an amount is taken on trust where the API sorts by it.
    "null_amounts": configuration("nullable", count=101, null_block="last",
                                  options=dict(SEVENS, sort_pushdown="false"),
                                  null_fields={"amount": 0.2}),
    "enum": configuration("enum", count=250, null_block="last"),
    "enum_undocumented": configuration("enum", count=101, undocumented_share=0.1, options=SEVENS),
    "domain": configuration("domain", count=101, undocumented_share=0.1, ties=True, options=SEVENS),
    "text": configuration("text", count=101, null_block="first", options=SEVENS),
    # A list out of order is sorted here with this option, and only with it.
    "middle": configuration(count=101, null_block="middle", options=dict(SEVENS, sort_pushdown="false")),
    "both_ends": configuration(count=101, null_block="both", ties=True, options=dict(SEVENS, sort_pushdown="false")),
    "thousand": configuration(count=1000),
    "thousand_analyzed": configuration(count=1000, analyze=True, ties=True, null_block="last",
                                       undocumented_share=0.1),
    "thousand_sevens": configuration(count=1000, null_block="first", analyze=True, options=SEVENS),
    "cheap_pages": configuration(count=250, analyze=True, options={"page_size": "7", "fdw_startup_cost": "1",
                                                                   "fdw_page_cost": "1"}),
    "no_sort": configuration(count=101, options=dict(SEVENS, sort_pushdown="false")),
    "no_count": configuration(count=101, ties=True, options=dict(SEVENS, count_pushdown="false")),
}


def arrange(api, configuration):
    """Makes the sample API behave as a configuration says; the links, as they are then."""
    api.control("reset", {})
    api.control("config", configuration["settings"])
    links = api.control("links")
    if configuration["ties"]:
        rng = random.Random(1)
        for link in links:
            if link["amount"] and rng.random() < 0.8:
                link["amount"]["value"] = rng.choice(("12", "12.0", "12.00", "0.00", "-3.50", "40.05", "1000.1",
                                                      "1000.10"))
            if not link["expiration_date"].startswith("0001") and rng.random() < 0.8:
                link["expiration_date"] = rng.choice(("2025-02-01T00:00:00Z", "2025-02-01T00:00:00.000001Z",
                                                      "2025-03-01T23:59:59Z"))
        api.control("links", {"replace": links})
    return links


def declaration(kind):
    """The foreign table, declared by hand, columns in another order than the API's."""
    types = dict(column.split() for column in COLUMNS)
    types.update(DECLARED[kind])
    return "CREATE FOREIGN TABLE links (%s) SERVER %%s" % ", ".join(
        "%s %s" % column for column in sorted(types.items(), key=lambda column: column[0][::-1]))


def prepare(session, api, name, configuration, links):
    """Foreign table, local copy and picks, in a schema and a server of this process."""
    server = "differential_%d" % os.getpid()
    options = dict({"base_url": api.url}, **configuration["options"])
    session.must(
        "SET client_min_messages = warning",
        "CREATE EXTENSION IF NOT EXISTS payment_links_fdw",
        "DROP SERVER IF EXISTS %s CASCADE" % server,
        "DROP SCHEMA IF EXISTS %s CASCADE" % server,
        "CREATE SCHEMA %s" % server,
        "SET search_path = %s, public" % server,
        "SET differential.status = 'paid'",
        "SET statement_timeout = '60s'",
        "CREATE SERVER %s FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (%s)"
        % (server, ", ".join("%s '%s'" % option for option in options.items())),
        "CREATE USER MAPPING FOR CURRENT_USER SERVER %s OPTIONS (access_token '%s')" % (server, TOKEN),
        "CREATE TYPE link_status AS ENUM (%s)" % ", ".join("'%s'" % label for label in LABELS),
        "CREATE DOMAIN link_text AS text CHECK (VALUE <> '')",
        "CREATE DOMAIN link_amount AS numeric CHECK (VALUE > -1000000)")
    if configuration["table"] == "imported":
        session.must("IMPORT FOREIGN SCHEMA qonto FROM SERVER %s INTO %s" % (server, server),
                     "ALTER FOREIGN TABLE payment_links RENAME TO links")
    else:
        session.must(declaration(configuration["table"]) % server)
    session.must("ALTER FOREIGN TABLE links OPTIONS (ADD sort_pushdown 'false', ADD count_pushdown 'false')",
                 "CREATE TABLE local_links (LIKE links)",
                 "INSERT INTO local_links SELECT * FROM links",
                 "ALTER FOREIGN TABLE links OPTIONS (DROP sort_pushdown, DROP count_pushdown)",
                 "ANALYZE local_links",
                 # Every seventh link, some of them changed, and two that are not there.
                 """CREATE TABLE picks AS
                 SELECT n, id, status::text, CASE WHEN n = 3 THEN amount + 1 ELSE amount END AS amount, expiration_date
                 FROM (SELECT row_number() OVER (ORDER BY id) / 7 AS n, row_number() OVER (ORDER BY id) % 7 AS rest, *
                       FROM local_links) l WHERE rest = 1 AND n < 12""",
                 """INSERT INTO picks VALUES (12, '00000000-0000-7000-8000-000000000000', 'refunded', 12.00, '2025-02-01'),
                 (13, NULL, NULL, NULL, NULL), (14, '00000000-0000-7000-8000-000000000000', 'paid', 'NaN', 'infinity'),
                 (3, (SELECT min(id::text) FROM local_links)::%s, 'open', 1e9, '0001-01-01')"""
                 % column_type(configuration, "id"),
                 "ANALYZE picks" if configuration["analyze"] else "SELECT 1")
    if configuration["analyze"]:
        session.must("ANALYZE links")

    copied = session.must("SELECT id, coalesce(status::text, '-'), coalesce(trim_scale(amount)::text, '-'),"
                          " coalesce(extract(epoch FROM expiration_date)::numeric::text, '-') FROM local_links")
    said = [[link["id"], link.get("status") or "-", plain(link["amount"]["value"]) if link.get("amount") else "-",
             str(epoch(link.get("expiration_date")))] for link in links]
    if sorted(copied) != sorted(said):
        wrong = [row for row in copied if row not in said][:3], [row for row in said if row not in copied][:3]
        raise Failed("%s: the copy is not what the API has: %s instead of %s" % ((name,) + wrong))
    return server


def column_type(configuration, name):
    types = dict(column.split() for column in COLUMNS)
    return DECLARED.get(configuration["table"], {}).get(name, types[name])


def plain(text):
    """A decimal number as trim_scale() has it."""
    text = format(decimal.Decimal(text), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def epoch(text):
    """Seconds since 1970 as PostgreSQL writes them; "-" for never."""
    if text is None or text.startswith("0001-01-01"):
        return "-"
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    micros = (moment - datetime.datetime(1970, 1, 1,
                                         tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)
    return "%d.%06d" % divmod(micros, 10 ** 6)


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


def difference(query, foreign, local, full):
    """What is wrong with the foreign table's answer, or None.  full() gives the rows without LIMIT."""
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

    def __init__(self, session, api, name, seed):
        configuration = CONFIGURATIONS[name]
        links = arrange(api, configuration)
        self.session = session
        self.name = name
        self.seed = seed
        self.server = prepare(session, api, name, configuration, links)
        labels = LABELS if configuration["table"] == "enum" else None
        self.world = World(links, labels, column_type(configuration, "id"))
        self.failures = 0

    def query(self, number):
        return Generator(self.world, "%s/%s/%s" % (self.seed, self.name, number)).query()

    def check(self, numbers):
        """Runs these queries, a batch in the pipe at a time."""
        batch, size = [], 0
        for number in numbers:
            query = self.query(number)
            length = 2 * sum(len(part.encode()) + 60 for part in query.before + [query.sql] + query.after)
            if batch and size + length > BATCH_BYTES:
                self.check_batch(batch)
                batch, size = [], 0
            batch.append((number, query))
            size += length
        if batch:
            self.check_batch(batch)

    def check_batch(self, batch):
        groups = []
        for _, query in batch:
            groups += [on(query, "links"), query.after or ["SELECT"], on(query, "local_links"),
                       query.after or ["SELECT"]]
        self.session.send(groups)
        answers = [self.session.receive() for _ in groups]
        for place, (number, query) in enumerate(batch):
            foreign, local = answers[4 * place], answers[4 * place + 2]
            found = difference(query, foreign, local, lambda: self.without_limit(query))
            if found is not None:
                self.failures += 1
                self.report(number, query, found)

    def without_limit(self, query):
        settings = [part for part in query.before if part.startswith("SET")]
        answer = self.session.run(*settings, query.full.replace("{T}", "local_links"))
        self.session.run(*["RESET " + part.split()[1] for part in settings], "SELECT")
        return answer

    def report(self, number, query, found):
        print("# %s, seed %s, query %s: %s" % (self.name, self.seed, number, found))
        for part in on(query, "links"):
            print("#   %s;" % part)
        explained = query.before + ["EXPLAIN (COSTS OFF) " + query.sql]
        if query.sql.startswith("FETCH"):
            explained = [part for part in query.before if part.startswith("SET")] + ["EXPLAIN (COSTS OFF) "
                                                                                     + declared(query)]
        plan = self.session.run(*[part.replace("{T}", "links") for part in explained])
        self.session.run(*(query.after or ["SELECT"]), "SELECT")
        for row in plan.rows or [[plan.message]]:
            print("#     %s" % row[0])
        sys.stdout.flush()

    def finish(self):
        self.session.must("DROP SERVER %s CASCADE" % self.server, "DROP SCHEMA %s CASCADE" % self.server)


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
    parser.add_argument("--list", action="store_true", help="names the configurations")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(CONFIGURATIONS))
        return 0
    decimal.getcontext().prec = 200
    numbers = range(arguments.queries) if arguments.only is None else [arguments.only]
    api = Api(arguments.api)
    failures = 0
    for name in arguments.configuration or CONFIGURATIONS:
        began = time.monotonic()
        session = Session()
        run = Run(session, api, name, arguments.seed)
        run.check(numbers)
        run.finish()
        session.quit()
        failures += run.failures
        print("%s: %d queries, %d differ, %.1f s" % (name, len(numbers), run.failures, time.monotonic() - began))
        sys.stdout.flush()
    api.stop()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
