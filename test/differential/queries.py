"""
queries.py
    Random queries over a table of payment links.  Used by run.py.

A query is a text in which {T} stands for the table, so that the same one is asked
of the foreign table and of a local copy, together with what its answer has to
agree on.  Names other than {T} are local: picks, a table of a few links and of
links that are not there.
"""

from query import Query
from structures import Structures

PLANNER_SETTINGS = ("enable_hashjoin", "enable_mergejoin", "enable_nestloop", "enable_material", "enable_memoize",
                    "enable_sort", "enable_incremental_sort", "enable_hashagg")
# In this style of dates the zone has one name in summer and in winter.
ALIKE = ("SET datestyle = 'Postgres, DMY'", "SET TimeZone = 'XXX3XXX2,M3.2.0,M11.1.0'")
STYLES = ("ISO, DMY", "Postgres, DMY", "SQL, DMY", "German")
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Pacific/Auckland")

# What is shown of a link: "n" compares as a number (a tie's 12.0 is another's
# 12.00), "t" as text.
COLUMNS = {"id": "t", "status": "t", "amount": "n", "currency": "t", "expiration_date": "t", "created_at": "t",
           "resource_type": "t", "reusable": "t", "url": "t", "potential_payment_methods": "t", "invoice_id": "t",
           "invoice_number": "t", "debitor_name": "t", "items": "t", "attrs": "t"}
SORT_COLUMNS = ("amount", "expiration_date")


class Generator(Structures):
    """Queries; the first one is the same for the same seed."""

    # Clauses

    def order(self):
        """Columns and their ORDER BY items."""
        columns = [self.one("amount", "expiration_date")] if self.chance(0.85) else [self.one("created_at", "status",
                                                                                              "currency", "id")]
        while self.chance(0.3):
            column = self.one("amount", "expiration_date", "created_at", "status", "id", "reusable", "resource_type")
            if column not in columns:
                columns.append(column)
        return columns, ["t.%s%s%s" % (column, self.one("", " ASC", " DESC"),
                                       self.one("", "", " NULLS FIRST", " NULLS LAST"))
                         for column in columns]

    def window(self):
        count = len(self.world.ids)
        numbers = (0, 1, 1, 2, 3, 5, 7, 10, 20, 50, 99, 100, 101, count - 1, count, count + 1, count // 2, 10 ** 6)
        text = ""
        if self.chance(0.85):
            limit = str(max(self.rng.choice(numbers), 0))
            if self.chance(0.08):
                limit = self.one("NULL", "ALL", "-1", "9223372036854775807")
            if limit != "ALL":
                limit = self.value(limit, "bigint")
            text += " LIMIT " + limit
        if not text or self.chance(0.45):
            offset = str(max(self.rng.choice(numbers), 0))
            if self.chance(0.06):
                offset = self.one("NULL", "-1", "9223372036854775807")
            text += " OFFSET " + self.value(offset, "bigint")
        return text

    def shown(self, keys):
        """Columns to select: the keys first, then a few that tell the rows apart."""
        others = self.rng.sample([name for name in COLUMNS if name not in keys], self.rng.randint(1, 4))
        if "id" not in keys and "id" not in others and self.chance(0.9):
            others.append("id")
        return list(keys) + others

    # Queries

    def rows(self):
        keys, items = self.order() if self.chance(0.7) else ([], [])
        columns = self.shown(keys)
        kinds = "".join(COLUMNS[name] for name in columns)
        full = "SELECT %s FROM {T} t%s" % (", ".join("t." + name for name in columns), self.where())
        sql = full + (" ORDER BY " + ", ".join(items) if items else "")
        if not self.chance(0.55):
            return Query(sql, kinds, len(keys))
        if items and self.chance(0.06):
            return Query(sql + " FETCH FIRST %d ROWS WITH TIES" % self.rng.randint(0, 20), kinds, len(keys))
        return Query(sql + self.window(), kinds, len(keys), full)

    def whole_rows(self):
        return Query("SELECT t::text, t.id FROM {T} t%s" % self.where(), "tt")

    def ordered_key_only(self):
        column = self.one(*SORT_COLUMNS)
        full = "SELECT %s%s FROM {T} t%s" % (self.one("", "DISTINCT "), column, self.where())
        return Query("%s ORDER BY %s%s%s%s" % (full, column, self.one("", " DESC"),
                                               self.one("", " NULLS FIRST", " NULLS LAST"), self.window()),
                     COLUMNS[column], 1, full)

    def aggregate(self):
        """An aggregate, and the kind of its value."""
        distinct = self.one("", "", "", "DISTINCT ")
        return self.one(("count(*)", "n"), ("count(1)", "n"), ("count(id)", "n"), ("count(%sstatus)" % distinct, "n"),
                        ("sum(1)", "n"),
                        ("count(expiration_date)", "n"), ("count(%samount)" % distinct, "n"), ("count(NULL)", "n"),
                        ("sum(3)", "n"),
                        ("count(%scurrency)" % distinct, "n"), ("count(created_at)", "n"), ("count(*) + 1", "n"),
                        ("count(reusable)", "n"),
                        ("min(amount)", "n"), ("max(amount)", "n"), ("min(expiration_date)", "t"),
                        ("max(expiration_date)", "t"),
                        ("sum(amount)", "n"), ("avg(amount)", "n"), ("min(status)", "t"), ("max(created_at)", "t"),
                        ("bool_or(reusable)", "t"),
                        ("string_agg(id::text, ',' ORDER BY amount, id)", "t"),
                        ("count(DISTINCT (status, currency))", "n"))

    def aggregates(self, most=4):
        names, kinds = [], ""
        for _ in range(self.rng.randint(1, most)):
            name, kind = self.aggregate()
            if self.chance(0.35) and "+" not in name:
                name += " FILTER (WHERE %s)" % (self.status_condition() if self.chance(0.75) else self.condition(1))
            names.append(name)
            kinds += kind
        return names, kinds

    def plain_counts(self):
        names = [self.one("count(*)", "count(1)", "count(id)", "sum(1)", "sum(2)", "count(status)", "count(NULL)",
                          "count(*) * 2", "count(amount)")
                 + (" FILTER (WHERE %s)" % self.status_condition() if self.chance(0.4) else "")
                 for _ in range(self.rng.randint(1, 3))]
        names = [name.replace(" * 2 FILTER", " FILTER") for name in names]
        return names, "n" * len(names)

    def having(self):
        return self.one("", "", " HAVING count(*) %s %d" % (self.one(">", "<", "="), self.rng.randint(0, 40)),
                        " HAVING count(*) FILTER (WHERE %s) > %d" % (self.status_condition(), self.rng.randint(0, 9)),
                        " HAVING sum(1) IS NULL", " HAVING false", " HAVING NULL")

    def counts(self):
        names, kinds = self.plain_counts() if self.chance(0.6) else self.aggregates()
        where = " WHERE " + self.pushable() if self.chance(0.75) else self.where()
        return Query("SELECT %s FROM {T} t%s%s%s" % (", ".join(names), where, self.having(),
                                                     self.one("", "", "", self.window())), kinds)

    def groups(self):
        names, kinds = self.plain_counts() if self.chance(0.6) else self.aggregates(2)
        key = self.one("status", "status", "status", "status", "currency", "expiration_date", "amount",
                       "status, currency", "status::text || 'x'")
        columns = key.split(", ")
        kinds = "".join(COLUMNS.get(name, "t") for name in columns) + kinds
        where = " WHERE " + self.status_condition() if self.chance(0.5) else self.where(0.6)
        full = "SELECT %s, %s FROM {T} t%s GROUP BY %s%s" % (key, ", ".join(names), where, key, self.having())
        sql = full
        ordered = 0
        if self.chance(0.5):
            ordered = len(columns)
            sql += " ORDER BY " + ", ".join(name + self.one("", " DESC") for name in columns)
            if self.chance(0.3):
                sql += self.window()
        elif self.chance(0.2):
            return Query(sql + self.window(), kinds, 0, full)
        return Query(sql, kinds, ordered)

    def distinct(self):
        columns = self.one(["status"], ["status"], ["currency"], ["amount"], ["expiration_date"],
                           ["status", "reusable"])
        full = "SELECT DISTINCT %s FROM {T} t%s" % (", ".join(columns), self.where(0.6))
        kinds = "".join(COLUMNS[name] for name in columns)
        if self.chance(0.5):
            return Query(full, kinds)
        sql = full + " ORDER BY " + ", ".join(name + self.one("", " DESC", " NULLS FIRST") for name in columns)
        return Query(sql + self.one("", self.window()), kinds, len(columns))

    def distinct_on(self):
        column = self.one("status", "amount", "expiration_date")
        return Query("SELECT DISTINCT ON (%s) %s, id FROM {T} t%s ORDER BY %s%s, id%s"
                     % (column, column, self.where(0.5), column, self.one("", " DESC"), self.one("", " DESC")),
                     COLUMNS[column] + "t", 1)

    def extremes(self):
        names = [self.one("min", "max") + "(%s)" % column for column in self.rng.choices(SORT_COLUMNS,
                                                                                         k=self.rng.randint(1, 2))]
        kinds = "".join("n" if "amount" in name else "t" for name in names)
        if self.chance(0.2):
            names = ["%s FILTER (WHERE %s)" % (name, self.status_condition()) for name in names]
        return Query("SELECT %s FROM {T} t%s" % (", ".join(names), self.where(0.6)), kinds)

    def lookups(self):
        more = " AND " + self.condition(1) if self.chance(0.35) else ""
        columns = self.shown(["id"])
        sql = "SELECT %s FROM {T} t WHERE %s%s" % (", ".join("t." + name for name in columns), self.id_condition(),
                                                   more)
        kinds = "".join(COLUMNS[name] for name in columns)
        if self.chance(0.2):
            return Query("SELECT count(*) FROM {T} t WHERE %s%s" % (self.id_condition(), more), "n")
        if self.chance(0.3):
            return Query(sql + " ORDER BY t.id" + self.one("", self.window()), kinds, 1)
        return Query(sql, kinds)

    def joins(self):
        on = self.one("t.id = p.pid", "t.id = p.pid", "t.status = p.pstatus", "t.amount = p.pamount",
                      "t.amount < p.pamount",
                      "t.expiration_date = p.pexpires", "t.id = p.pid AND t.status = p.pstatus",
                      "t.expiration_date >= p.pexpires",
                      "t.amount BETWEEN p.pamount AND p.pamount + 100",
                      "t.id = p.pid AND t.amount > %s" % self.amount())
        if self.world.labels is not None:
            on = on.replace("p.pstatus", "p.pstatus::link_status")
        local = ("(SELECT n, id AS pid, status AS pstatus, amount AS pamount, expiration_date AS pexpires FROM picks"
                 " WHERE n < %d)") % self.rng.randint(0, 15)
        shape = self.rng.randint(0, 6)
        extra = " WHERE " + self.condition(1) if self.chance(0.4) else ""
        if shape <= 2:
            sides = ["{T} t", local + " p"]
            if self.chance(0.5):
                sides.reverse()
            kind = self.one("JOIN", "LEFT JOIN", "RIGHT JOIN", "JOIN")
            if kind == "JOIN" and self.chance(0.2) and on in ("t.id = p.pid", "t.status = p.pstatus"):
                kind = "FULL JOIN"
            return Query("SELECT p.n, t.id, t.status, t.amount FROM %s %s %s ON %s%s"
                         % (sides[0], kind, sides[1], on, extra), "tttn")
        if shape == 3:
            return Query("SELECT t.id, t.amount FROM {T} t WHERE %sEXISTS (SELECT 1 FROM %s p WHERE %s)%s"
                         % (self.one("", "NOT "), local, on, extra.replace(" WHERE ", " AND ", 1)), "tn")
        if shape == 4:
            return Query("SELECT p.n FROM %s p WHERE %sEXISTS (SELECT 1 FROM {T} t WHERE %s%s)"
                         % (local, self.one("", "NOT "), on, extra.replace(" WHERE ", " AND ", 1)), "n")
        if shape == 5:
            column = self.one("id", "amount", "expiration_date", "status")
            return Query("SELECT a.aid, t.id FROM (SELECT id AS aid, %s AS akey FROM {T} WHERE amount > %s) a JOIN {T} t ON akey = t.%s WHERE t.currency = 'USD'%s"
                         % (column, self.amount(), column, extra.replace(" WHERE ", " AND ", 1)), "tt")
        return Query("SELECT p.n, count(t.id), min(t.amount) FROM %s p LEFT JOIN {T} t ON %s GROUP BY p.n"
                     % (local, on), "nnn")

    def correlated(self):
        local = "(SELECT * FROM picks WHERE n < %d) p" % self.rng.randint(0, 12)
        enum = self.world.labels is not None
        link = self.one("i.status = p.status" if not enum else "i.status::text = p.status", "i.id = p.id",
                        "i.amount > p.amount",
                        "i.expiration_date <= p.expiration_date", "i.amount = p.amount",
                        "i.amount BETWEEN p.amount - 50 AND p.amount + 50")
        choice = self.rng.randint(0, 4)
        if choice == 0:
            return Query("SELECT p.n, (SELECT %s FROM {T} i WHERE %s) FROM %s"
                         % (self.one("count(*)", "min(i.amount)", "max(i.amount)", "sum(1)",
                                     "count(i.expiration_date)"), link, local), "nn")
        if choice == 1:
            key = self.one("amount", "expiration_date")
            return Query("SELECT p.n, x.%s FROM %s CROSS JOIN LATERAL (SELECT i.%s FROM {T} i WHERE %s ORDER BY i.%s%s%s) x"
                         % (key, local, key, link, key, self.one("", " DESC", " NULLS FIRST"), self.window()),
                         "n" + COLUMNS[key])
        if choice == 2:
            return Query("SELECT p.n, x.id, x.amount FROM %s LEFT JOIN LATERAL (SELECT * FROM {T} i WHERE %s%s) x ON true"
                         % (local, link, self.one("", " OFFSET 0", " AND i.reusable")), "ntn")
        if choice == 3:
            return Query("SELECT t.id, (SELECT p.n FROM picks p WHERE p.id = t.id ORDER BY n LIMIT 1) FROM {T} t%s"
                         % self.where(), "tt")
        return Query("SELECT p.n, x.status, x.c FROM %s, LATERAL (SELECT i.status, count(*) AS c FROM {T} i WHERE %s GROUP BY i.status) x"
                     % (local, link), "ntn")

    def nested(self):
        kind = self.one("", " MATERIALIZED", " NOT MATERIALIZED")
        choice = self.rng.randint(0, 5)
        if choice == 0:
            return Query("WITH c AS%s (SELECT * FROM {T} t%s) SELECT id, amount, status FROM c t%s"
                         % (kind, self.where(), self.where()), "tnt")
        if choice == 1:
            return Query("WITH c AS%s (SELECT * FROM {T} t%s) SELECT a.status, count(*) FROM c a JOIN c b USING (id) GROUP BY a.status"
                         % (kind, self.where()), "tn")
        if choice == 2:
            parts = ["SELECT id, amount, status::text FROM {T} t%s" % self.where()
                     for _ in range(self.rng.randint(2, 3))]
            sql = self.one(" UNION ALL ", " UNION ALL ", " UNION ", " EXCEPT ", " INTERSECT ").join(parts)
            if self.chance(0.4):
                return Query("SELECT amount, id, status FROM (%s) u ORDER BY amount%s" % (sql, self.window()), "ntt",
                             1,
                             "SELECT amount, id, status FROM (%s) u" % sql)
            return Query(sql, "tnt")
        if choice == 3:
            window = self.window()
            return Query("SELECT count(*), sum(1) FROM (SELECT * FROM {T} t%s ORDER BY %s%s%s) x"
                         % (self.where(), self.one(*SORT_COLUMNS), self.one("", " DESC"), window), "nn")
        if choice == 4:
            return Query("SELECT rank() OVER (ORDER BY amount), count(*) OVER (PARTITION BY status), id FROM {T} t%s"
                         % self.where(), "nnt")
        return Query("SELECT sum(amount) FROM (SELECT amount FROM {T} t%s ORDER BY amount%s%s) x"
                     % (self.where(), self.one("", " DESC"), self.window()), "n")

    def null_side(self):
        """A subquery below an outer join, with constants that the join may set to NULL or leave, where it is reduced."""
        column = self.status_column("x.")
        where = self.one(column + " = x.c", column + " <> x.c", column + " = ANY (ARRAY[x.c, 'open'])", "x.amount > x.a",
                         "x.amount > x.a AND %s = x.c" % column, "x.c IS NULL", "lower(%s) = lower(x.c)" % column,
                         "x.expiration_date > x.e")
        return Query("SELECT x.id, x.amount, p.n FROM picks p %s JOIN (SELECT id, status, amount, expiration_date, '%s'::text AS c,"
                     " %s::numeric AS a, timestamptz '%s' AS e FROM {T} t%s) x ON x.id = p.id WHERE %s"
                     % (self.one("LEFT", "LEFT", "FULL"), self.one("open", "paid", "none"), self.one("0", "100.5"),
                        self.rng.choice(self.world.expirations), self.where(0.3), where), "tnn")

    def rescanned_dates(self):
        """Bounds that are evaluated again for each of some rows, in an order in which two in a row may be the same text."""
        what = self.one("count(*)", "count(t.id)", "min(t.expiration_date)", "max(t.amount)")
        more = self.one("", "", " AND t.reusable", " AND t.status = 'open'")
        return Query("SELECT p.n, (SELECT %s FROM {T} t WHERE t.expiration_date %s (SELECT max(q.expiration_date) FROM picks q"
                     " WHERE q.n = p.n)%s) FROM (SELECT DISTINCT n FROM picks WHERE n < %d ORDER BY n) p"
                     % (what, self.one("<", "<=", ">", ">="), more, self.rng.randint(3, 13)), "nt")

    def date_counts(self):
        """Counts over a range of dates that has one bound, or none.  The API answers all of them."""
        date = "timestamptz '%s'" % self.rng.choice(self.world.expirations)
        where = self.one("IS NULL", "IS NOT NULL", *["%s %s" % (operator, date) for operator in ("<", "<=", ">", ">=")] * 2)
        return Query("SELECT count(*) FROM {T} t WHERE expiration_date %s%s"
                     % (where, " AND " + self.status_condition() if "NULL" not in where and self.chance(0.2) else ""), "n")

    def exists(self):
        return self.one(Query("SELECT EXISTS (SELECT 1 FROM {T} t%s)" % self.where(), "t"),
                        Query("SELECT n FROM picks WHERE %sEXISTS (SELECT 1 FROM {T} t%s)"
                              % (self.one("", "NOT "), self.where()), "n"),
                        Query("SELECT n FROM picks p WHERE p.amount %s (SELECT t.amount FROM {T} t%s)"
                              % (self.one("> ANY", "< ALL", "= ANY", "<> ALL"), self.where()), "n"))

    def failing(self):
        """Errors; one in what holds no column may come before the first row, as it does from an index key."""
        return self.one(Query("SELECT id FROM {T} t WHERE status::text::int = 1", "t"),
                        Query("SELECT id FROM {T} t WHERE 1 / (length(status::text) - 4) > 0", "t"),
                        Query("SELECT count(*) FROM {T} t WHERE 1 / (length(status::text) - 4) >= 0", "n"),
                        Query("SELECT id FROM {T} t ORDER BY amount LIMIT %s" % self.one("-1", "(SELECT -1)"), "t"),
                        Query("SELECT id FROM {T} t ORDER BY amount OFFSET %s" % self.one("-1", "(SELECT -1)"), "t"),
                        Query("SELECT id FROM {T} t WHERE amount > 1 / (SELECT n - n FROM picks ORDER BY n LIMIT 1)",
                              "t", eager=True),
                        Query("SELECT id FROM {T} t WHERE amount > 1 / (SELECT n - n FROM picks ORDER BY n LIMIT 1) LIMIT 0", "t"),
                        Query("SELECT id FROM {T} t WHERE status::text = (SELECT (1 / (n - n))::text FROM picks LIMIT 1) LIMIT 0",
                              "t"),
                        Query("SELECT id FROM {T} t WHERE id = (SELECT id FROM picks)", "t", eager=True),
                        Query("SELECT id FROM {T} t WHERE amount = (SELECT amount FROM picks)", "t", eager=True))

    def prepared(self):
        """Run twice with other values, so that what the first leaves behind would show."""
        self.parameters = []
        query = self.one(self.rows, self.rows, self.counts, self.extremes, self.groups, self.lookups,
                         self.ordered_key_only)()
        parameters, self.parameters = self.parameters, None
        names = ", ".join(kind for kind, _ in parameters)
        values = ", ".join(value for _, value in parameters)
        others = ", ".join("NULL" if self.chance(0.15) else value for _, value in parameters)
        before = ["SET plan_cache_mode = force_%s_plan" % self.one("generic", "generic", "custom"),
                  "PREPARE q%s AS %s" % ("(%s)" % names if names else "", query.sql)]
        run = "EXECUTE q%s"
        if self.chance(0.4):
            before.append(run % ("(%s)" % others if names else ""))
        full = query.full
        if full is not None:
            for place in range(len(parameters), 0, -1):
                full = full.replace("$%d" % place, "(%s)::%s" % (parameters[place - 1][1], parameters[place - 1][0]))
        return Query(run % ("(%s)" % values if names else ""), query.kinds, query.keys, full, before,
                     ["DEALLOCATE q", "RESET plan_cache_mode"])

    def cursor(self):
        query = self.rows()
        steps = self.one([], ["MOVE %d IN c" % self.rng.randint(1, 150)], ["MOVE ALL IN c"])
        if steps:
            steps = steps + ["MOVE BACKWARD ALL IN c"]
        return Query("FETCH ALL IN c", query.kinds, query.keys, query.full,
                     ["BEGIN", "DECLARE c SCROLL CURSOR FOR " + query.sql] + steps, ["COMMIT"])

    def read_to_the_end(self):
        """Links that never expire, wherever they are, by scans that nothing ends early."""
        key = "expiration_date%s%s" % (self.one("", " DESC"), self.one("", " NULLS FIRST", " NULLS LAST"))
        where = self.one("expiration_date IS NULL", "expiration_date IS NULL", "expiration_date IS NULL AND status = 'open'",
                         "expiration_date IS NULL AND %s" % self.status_condition())
        choice = self.rng.randint(0, 4)
        if choice == 0:
            return Query("SELECT t.id, t.amount FROM {T} t WHERE " + where, "tn")
        if choice == 1:
            return Query("SELECT t.expiration_date, t.id FROM {T} t%s ORDER BY %s" % (self.where(0.3), key), "tt", 1)
        if choice == 2:
            return Query("SELECT n FROM picks WHERE id %sIN (SELECT id FROM {T} t WHERE %s)" % (self.one("", "NOT "), where),
                         "n")
        hold = self.chance(0.5)
        sql = self.one("SELECT t.expiration_date, t.id FROM {T} t WHERE " + where,
                       "SELECT t.expiration_date, t.id FROM {T} t ORDER BY " + key)
        return Query("FETCH ALL IN c", "tt", 1,
                     before=["BEGIN", "DECLARE c CURSOR %sFOR %s" % ("WITH HOLD " if hold else "", sql)]
                     + ["COMMIT"] * hold, after=["CLOSE c", "COMMIT"])

    def query(self):
        kinds = ((self.rows, 26), (self.whole_rows, 1), (self.ordered_key_only, 5), (self.counts, 13),
                 (self.groups, 7), (self.distinct, 3),
                 (self.distinct_on, 1), (self.extremes, 5), (self.lookups, 5), (self.joins, 8), (self.correlated, 6),
                 (self.nested, 6),
                 (self.exists, 3), (self.failing, 2), (self.prepared, 10), (self.cursor, 2),
                 (self.made_at_run_time, 14), (self.joined_at_run_time, 12), (self.aggregated_ids, 3), (self.replayed, 8),
                 (self.null_side, 4), (self.by_function, 5), (self.grouped_sets, 2), (self.recursive, 1), (self.writing, 5), (self.scrolled, 5))
        if self.world.partitioned:
            kinds += ((self.partitioned, 50),)
        kind = self.rng.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
        if self.world.only is not None:
            kind = getattr(self, self.world.only)
        query = kind()
        if kind not in (self.by_function, self.writing, self.date_counts) and self.chance(0.08):
            self.through_a_view(query)
        settings = []
        if self.chance(0.8 if self.world.partitioned else 0.1):
            settings += ["SET enable_partitionwise_%s = on" % name for name in ("join", "aggregate")]
        if self.chance(0.5 if kind in (self.joins, self.joined_at_run_time, self.partitioned) else 0.15):
            settings += ["SET %s = off" % name for name in self.rng.sample(PLANNER_SETTINGS, self.rng.randint(1, 4))]
        if self.world.alike:
            settings += ALIKE
        elif self.chance(0.1):
            settings.append("SET TimeZone = '%s'" % self.one(*ZONES))
            settings.append("SET datestyle = '%s'" % self.one(*STYLES))
        if self.chance(0.1):
            settings.append("SET cursor_tuple_fraction = 1")
        if self.chance(0.01):
            settings.append("SET jit = on")
        if self.chance(0.05):
            settings.append("SET work_mem = '64kB'")
        # Gather runs subqueries before it starts its workers, those behind a guard too.
        if self.chance(0.05) and "(SELECT 10 / " not in query.sql and "(SELECT (10 / " not in query.sql:
            settings += ["SET parallel_setup_cost = 0", "SET parallel_tuple_cost = 0", "SET min_parallel_table_scan_size = 0"]
        if self.chance(0.1) and query.sql.startswith(("SELECT", "WITH")):
            query.before.append("EXPLAIN (VERBOSE) " + query.sql)
        query.before = settings + query.before
        query.after += ["RESET " + setting.split()[1] for setting in settings]
        return query
