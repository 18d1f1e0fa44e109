"""
queries.py
    Random queries over a table of payment links that changes while they run, and
    what a link has to be to belong into the answer.  Used by run.py and by
    ../soak/run.py.

In the text of a query {T} stands for the table.
"""

from links import COLUMNS, STATUSES, UNDOCUMENTED, moment

SHOWN = "t.id, t.status, t.amount, t.expiration_date, t.created_at, t.reusable"

# What a condition on status says of statuses that nobody documented: that it does not hold, that it holds, or
# neither.
NO, ALL, SOME = "no", "all", "some"


class Condition:
    """A condition: its text, and whether it holds for a link."""

    def __init__(self, sql, holds):
        self.sql = sql
        self.holds = holds


class StatusCondition(Condition):
    """One on status alone."""

    def __init__(self, sql, rest, of_status):
        super().__init__(sql, lambda link: of_status(link.status))
        self.rest = rest
        self.statuses = frozenset(status for status in STATUSES if of_status(status))


STATUS_CONDITIONS = (
    StatusCondition("true", ALL, lambda status: True),
    StatusCondition("t.status = 'open'", NO, lambda status: status == "open"),
    StatusCondition("t.status IN ('open', 'paid')", NO, lambda status: status in ("open", "paid")),
    StatusCondition("t.status = ANY ('{open,expired,processing}')", NO,
                    lambda status: status in ("open", "expired", "processing")),
    StatusCondition("(t.status = 'canceled' OR t.status = 'open')", NO, lambda status: status in ("canceled", "open")),
    StatusCondition("t.status <> 'paid'", ALL, lambda status: status != "paid"),
    StatusCondition("t.status NOT IN ('paid', 'expired')", ALL, lambda status: status not in ("paid", "expired")),
    StatusCondition("t.status LIKE 'p%'", SOME, lambda status: status.startswith("p")),
    StatusCondition("t.status LIKE '%ed'", SOME, lambda status: status.endswith("ed")),
    StatusCondition("t.status > 'expired'", SOME, lambda status: status > "expired"),
    StatusCondition("lower(t.status) < 'p'", SOME, lambda status: status < "p"),
    StatusCondition("t.status IN ('open', '%s')" % UNDOCUMENTED, SOME, lambda status: status in ("open", UNDOCUMENTED)),
    StatusCondition("t.status = '%s'" % UNDOCUMENTED, SOME, lambda status: status == UNDOCUMENTED),
)
ANY_STATUS = STATUS_CONDITIONS[0]


class OrderKey:
    """An item of ORDER BY."""

    def __init__(self, column, descending, nulls_first):
        self.column = column
        self.descending = descending
        self.nulls_first = descending if nulls_first is None else nulls_first
        self.sql = "t.%s%s%s" % (column, " DESC" if descending else "",
                                 {None: "", True: " NULLS FIRST", False: " NULLS LAST"}[nulls_first])

    def place(self, link):
        """What sorts links by it."""
        value = link.number if self.column == "id" else getattr(link, self.column)
        if value is None:
            return not self.nulls_first, 0
        return self.nulls_first, -value if self.descending else value


class Query:
    """
    shape       what the rows of the answer are:
                "links" (SHOWN), "number" (a count), "groups" (status, count), "extreme" (one value),
                "joined" (n of a group, SHOWN): links for each of the groups, or scans,
                "paired" (SHOWN of one scan and of another, side by side), or "united" (SHOWN of either)
    holds       whether a link belongs into the answer; of "joined", "paired" and "united": a list of them, by
                group or scan
    filters     the listings that it may read, as Lengths takes them
    order       OrderKeys; limit, offset
    steps       of a cursor: how many links to fetch, one time after the other; None: all that are left
    setup       statements before it
    """

    def __init__(self, shape, sql, holds, filters):
        self.shape = shape
        self.sql = sql
        self.holds = holds
        self.filters = [None, frozenset(STATUSES)] + [each for each in filters if len(each) < len(STATUSES)]
        self.filtered = len(self.filters) > 2
        self.order = []
        self.limit = None
        self.offset = 0
        self.steps = None
        self.setup = []
        self.number = None          # of "number": how it comes about, a condition on status or None
        self.extreme = None         # of "extreme": (column, max or min)
        self.replayed = False       # of "joined": all groups are of one reading
        self.reads_all = False      # every page of the listing has to be read


class Generator:
    """Queries about these links."""

    def __init__(self, rng, links):
        self.rng = rng
        self.links = links or []
        self.values = {column: sorted({getattr(link, column) for link in self.links} - {None}) for column in COLUMNS}

    def chance(self, share):
        return self.rng.random() < share

    def value(self, column):
        """A value of that column, of some link or between two or beyond all of them; and its text."""
        values = self.values[column] or [0]
        at = self.rng.randrange(len(values))
        value = self.rng.choice((values[at], values[at], (values[at] + values[-1]) / 2, values[0] - 1, values[-1] + 1))
        if column == "amount":
            value = round(value, 2)
            return value, "%s" % value
        return int(value), "timestamptz '%s'" % moment(int(value), " ", "+00")

    # Conditions

    def bound(self, column):
        if column == "expiration_date" and self.chance(0.3):
            if self.chance(0.5):
                return Condition("t.expiration_date IS NULL", lambda link: link.expiration_date is None)
            return Condition("t.expiration_date IS NOT NULL", lambda link: link.expiration_date is not None)
        low, low_text = self.value(column)
        high, high_text = self.value(column)
        if low > high and self.chance(0.9):
            low, low_text, high, high_text = high, high_text, low, low_text

        def of(compare):
            def holds(link):
                value = getattr(link, column)
                return value is not None and compare(value)
            return holds

        return self.rng.choice((
            Condition("t.%s >= %s" % (column, low_text), of(lambda value: value >= low)),
            Condition("t.%s > %s" % (column, low_text), of(lambda value: value > low)),
            Condition("t.%s <= %s" % (column, high_text), of(lambda value: value <= high)),
            Condition("t.%s < %s" % (column, high_text), of(lambda value: value < high)),
            Condition("t.%s = %s" % (column, low_text), of(lambda value: value == low)),
            Condition("t.%s BETWEEN %s AND %s" % (column, low_text, high_text),
                      of(lambda value: low <= value <= high)),
            Condition("t.%s >= %s AND t.%s < %s" % (column, low_text, column, high_text),
                      of(lambda value: low <= value < high))))

    def status(self, share=0.55):
        return self.rng.choice(STATUS_CONDITIONS[1:]) if self.chance(share) else ANY_STATUS

    def conditions(self):
        """The condition on status, and all of them."""
        status = self.status()
        conditions = [status] if status is not ANY_STATUS else []
        if self.chance(0.35):
            conditions.append(self.bound(self.rng.choice(("amount", "expiration_date"))))
        if self.chance(0.06):
            conditions.append(self.bound(self.rng.choice(COLUMNS)))
        if self.chance(0.06):
            conditions.append(Condition("t.reusable", lambda link: link.reusable))
        if self.chance(0.03):
            # What it implies of the status is asked for.
            conditions = [Condition("(t.status = 'open' AND t.reusable OR t.status = 'expired')",
                                    lambda link: link.status == "open" and link.reusable or link.status == "expired")]
            return StatusCondition("", NO, lambda status: status in ("open", "expired")), conditions
        return status, conditions

    @staticmethod
    def where(conditions):
        return " WHERE " + " AND ".join(each.sql for each in conditions) if conditions else ""

    @staticmethod
    def all_hold(conditions):
        return lambda link: all(each.holds(link) for each in conditions)

    # Queries

    def key(self, column):
        return OrderKey(column, self.chance(0.5), self.rng.choice((None, None, True, False)))

    def rows(self):
        status, conditions = self.conditions()
        query = Query("links", "SELECT %s FROM {T} t%s" % (SHOWN, self.where(conditions)), self.all_hold(conditions),
                      [status.statuses])
        if self.chance(0.65):
            column = self.rng.choice(("amount", "expiration_date", "expiration_date", "created_at"))
            query.order = [self.key(column)]
            if self.chance(0.15):
                query.order.append(self.key("id"))
            query.sql += " ORDER BY " + ", ".join(key.sql for key in query.order)
        if self.chance(0.25):
            self.give_steps(query)
            return query
        if self.chance(0.35):
            count = len(self.links)
            query.limit = self.rng.choice((1, 2, 3, self.rng.randint(1, count + 3), self.rng.randint(1, count + 3)))
            query.sql += " LIMIT %d" % query.limit
        if self.chance(0.2):
            query.offset = self.rng.randint(1, len(self.links) + 3)
            query.sql += " OFFSET %d" % query.offset
        query.reads_all = conditions in ([], [status]) and query.limit is None and query.offset == 0
        return query

    def give_steps(self, query):
        """Some links at a time, then the others or none."""
        query.steps = [self.rng.choice((1, 2, 3, 5, 8, 13)) for _ in range(self.rng.randint(1, 5))]
        if self.chance(0.6):
            query.steps.append(None)
        if self.chance(0.3):
            query.setup.append("SET LOCAL cursor_tuple_fraction = 1")

    def count(self):
        status, conditions = self.conditions()
        name = self.rng.choice(("count(*)", "count(*)", "count(1)", "count(t.id)"))
        query = Query("number", "SELECT %s FROM {T} t%s" % (name, self.where(conditions)), self.all_hold(conditions),
                      [status.statuses])
        if conditions in ([], [status]):
            query.number = status
        return query

    def groups(self):
        status = self.status()
        return Query("groups", "SELECT t.status, count(*) FROM {T} t WHERE %s GROUP BY t.status" % status.sql,
                     status.holds, [status.statuses])

    def extreme(self):
        status = self.status()
        column = self.rng.choice(("amount", "expiration_date"))
        name = self.rng.choice(("min", "max"))
        query = Query("extreme", "SELECT %s(t.%s) FROM {T} t WHERE %s" % (name, column, status.sql),
                      lambda link: status.holds(link) and getattr(link, column) is not None, [status.statuses])
        query.extreme = (column, max if name == "max" else min)
        return query

    def ids(self, most):
        """Of links, and of one that is not there."""
        chosen = self.rng.sample(self.links, min(self.rng.randint(1, most), len(self.links)))
        return [link.id for link in chosen] + ["00000000-0000-7000-8000-000000000000"]

    def lookup(self):
        ids = self.ids(6)
        conditions = [Condition("t.id = ANY ('{%s}')" % ",".join(ids), lambda link: link.id in ids)]
        if self.chance(0.3):
            conditions = [Condition("t.id = '%s'" % ids[0], lambda link: link.id == ids[0])]
        if self.chance(0.3):
            conditions.append(self.status(1))
        return Query("links", "SELECT %s FROM {T} t%s" % (SHOWN, self.where(conditions)), self.all_hold(conditions), [])

    def join(self):
        return self.rng.choice((self.replayed, self.read_anew, self.looked_up, self.merged, self.appended))()

    def replayed(self):
        """The links are read once, for the first group, and then come from memory."""
        status, conditions = self.conditions()
        lows = [self.value("amount")[0] for _ in range(self.rng.randint(1, 3))]
        query = Query("joined",
                      "SELECT p.n, %s FROM (VALUES (0, '-infinity'::numeric), %s) p(n, low)"
                      " JOIN {T} t ON t.amount >= p.low%s"
                      % (SHOWN, ", ".join("(%d, %s)" % (n + 1, low) for n, low in enumerate(lows)),
                         self.where(conditions)),
                      [self.all_hold(conditions)] + [self.at_least(low, self.all_hold(conditions)) for low in lows],
                      [status.statuses])
        query.setup = ["SET LOCAL enable_material = off"]
        query.replayed = True
        return query

    @staticmethod
    def at_least(low, holds):
        return lambda link: link.amount >= low and holds(link)

    def read_anew(self):
        """Each group has a status of its own."""
        statuses = self.rng.sample(STATUSES, self.rng.randint(2, 3))
        return Query("joined",
                     "SELECT p.n, %s FROM (VALUES %s) p(n, status) CROSS JOIN LATERAL (SELECT * FROM {T} t"
                     " WHERE t.status = p.status OFFSET 0) t"
                     % (SHOWN, ", ".join("(%d, '%s')" % each for each in enumerate(statuses))),
                     [self.of_status(status) for status in statuses], [frozenset([status]) for status in statuses])

    @staticmethod
    def of_status(status):
        return lambda link: link.status == status

    def looked_up(self):
        ids = self.ids(4)
        return Query("joined", "SELECT p.n, %s FROM (VALUES %s) p(n, id) JOIN {T} t ON t.id = p.id"
                     % (SHOWN, ", ".join("(%d, '%s'::uuid)" % each for each in enumerate(ids))),
                     [self.of_id(identity) for identity in ids], [])

    @staticmethod
    def of_id(identity):
        return lambda link: link.id == identity

    def merged(self):
        """A merge join loses links where the order does not hold."""
        amounts = sorted({self.value("amount")[0] for _ in range(self.rng.randint(1, 6))})
        query = Query("links", "SELECT %s FROM {T} t JOIN (VALUES %s) p(amount) USING (amount)"
                      % (SHOWN, ", ".join("(%s::numeric)" % amount for amount in amounts)),
                      lambda link: link.amount in amounts, [])
        query.setup = ["SET LOCAL enable_hashjoin = off", "SET LOCAL enable_nestloop = off"]
        return query

    def appended(self):
        """Scans that run at the same time."""
        parts = []
        for status in self.rng.sample([each for each in STATUS_CONDITIONS if each.rest == NO or each is ANY_STATUS],
                                      self.rng.randint(2, 3)):
            parts.append([status] + ([self.bound("amount")] if self.chance(0.3) else []))
        return Query("joined", " UNION ALL ".join("SELECT %d, %s FROM {T} t%s" % (n, SHOWN, self.where(conditions))
                                                  for n, conditions in enumerate(parts)),
                     [self.all_hold(conditions) for conditions in parts], [part[0].statuses for part in parts])

    def read_twice(self):
        """Two scans of the list in one query.  Each keeps its promise; what they found may differ."""
        sides = []
        for _ in range(2):
            status = self.status(0.35)
            sides.append((status, [status] + ([self.bound("amount")] if self.chance(0.2) else [])))
        if self.chance(0.6):
            sides[1] = sides[0]
        parts = ["SELECT %s FROM {T} t%s" % (SHOWN, self.where(conditions)) for _, conditions in sides]
        paired = self.chance(0.7)
        if paired:
            sql = "SELECT %s, %s FROM (%s) a FULL JOIN (%s) b ON a.id = b.id" % (
                SHOWN.replace("t.", "a."), SHOWN.replace("t.", "b."), *parts)
        else:
            sql = " UNION ".join(parts)
        holds = [self.all_hold(conditions) for _, conditions in sides]
        if sides[0] is sides[1]:
            holds[1] = holds[0]
        query = Query("paired" if paired else "united", sql, holds, [status.statuses for status, _ in sides])
        query.setup = self.rng.choice(([], ["SET LOCAL enable_hashjoin = off"], ["SET LOCAL enable_hashagg = off"]))
        return query

    def query(self):
        kinds = ((self.rows, 60), (self.count, 13), (self.groups, 4), (self.extreme, 3), (self.lookup, 7),
                 (self.join, 13), (self.read_twice, 8))
        return self.rng.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]()
