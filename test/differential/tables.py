"""
tables.py
    The tables that queries are asked of: the foreign one, its local copy, and local
    ones to join with.  Used by run.py.
"""

import datetime
import decimal
import os
import random

from configurations import COLUMNS, DECLARED, LABELS
from sample import TOKEN, Failed
from structures import statements

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
    if configuration["alike"]:
        for number, link in enumerate(links):
            if not link["expiration_date"].startswith("0001"):
                link["expiration_date"] = "2026-11-01T0%d:%02d:00Z" % (3 + number % 2, number // 2 % 4 * 15)
        api.control("links", {"replace": links})
    return links


def declaration(kind, name="links"):
    """The foreign table, declared by hand, columns in another order than the API's."""
    types = dict(column.split() for column in COLUMNS)
    types.update(DECLARED[kind])
    return "CREATE FOREIGN TABLE %s (%s) SERVER %%s" % (name, ", ".join(
        "%s %s" % column for column in sorted(types.items(), key=lambda column: column[0][::-1])))


# What a session needs, each one that is connected.
SETTINGS = ("SET client_min_messages = warning", "SET search_path = %(name)s, public", "SET statement_timeout = '60s'",
            "SET differential.status = 'paid'")
PARTITIONS = {"a": {}, "c": {"page_size": "3", "concurrency": "1"}}        # foreign ones


def prepare(session, api, name, configuration, links):
    """Foreign table, local copy and picks, in a schema and a server of this process; the name of these two."""
    server = "differential_%d" % os.getpid()
    options = dict({"base_url": api.url}, **configuration["options"])
    session.must(
        "SET client_min_messages = warning",
        "CREATE EXTENSION IF NOT EXISTS payment_links_fdw",
        "DROP SERVER IF EXISTS %s CASCADE" % server,
        "DROP SCHEMA IF EXISTS %s CASCADE" % server,
        "CREATE SCHEMA %s" % server,
        *settings(server),
        "CREATE SERVER %s FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (%s)"
        % (server, ", ".join("%s '%s'" % option for option in options.items())),
        "CREATE USER MAPPING FOR CURRENT_USER SERVER %s OPTIONS (access_token '%s')" % (server, TOKEN),
        "CREATE TYPE link_status AS ENUM (%s)" % ", ".join("'%s'" % label for label in LABELS),
        "CREATE DOMAIN link_text AS text CHECK (VALUE <> '')",
        "CREATE DOMAIN link_amount AS numeric CHECK (VALUE > -1000000)",
        "CREATE DOMAIN some_status AS text CHECK (VALUE NOT IN ('expired', 'refunded'))")
    if configuration["table"] == "imported":
        session.must("IMPORT FOREIGN SCHEMA qonto FROM SERVER %s INTO %s" % (server, server),
                     "ALTER FOREIGN TABLE payment_links RENAME TO links")
    elif configuration["table"] == "partitioned":
        make_partitions(session, server)
    else:
        session.must(declaration(configuration["table"]) % server)
    foreign = ["links_" + each for each in PARTITIONS] if configuration["table"] == "partitioned" else ["links"]
    session.must(*["ALTER FOREIGN TABLE %s OPTIONS (ADD sort_pushdown 'false', ADD count_pushdown 'false')" % each
                   for each in foreign],
                 "CREATE TABLE local_links (LIKE links)",
                 *(copy_all_statuses(server) if configuration["forbidden"] else
                   ["INSERT INTO local_links SELECT * FROM links"]),
                 *["ALTER FOREIGN TABLE %s OPTIONS (DROP sort_pushdown, DROP count_pushdown)" % each
                   for each in foreign],
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
    for table in ("links", "local_links"):
        session.must(*statements(table, column_type(configuration, "id")))
    if configuration["analyze"]:
        session.must("ANALYZE links")
    if configuration["table"] == "partitioned":
        make_invoices(session, configuration)

    copied = session.must("SELECT id, coalesce(status::text, '-'), coalesce(trim_scale(amount)::text, '-'),"
                          " coalesce(extract(epoch FROM expiration_date)::numeric::text, '-') FROM local_links"
                          + (" WHERE account = 'a'" if configuration["table"] == "partitioned" else ""))
    said = [[link["id"], link.get("status") or "-", plain(link["amount"]["value"]) if link.get("amount") else "-",
             str(epoch(link.get("expiration_date")))] for link in links]
    if sorted(copied) != sorted(said):
        wrong = [row for row in copied if row not in said][:3], [row for row in said if row not in copied][:3]
        raise Failed("%s: the copy is not what the API has: %s instead of %s" % ((name,) + wrong))
    return server


def copy_all_statuses(server):
    """Those that the column's type forbids as well."""
    return [declaration("nullable", "all_links") % server,
            "ALTER TABLE local_links ALTER status TYPE text",
            "INSERT INTO local_links SELECT * FROM all_links"]


def settings(server):
    return [each % {"name": server} for each in SETTINGS]


def make_partitions(session, server):
    """
    links, partitioned by account: a and c are the list, b is a local table of some links of it; b and
    c are a level further down.  The foreign tables have their columns in another order than links.
    """
    session.must("IMPORT FOREIGN SCHEMA qonto FROM SERVER %s INTO %s" % (server, server),
                 "CREATE TABLE links (account text NOT NULL, LIKE payment_links) PARTITION BY LIST (account)",
                 "CREATE TABLE links_bc PARTITION OF links FOR VALUES IN ('b', 'c') PARTITION BY LIST (account)",
                 "CREATE TABLE links_b PARTITION OF links_bc FOR VALUES IN ('b')",
                 "INSERT INTO links_b SELECT 'b', * FROM payment_links WHERE amount > 50 OR status = 'open'",
                 "DROP FOREIGN TABLE payment_links")
    for account, options in PARTITIONS.items():
        session.must("IMPORT FOREIGN SCHEMA qonto FROM SERVER %s INTO %s" % (server, server),
                     "ALTER FOREIGN TABLE payment_links RENAME TO links_" + account,
                     "ALTER FOREIGN TABLE links_%s ADD account text NOT NULL" % account,
                     "ALTER FOREIGN TABLE links_%s ALTER account OPTIONS (ADD constant '%s')" % (account, account),
                     *["ALTER FOREIGN TABLE links_%s OPTIONS (ADD %s '%s')" % (account, option, value)
                       for option, value in options.items()],
                     "ALTER TABLE %s ATTACH PARTITION links_%s FOR VALUES IN ('%s')"
                     % ("links" if account == "a" else "links_bc", account, account))


def make_invoices(session, configuration):
    """inv: links of each account that are there, in another account, and not there; partitioned like links."""
    session.must("CREATE TABLE inv (account text NOT NULL, link uuid, n bigint, status text) PARTITION BY LIST (account)",
                 "CREATE TABLE inv_a PARTITION OF inv FOR VALUES IN ('a')",
                 "CREATE TABLE inv_bc PARTITION OF inv FOR VALUES IN ('b', 'c') PARTITION BY LIST (account)",
                 "CREATE TABLE inv_b PARTITION OF inv_bc FOR VALUES IN ('b')",
                 "CREATE TABLE inv_c PARTITION OF inv_bc FOR VALUES IN ('c')",
                 """INSERT INTO inv SELECT CASE WHEN n % 5 = 0 THEN 'b' ELSE account END, id, n, status
                 FROM (SELECT row_number() OVER (ORDER BY account, id) AS n, * FROM local_links) l WHERE n % 3 = 0""",
                 "INSERT INTO inv SELECT a, '00000000-0000-7000-8000-000000000000', 0, 'open' FROM unnest('{a,b,c}'::text[]) a",
                 "INSERT INTO inv VALUES ('a', NULL, 1, NULL)",
                 "ANALYZE inv" if configuration["analyze"] else "SELECT 1")


def short_enums(session, server):
    """What is wrong: an enum that lacks a documented label is refused, since links would be lost in silence."""
    found = []
    for label in LABELS[:-1]:
        labels = ["'%s'" % each for each in LABELS if each != label]
        session.must("CREATE TYPE short AS ENUM (%s)" % ", ".join(labels),
                     "CREATE FOREIGN TABLE short_links (id uuid, status short) SERVER " + server)
        for sql in ("SELECT id FROM short_links WHERE status <> %s" % labels[0], "SELECT count(*) FROM short_links",
                    "SELECT status FROM short_links LIMIT 1"):
            state = session.run(sql).state
            if state != "HV004":
                found.append("SQLSTATE %s instead of HV004 for an enum without %s: %s" % (state, label, sql))
        session.must("DROP FOREIGN TABLE short_links", "DROP TYPE short")
    return found


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
