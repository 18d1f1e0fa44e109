"""
runtime.py
    Conditions and queries whose arrays, bounds and windows are made while the query runs:
    by expressions, subqueries and rows of a join.  Used by queries.py.

Casts that could raise stand behind a guard only where core promises to evaluate
the guard first: in CASE, and in an OR or AND whose guard comes first and holds
no column.
"""

from conditions import STATUSES, UNKNOWN_ID, Conditions
from query import Query

MANY = (300, 3000)


class RunTime(Conditions):

    # Arrays

    def word(self):
        """A status as an expression of type text that is no constant."""
        status = self.one(*(self.world.labels or STATUSES + ("refunded", "disputed")))
        return self.one("lower('%s'::text)" % status.upper(), "trim(' %s '::text)" % status,
                        "('%s'::text || '%s'::text)" % (status[:2], status[2:]),
                        "(SELECT max(status) FROM picks WHERE status = '%s')" % status,
                        "coalesce(NULL::text, '%s'::text)" % status)

    def status_column(self, table):
        """The column where it is compared with text."""
        return table + "status" + ("::text" if self.world.labels else "")

    def some_statuses(self):
        """An expression of type text[]."""
        choice = self.rng.randint(0, 7)
        words = [self.rng.choice(STATUSES) for _ in range(self.rng.randint(0, 4))]
        if choice == 0:
            return "ARRAY[%s]" % ", ".join(self.word() for _ in range(self.rng.randint(1, 3)))
        if choice == 1:
            return "string_to_array('%s'::text, ',')" % ",".join(words)
        if choice == 2:
            return "('{%s}'::text)::text[]" % ",".join(words)
        if choice == 3:
            return "ARRAY(SELECT status FROM picks WHERE n < %d)" % self.rng.randint(0, 14)
        if choice == 4:
            return "(SELECT array_agg(status) FROM picks WHERE n < %d)::text[]" % self.rng.randint(0, 9)
        if choice == 5:
            return "array_append(ARRAY[%s], %s)" % (self.word(), self.one("NULL", self.word()))
        if choice == 6:
            return "(SELECT array_agg('s' || g) || %s FROM generate_series(1, %d) g)::text[]" % (self.word(),
                                                                                       self.rng.choice(MANY))
        return "NULL::text[]"

    def some_ids(self):
        """An expression of the array type of ids."""
        kind = self.world.id_type
        ids = [self.rng.choice(self.world.ids + [UNKNOWN_ID]) for _ in range(self.rng.randint(0, 12))]
        choice = self.rng.randint(0, 5)
        if choice == 0:
            return "string_to_array('%s'::text, ',')::%s[]" % (",".join(ids), kind)
        if choice == 1:
            return "ARRAY(SELECT id FROM picks WHERE n < %d)" % self.rng.randint(0, 14)
        if choice == 2:
            return "(SELECT array_agg(id::text) FROM picks WHERE n < %d)::%s[]" % (self.rng.randint(0, 14), kind)
        if choice == 3:
            return "ARRAY[%s]" % ", ".join("lower('%s'::text)::%s" % (each.upper(), kind) for each in ids + [UNKNOWN_ID])
        if choice == 4:
            return "(SELECT array_agg(md5(g::text)::uuid::text) || '%s'::text FROM generate_series(1, %d) g)::%s[]" % (
                self.rng.choice(self.world.ids), self.rng.choice(MANY), kind)
        return "('{%s}'::text)::%s[]" % (",".join(ids), kind)

    # Conditions on a table's alias, "t." and the like

    def of_status(self, table):
        column = self.status_column(table)
        choice = self.rng.randint(0, 3)
        if choice == 0:
            return "%s %s %s" % (column, self.one("=", "<>", "IS DISTINCT FROM"), self.word())
        if choice == 1:
            return "%s <> ALL (%s)" % (column, self.some_statuses())
        return "%s = ANY (%s)" % (column, self.some_statuses())

    def bound_of(self, column):
        if column == "amount":
            return self.one("(SELECT avg(amount) FROM picks WHERE n < 12)", "('1' || '2%s'::text)::numeric"
                            % self.one("", "0", ".5"), "%d * 1.5" % self.rng.randint(0, 900),
                            "(SELECT amount FROM picks WHERE n = %d LIMIT 1)" % self.rng.randint(0, 13),
                            "least(%s, 100)" % self.amount(), "length('%s') * 100" % self.rng.choice(STATUSES),
                            "coalesce(NULL::numeric, %s)" % self.amount())
        return self.one("date_trunc('month', timestamptz '%s')" % self.rng.choice(self.world.expirations),
                        "to_timestamp(%d)" % self.rng.randint(1735689600, 1751328000),
                        "(SELECT max(expiration_date) FROM picks WHERE n < %d)" % self.rng.randint(0, 12),
                        "(timestamptz '%s' + interval '%d days')" % (self.rng.choice(self.world.expirations),
                                                                    self.rng.randint(-20, 20)),
                        "greatest(%s, '2025-02-01')" % self.moment(self.world.expirations))

    def of_key(self, table):
        column = self.one("amount", "expiration_date")
        if self.chance(0.25):
            return "%s%s BETWEEN %s AND %s" % (table, column, self.bound_of(column), self.bound_of(column))
        return "%s%s %s %s" % (table, column, self.one("<", "<=", "=", ">=", ">"), self.bound_of(column))

    def guarded(self, table):
        """What could raise if the guard did not keep it from being evaluated."""
        column = self.status_column(table)
        number = "%d::int" % self.one(0, 0, 3)
        text = self.one("''", "''", "'{open,paid}'", "'{}'") + "::text"
        word = self.one("'open'", "'12'", "'7.5'") + "::text"
        return self.one(
            "(%s = '' OR %s = ANY (%s::text[]))" % (text, column, text),
            "(%s <> '' AND %s <> ALL (%s::text[]))" % (text, column, text),
            "(%s = 0 OR %s = (10 / %s)::text)" % (number, column, number),
            "(%s = 0 OR %samount > 100 / %s)" % (number, table, number),
            "%s <> 0 AND %samount > 10 / %s" % (number, table, number),
            "(%s <> 0 AND %s = ANY (ARRAY[(10 / %s)::text, 'open']))" % (number, column, number),
            "CASE WHEN %s = 0 THEN %s <> 'paid' ELSE %s = (10 / %s)::text END" % (number, column, column, number),
            "(%s = 0 OR %s = (SELECT 10 / %s)::text)" % (number, column, number),
            "(%s = 0 OR %s = (SELECT (10 / %s)::text))" % (number, column, number),
            "CASE WHEN %s = 0 THEN true ELSE %s = (SELECT 10 / %s)::text END" % (number, column, number),
            "((%s <> 0 AND %samount > 0 AND %s = (SELECT 10 / %s)::text) OR %s = 'paid')" % (number, table, column, number, column),
            "CASE WHEN %s ~ '^[0-9.]+$' THEN %samount > %s::numeric ELSE %s = %s END" % (word, table, word, column, word),
            "(%s IS NULL OR %sid = ANY (%s::%s[]))" % (self.one("NULL", "NULL", "'{}'") + "::text", table,
                                                       self.one("NULL", "'{}'") + "::text", self.world.id_type))

    def of_id(self, table):
        return "%sid = ANY (%s)" % (table, self.some_ids())

    def at_run_time(self, table="t."):
        parts = [self.one(self.of_status, self.of_status, self.of_key, self.guarded, self.guarded, self.of_id)(table)]
        while self.chance(0.5) and len(parts) < 4:
            parts.append(self.one(self.of_status, self.of_key, self.guarded,
                                  lambda _: self.status_condition().replace("status", table + "status")
                                  if self.world.labels else self.of_status(table))(table))
        self.rng.shuffle(parts)
        return " AND ".join(parts)

    # Queries

    def made_at_run_time(self):
        where = self.at_run_time()
        choice = self.rng.randint(0, 5)
        if choice == 0:
            return Query("SELECT count(*) FROM {T} t WHERE " + where, "n")
        if choice == 1:
            return Query("SELECT t.status, count(*) FROM {T} t WHERE %s GROUP BY t.status" % where, "tn")
        if choice == 2:
            key = self.one("amount", "expiration_date")
            full = "SELECT t.%s, t.id FROM {T} t WHERE %s" % (key, where)
            return Query("%s ORDER BY t.%s%s LIMIT %d * %d" % (full, key, self.one("", " DESC"),
                                                                     self.rng.randint(0, 4), self.rng.randint(1, 9)),
                         ("n" if key == "amount" else "t") + "t", 1, full)
        if choice == 3:
            return Query("SELECT count(*) FILTER (WHERE %s), count(*) FROM {T} t" % self.of_status("t."), "nn")
        return Query("SELECT t.id, t.status, t.amount FROM {T} t WHERE " + where, "ttn")

    def picked(self):
        """Pairs of picks, as f: columns a and b are ids, s and r texts, x and y amounts."""
        return ("(SELECT p.n, p.id AS a, q.id AS b, p.status AS s, q.status AS r, p.amount AS x, q.amount AS y"
                " FROM picks p JOIN picks q ON q.n = p.n + 1 WHERE p.n < %d) f" % self.rng.randint(1, 14))

    def of_row(self):
        """A condition on a link l by values of f."""
        column = self.status_column("l.")
        if self.world.labels and self.chance(0.1):
            return self.one("l.status = f.s::link_status", "l.status = ANY (ARRAY[f.s, f.r]::link_status[])")
        return self.one(
            "l.id = ANY (ARRAY[f.a, f.b])", "l.id IN (f.a, f.b)", "l.id = f.b",
            "%s = ANY (ARRAY[f.s, f.r])" % column, "%s = ANY (('{' || f.s || ',' || f.r || '}')::text[])" % column,
            "%s = CASE WHEN f.n %% 2 = 0 THEN f.s ELSE lower(f.r) END" % column,
            "%s = ANY (CASE WHEN f.n %% 2 = 0 THEN ARRAY[f.s] ELSE string_to_array(f.r, ',') END)" % column,
            "(f.n = 0 OR l.amount > 100 / f.n)", "(f.s = 'paid' OR %s = ANY (('{' || f.s || '}')::text[]))" % column,
            "l.amount BETWEEN least(f.x, f.y) AND greatest(f.x, f.y)", "l.amount > f.x",
            "l.id = ANY ((SELECT array_agg(z.id) FROM picks z WHERE z.n <= f.n)::%s[])" % self.world.id_type)

    def row_conditions(self):
        parts = [self.of_row()]
        while self.chance(0.5):
            parts.append(self.of_row())
        if self.chance(0.5):
            parts.append(self.one(self.status_column("l.") + " = 'open'", self.of_status("l."), self.of_key("l."),
                                  self.guarded("l.")))
        self.rng.shuffle(parts)
        return " AND ".join(parts)

    def joined_at_run_time(self):
        on = self.row_conditions()
        choice = self.rng.randint(0, 5)
        if choice == 0:
            return Query("SELECT f.n, l.id, l.status FROM %s JOIN {T} l ON %s" % (self.picked(), on), "ntt")
        if choice == 1:
            return Query("SELECT f.n, l.id, l.amount FROM %s LEFT JOIN {T} l ON %s" % (self.picked(), on), "ntn")
        if choice == 2:
            return Query("SELECT f.n, (SELECT %s FROM {T} l WHERE %s) FROM %s"
                         % (self.one("count(*)", "min(l.amount)", "max(l.amount)", "count(l.expiration_date)"), on,
                            self.picked()), "nn")
        if choice == 3:
            return Query("SELECT f.n, x.status, x.c FROM %s, LATERAL (SELECT l.status, count(*) AS c FROM {T} l WHERE %s"
                         " GROUP BY l.status) x" % (self.picked(), on), "ntn")
        if choice == 4:
            return Query("SELECT f.n FROM %s WHERE %sEXISTS (SELECT 1 FROM {T} l WHERE %s)"
                         % (self.picked(), self.one("", "NOT "), on), "n")
        return Query("SELECT f.n, x.amount FROM %s CROSS JOIN LATERAL (SELECT l.amount FROM {T} l WHERE %s"
                     " ORDER BY l.amount LIMIT %s) x" % (self.picked(), on, self.one("2", "f.n", "1 + f.n % 3")), "nn")

    def aggregated_ids(self):
        """Ids that another query collected, of the kind that a program hands over as text."""
        return Query("SELECT (SELECT count(*) FROM {T} t WHERE t.id = ANY (v::%s[]) AND %s) FROM"
                     " (SELECT array_agg(%s) AS v FROM %s) s"
                     % (self.world.id_type, self.at_run_time(),
                        *self.one(("id::text", "picks"),
                                  ("md5(g::text)::uuid::text", "generate_series(1, %d) g" % self.rng.choice(MANY)))),
                     "n")

    def replayed(self):
        """Scans that are repeated with other values, each of which has to be answered by itself."""
        statuses = self.world.labels or STATUSES + ("refunded", "disputed") * 3
        rows = ", ".join("('%s'::text, %d, %d)" % (self.rng.choice(statuses), self.rng.randint(0, 5),
                                                  self.rng.randint(-50, 2000)) for _ in range(self.rng.randint(2, 4)))
        where = self.one("{c} = v.s", "{c} = v.s", "{c} IN (v.s, 'open')", "{c} <> v.s", "{c} = v.s AND i.amount > v.a",
                         "i.amount > v.a", "i.amount >= v.a AND {c} <> 'paid'", "{c} LIKE v.s",
                         "i.expiration_date IS NULL AND {c} = v.s",
                         "i.expiration_date < (SELECT max(p.expiration_date) FROM picks p WHERE p.n = v.k)",
                         "i.expiration_date >= (SELECT min(p.expiration_date) FROM picks p WHERE p.n = v.k) AND {c} = v.s",
                         "{c} > v.s").format(c=self.status_column("i."))
        inner = self.one(
            "(SELECT {c} FROM {{T}} i WHERE {c} = v.s LIMIT 1)", "(SELECT {c} FROM {{T}} i WHERE {c} = v.s LIMIT 1)", "(SELECT i.amount > v.a FROM {{T}} i WHERE i.amount > v.a LIMIT 1)",
            "(SELECT count(*) FROM (SELECT 1 FROM {{T}} i WHERE {w} LIMIT v.k) x)",
            "(SELECT count(*) FROM (SELECT 1 FROM {{T}} i WHERE {w} OFFSET v.k) x)",
            "(SELECT count(*) FROM (SELECT 1 FROM {{T}} i WHERE {w} LIMIT 3 OFFSET v.k) x)",
            "(SELECT count(*) FROM {{T}} i WHERE {w})", "(SELECT min(i.amount) FROM {{T}} i WHERE {w})",
            "EXISTS (SELECT 1 FROM {{T}} i WHERE {w})",
            "(SELECT x.amount FROM (SELECT i.amount FROM {{T}} i WHERE {w} ORDER BY i.amount LIMIT 1 OFFSET v.k) x)",
        ).format(w=where, c=self.status_column("i.")).replace("{{T}}", "{T}")
        return Query("SELECT v.s, %s FROM (VALUES %s) v(s, k, a)" % (inner, rows), "tn")

    # Of a partitioned table

    def partitioned(self):
        """Joins on the partition key and the id, and what a partition's constant column decides."""
        extra = " AND " + self.at_run_time() if self.chance(0.4) else ""
        some = "(SELECT * FROM inv WHERE n < %d) i" % self.rng.randint(1, 30)
        inv = self.one("inv i", "inv i", some)
        on = "t.account = i.account AND t.id = i.link"
        other = self.one("", "", " AND t.amount > i.n", " AND t.status = i.status")
        choice = self.rng.randint(0, 8)
        if choice <= 2:
            return Query("SELECT i.link, t.status, t.account FROM %s %s {T} t ON %s%s%s"
                         % (inv, self.one("JOIN", "LEFT JOIN", "JOIN", "RIGHT JOIN"), on, other, extra), "ttt")
        if choice == 3:
            return Query("SELECT i.account, i.n FROM %s WHERE %sEXISTS (SELECT 1 FROM {T} t WHERE %s%s)"
                         % (inv, self.one("", "NOT "), on, other), "tn")
        if choice == 4:
            return Query("SELECT a.id, b.account, b.amount FROM {T} a JOIN {T} b ON a.account = b.account AND a.id = b.id"
                         " WHERE %s" % self.at_run_time("a."), "ttn")
        if choice == 5:
            return Query("SELECT t.account, %s FROM {T} t%s GROUP BY t.account%s"
                         % (self.one("count(*)", "min(t.amount)", "count(*) FILTER (WHERE t.status = 'open')"),
                            self.where(), self.having()), "tn")
        if choice == 6:
            return Query("SELECT t.account, t.status, count(*) FROM {T} t%s GROUP BY t.account, t.status" % self.where(),
                         "ttn")
        if choice == 7:
            return Query("SELECT t.id, t.account FROM {T} t WHERE t.account %s AND %s"
                         % (self.one("= 'a'", "<> 'b'", "IN ('a', 'b')", "= lower('C')",
                                     "= (SELECT max(account) FROM inv)"), self.at_run_time()), "tt")
        return Query("SELECT f.account, x.c FROM (SELECT DISTINCT account FROM inv) f, LATERAL (SELECT count(*) AS c"
                     " FROM {T} t WHERE t.account = f.account AND %s) x" % self.at_run_time(), "tn")
