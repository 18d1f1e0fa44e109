"""
peers.py
    Runs what a user would write instead of the wrapper: peers.sql and COPY FROM
    PROGRAM.  Used by speed.py.
"""

import os
import time

from session import TOKEN, Failed, Session

HERE = os.path.dirname(os.path.abspath(__file__))

# What jq makes of a link, in the order of the tables every_column and two_columns.
FILTERS = {
    "all columns": '.id, .status, .amount.value, .amount.currency, (.expiration_date | if . == "0001-01-01T00:00:00Z" '
                   'then null else . end), .created_at, .resource_type, .reusable, .url, '
                   '(.potential_payment_methods | "{" + join(",") + "}"), .invoice_id, .invoice_number, .debitor_name, '
                   '(.items | if . == null then null else tojson end), tojson',
    "two columns": '(.expiration_date | if . == "0001-01-01T00:00:00Z" then null else . end), .amount.value',
}
SUFFIXES = {"all columns": "all", "two columns": "two"}
TABLES = {"all columns": "every_column", "two columns": "two_columns"}

class Peer:
    """A session, and the statements by which it reads a list."""

    def __init__(self, name, statements):
        self.name = name
        self.statements = statements
        self.session = Session()
        self.walls = []

    def read(self):
        """Once; the milliseconds it takes are kept."""
        self.session.ask("BEGIN")
        began = time.perf_counter()
        for statement in self.statements:
            answer = self.session.ask(statement)
        self.walls.append((time.perf_counter() - began) * 1000)
        self.session.ask("COMMIT")
        if int(answer.split("|")[0]) == 0:
            raise Failed("the peer %s read nothing" % self.name)

    def quit(self):
        self.session.quit()


class Peers:
    """Their functions and tables, made once."""

    def __init__(self, folder):
        self.folder = folder
        session = Session()
        session.ask("SET client_min_messages = warning")
        with open(os.path.join(HERE, "peers.sql")) as script:
            session.ask(script.read().rstrip().rstrip(";"))
        self.columns = {
            width: session.ask("SELECT string_agg('count(' || attname || ')', ', ' ORDER BY attnum) FROM pg_attribute "
                               "WHERE attrelid = '%s'::regclass AND attnum > 0" % table)
            for width, table in TABLES.items()}
        session.quit()

    def begin(self, width, url):
        """A session for each peer, in which it reads the list."""
        return {name: Peer(name, statements) for name, statements in self.statements(width, url).items()}

    def statements(self, width, url):
        suffix = SUFFIXES[width]
        count = "SELECT %s FROM " % self.columns[width]
        pages = "'%s/v2/payment_links?per_page=100&page=[1-100]'" % url
        curl = "curl -sf -H 'Authorization: Bearer %s' " % TOKEN
        jq = "jq -r '.payment_links[] | [%s] | @csv'" % FILTERS[width]
        bodies = os.path.join(self.folder, "bodies")
        table = TABLES[width]
        copy = "COPY %s FROM PROGRAM $program$%%s$program$ (FORMAT csv)" % table
        return {
            "http, jsonb_to_recordset": ["%shttp_%s('%s')" % (count, suffix, url)],
            "plpython3u, kept alive": ["%spython_%s('%s')" % (count, suffix, url)],
            "COPY, curl and jq": ["TRUNCATE " + table, copy % (curl + pages + " | " + jq), count + table],
            "COPY, curl --parallel and jq": [
                "TRUNCATE " + table,
                copy % ("rm -rf %s && mkdir %s && %s --parallel --parallel-max 8 -o '%s/#1' %s && cat %s/* | %s" % (
                    bodies, bodies, curl, bodies, pages, bodies, jq)),
                count + table],
        }
