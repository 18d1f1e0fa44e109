"""
requests.py
    Prints, as a table in Markdown, how many requests each kind of query takes of a list
    of 10,000 links, beside reading every page of it.  Run by bench/run.

PGHOST and the like lead to a cluster in which the extension can be created.
"""

from session import Session, import_table
from sample import Api

LINKS = 10000

# What follows FROM payment_links, or the whole query, and what is to be said of it.
ROWS = (
    ("", "the whole list, `concurrency` (8) pages at a time"),
    ("WHERE status = 'open'", "{n} links"),
    ("WHERE status IN ('open', 'processing')", ""),
    ("WHERE status <> 'paid'", "the pages and the two of the status check"),
    ("WHERE status LIKE 'p%'", "likewise"),
    ("WHERE status = 'cancelled'", "no such status: no row, and a NOTICE that suggests \"canceled\""),
    ("WHERE status = 'open' AND status <> 'open'", "can never hold"),
    ("WHERE amount > 5 AND amount < 3", "can never hold"),
    ("LIMIT 0", ""),
    ("LIMIT 5", "for 5 links"),
    ("LIMIT 150", ""),
    ("WHERE status IN ('open', 'processing') ORDER BY amount DESC LIMIT 20", "for 20 links"),
    ("ORDER BY amount DESC LIMIT 20 OFFSET 1000", "page 51 of 20"),
    ("ORDER BY amount", "no Sort node; also under a merge join"),
    ("ORDER BY amount DESC, created_at LIMIT 20", "Incremental Sort for the second key"),
    ("ORDER BY expiration_date DESC NULLS LAST LIMIT 20", ""),
    ("ORDER BY expiration_date LIMIT 20", "the end of the links that never expire is found by bisecting"),
    ("WHERE amount > 5000", "{n} links, from the largest down"),
    ("WHERE amount > 5000 ORDER BY amount DESC LIMIT 20", ""),
    ("WHERE amount BETWEEN 100 AND 101", "the page that holds the bound is found by bisecting the 100"),
    ("WHERE expiration_date >= '2025-03-01' AND expiration_date < '2025-04-01'", "{n} links"),
    ("WHERE status = 'open' AND expiration_date < '2025-03-01'", "the pages of the open ones are searched"),
    ("WHERE expiration_date IS NULL", "{n} links, and a look at the other end of the list"),
    ("WHERE expiration_date IS NOT NULL", "{n} links"),
    ("WHERE id = '01995126-3edf-752b-8170-d3686d7603f8'", "so is each id of an `IN`, and of a join with a few rows; ids that no link has take one more together"),
    ("WHERE created_at >= '2025-03-01'", "the API has no such filter"),
    ("ORDER BY created_at DESC LIMIT 20", "nor such an order"),
)
AGGREGATES = (
    ("min(amount)", "", ""),
    ("max(expiration_date)", "", ""),
    ("min(expiration_date)", "", "as above"),
    ("count(*)", "", "`total_count` of a request for one link"),
    ("count(*)", "WHERE status = 'open'", ""),
    ("count(*)", "WHERE status <> 'paid'", "all, less the paid ones"),
    ("count(*)", "WHERE status LIKE 'p%'", "with the two of the status check"),
    ("count(*)", "WHERE amount > 5000", "the place of the bound is searched for, nothing in between is read"),
    ("count(*)", "WHERE amount BETWEEN 20 AND 2000", "two bounds"),
    ("count(*)", "WHERE expiration_date IS NULL", "the last page is looked at, too"),
    ("count(*) FILTER (WHERE status = 'open'), count(*)", "", ""),
    ("status, count(*)", "GROUP BY status", "one for each status, and the whole to compare"),
    ("DISTINCT status", "", "likewise"),
    ("EXISTS (SELECT FROM payment_links WHERE status = 'open')", None, ""),
    ("count(*)", "WHERE status = 'open' AND reusable", "the pages of the open ones"),
    ("count(debitor_name)", "", "a link may lack it"),
    ("status, sum(amount)", "GROUP BY status", "the API adds nothing up"),
)


def main():
    api = Api(count=LINKS)
    import_table(api)
    session = Session()
    session.ask("SET client_min_messages = warning")
    every_page = None

    def measured(query):
        api.control("clear", {})
        rows = session.ask(query).count("\n") + 1
        return api.control("count"), rows

    print("| `SELECT * FROM payment_links` … | requests | reading every page | |\n|---|---|---|---|")
    for rest, note in ROWS:
        requests, rows = measured("SELECT * FROM payment_links %s" % rest)
        every_page = every_page or requests
        print("| %s | %d | %d | %s |" % ("`%s`" % rest if rest else "(nothing)", requests, every_page,
                                        note.format(n="{:,}".format(rows))))
    print("\n| `SELECT` … `FROM payment_links` | requests | reading every page | |\n|---|---|---|---|")
    for target, rest, note in AGGREGATES:
        requests, _ = measured("SELECT %s%s" % (target, "" if rest is None else " FROM payment_links " + rest))
        print("| `%s`%s | %d | %d | %s |" % (target, " … `%s`" % rest if rest else "", requests, every_page, note))
    session.quit()
    api.stop()


if __name__ == "__main__":
    main()
