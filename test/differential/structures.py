"""
structures.py
    Queries that reach the table by other ways: views, functions, cursors that go back,
    writes to local tables, recursion.  Used by queries.py.
"""

from query import Query
from runtime import RunTime

# Of each table there are views that show all of it, and functions: see statements().
VIEWS = ("barrier", "fenced", "halves", "joined")


def statements(table, id_type):
    """What makes the views and functions of a table."""
    names = {"t": table, "id": id_type}
    return [each % names for each in (
        "CREATE VIEW %(t)s_barrier WITH (security_barrier) AS SELECT * FROM %(t)s WHERE currency IS DISTINCT FROM 'nothing'",
        "CREATE VIEW %(t)s_fenced AS SELECT * FROM %(t)s OFFSET 0",
        "CREATE VIEW %(t)s_halves AS SELECT * FROM %(t)s WHERE (status::text = 'paid') IS TRUE"
        " UNION ALL SELECT * FROM %(t)s WHERE (status::text = 'paid') IS NOT TRUE",
        "CREATE VIEW %(t)s_joined AS SELECT l.* FROM %(t)s l LEFT JOIN (SELECT DISTINCT id FROM picks) p ON p.id = l.id",
        """CREATE FUNCTION %(t)s_count(s text, a numeric) RETURNS bigint LANGUAGE plpgsql AS $$
        BEGIN
            RETURN (SELECT count(*) FROM %(t)s WHERE (s = '' OR status::text = ANY (('{' || s || '}')::text[])) AND amount > a);
        END $$""",
        """CREATE FUNCTION %(t)s_plain(s text) RETURNS SETOF %(t)s LANGUAGE sql STABLE AS $$
        SELECT * FROM %(t)s WHERE status::text = s $$""",
        """CREATE FUNCTION %(t)s_ids(ids text[], s text) RETURNS SETOF text LANGUAGE plpgsql AS $$
        BEGIN
            RETURN QUERY SELECT id::text FROM %(t)s WHERE id = ANY (ids::%(id)s[]) AND status::text IN (s, 'open');
        END $$""",
        """CREATE FUNCTION %(t)s_first(k int) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE
            each record;
            n int := 0;
        BEGIN
            FOR each IN SELECT id, amount FROM %(t)s ORDER BY amount, id LOOP
                n := n + 1;
                EXIT WHEN n >= k;
            END LOOP;
            RETURN each.id;
        END $$""",
        """CREATE FUNCTION %(t)s_caught(s text) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 / (length(status::text) - 4) FROM %(t)s WHERE status::text >= s ORDER BY amount;
            RETURN 'none';
        EXCEPTION WHEN division_by_zero THEN
            RETURN (SELECT count(*) FROM %(t)s WHERE status::text = s);
        END $$""")]


class Structures(RunTime):

    def by_function(self):
        """Run often enough in one statement for the plans within to become generic."""
        most = self.rng.randint(2, 15)
        return self.one(
            Query("SELECT n, {T}_count(%s, coalesce(amount, 0)) FROM picks WHERE n < %d"
                  % (self.one("coalesce(status, '')", "CASE WHEN n % 2 = 0 THEN '' ELSE 'open,paid' END"), most), "nn"),
            Query("SELECT p.n, f.id, f.amount FROM picks p, {T}_plain(p.status) f WHERE p.n < %d" % most, "ntn"),
            Query("SELECT id, amount FROM {T}_plain('%s') t%s" % (self.one("open", "paid", "refunded"), self.where()), "tn"),
            Query("SELECT p.n, f FROM picks p, {T}_ids(ARRAY(SELECT id::text FROM picks q WHERE q.n <= p.n), p.status) f"
                  " WHERE p.n < %d" % most, "nt"),
            Query("SELECT k, {T}_first(k) FROM generate_series(1, %d) k" % most, "nt"),
            Query("SELECT n, {T}_caught(status) FROM picks WHERE n < %d" % most, "nt"))

    def grouped_sets(self):
        sets = self.one("ROLLUP (status, currency)", "CUBE (status, currency)", "GROUPING SETS ((status), (currency), ())",
                        "GROUPING SETS ((status, currency), ())")
        names, kinds = self.plain_counts()
        return Query("SELECT status, currency, %s FROM {T} t%s GROUP BY %s" % (", ".join(names), self.where(), sets),
                     "tt" + kinds)

    def recursive(self):
        return Query("WITH RECURSIVE r AS (SELECT id, amount, 1 AS d FROM {T} t WHERE %s UNION ALL SELECT t.id, t.amount, d + 1"
                     " FROM r JOIN {T} t ON %s WHERE d < %d) SELECT id, amount, d FROM r"
                     % (self.id_condition(), self.one("t.id = r.id", "t.id = r.id AND t.amount >= r.amount"),
                        self.rng.randint(1, 4)), "tnn")

    def writing(self):
        """Local tables written from the links, in a transaction that is rolled back."""
        where = self.one(self.where(), " WHERE " + self.at_run_time())
        sql, kinds = self.one(
            ("WITH w AS (UPDATE picks p SET n = p.n + 1 FROM (SELECT * FROM {T} t%s) t WHERE t.id = p.id RETURNING p.n, t.id,"
             " t.amount) SELECT * FROM w" % where, "ntn"),
            ("WITH w AS (DELETE FROM picks p USING {T} t WHERE t.id = p.id AND %s RETURNING p.n, t.status) SELECT * FROM w"
             % self.at_run_time(), "nt"),
            ("WITH w AS (INSERT INTO picks SELECT 20, id, status::text, amount, expiration_date FROM {T} t%s RETURNING *)"
             " SELECT * FROM w" % where, "nttnt"),
            ("SELECT p.n, t.id, t.amount FROM picks p JOIN {T} t ON t.id = p.id WHERE %s FOR UPDATE" % self.at_run_time(), "ntn"),
            ("SELECT t.id, t.amount FROM {T} t%s FOR SHARE" % where, "tn"),
            ("SELECT p.n, t.id FROM picks p LEFT JOIN (SELECT * FROM {T} t%s) t ON t.id = p.id FOR UPDATE OF p" % where, "nt"),
            ("SELECT n, id, amount FROM picks", "ntn"))
        before = ["BEGIN"]
        if sql.startswith("SELECT n, id"):
            before.append("MERGE INTO picks p USING (SELECT DISTINCT ON (id) * FROM {T} t%s) t ON p.id = t.id AND p.n < 12"
                          " WHEN MATCHED AND t.amount > 100 THEN UPDATE SET amount = t.amount + 1 WHEN MATCHED THEN DELETE"
                          " WHEN NOT MATCHED THEN INSERT VALUES (21, t.id, t.status::text, t.amount, t.expiration_date)" % where)
        return Query(sql, kinds, before=before, after=["ROLLBACK"])

    def scrolled(self):
        """A cursor that goes forth and back, with an error in between at times; the order has no ties."""
        key = self.one("amount", "expiration_date")
        sql = "SELECT %s, id FROM {T} t%s ORDER BY %s%s, id" % (
            key, self.one(self.where(), " WHERE " + self.at_run_time()), key, self.one("", " DESC", " NULLS FIRST"))
        hold = self.chance(0.3)
        steps = ["BEGIN", "DECLARE c SCROLL CURSOR %sFOR %s" % ("WITH HOLD " if hold else "", sql)]
        for _ in range(self.rng.randint(0, 5)):
            steps.append(self.one("FETCH %d IN c", "MOVE %d IN c", "FETCH BACKWARD %d IN c", "FETCH ABSOLUTE %d IN c",
                                  "FETCH RELATIVE -%d IN c", "MOVE ABSOLUTE -%d IN c") % self.rng.randint(0, 40))
            if self.chance(0.2):
                steps += ["SAVEPOINT s", "FETCH %d IN c" % self.rng.randint(1, 9), "SELECT 1 / 0", "ROLLBACK TO s"]
        if hold:
            steps.append("COMMIT")
        last = self.one("FETCH ALL IN c", "FETCH BACKWARD ALL IN c", "FETCH %d IN c" % self.rng.randint(1, 30), "FETCH PRIOR IN c",
                        "FETCH ABSOLUTE %d IN c" % self.rng.randint(-5, 30), "FETCH LAST IN c")
        return Query(last, ("n" if key == "amount" else "t") + "t", 0, before=steps, after=["CLOSE c", "COMMIT"])

    def through_a_view(self, query):
        """The same query of a view that shows the whole table."""
        view = "{T}_%s " % self.one(*VIEWS)
        for part in ("sql", "full"):
            text = getattr(query, part)
            if text is not None:
                setattr(query, part, text.replace("{T} ", view))
        query.before = [each.replace("{T} ", view) for each in query.before]
