"""
conditions.py
    Random literals, and conditions on every column of a table of payment links.
    Used by queries.py.
"""

import random

STATUSES = ("open", "expired", "canceled", "paid", "processing")
UNKNOWN_ID = "00000000-0000-7000-8000-000000000000"


class World:
    """What literals are drawn from: the links as the API has them."""

    def __init__(self, links, labels, id_type, partitioned=False, only=None, alike=False):
        self.ids = [link["id"] for link in links] or [UNKNOWN_ID]
        self.amounts = [link["amount"]["value"] for link in links if link.get("amount")] or ["10.00"]
        self.expirations = [link["expiration_date"] for link in links
                            if not (link.get("expiration_date") or "0001").startswith("0001")] or ["2025-03-01T00:00:00Z"]
        self.created = [link["created_at"] for link in links if link.get("created_at")] or ["2025-01-02T00:00:00Z"]
        self.invoices = [link["invoice_id"] for link in links if link.get("invoice_id")] or [UNKNOWN_ID]
        self.labels = labels        # of the status column's enum, or None
        self.id_type = id_type
        self.partitioned = partitioned      # by account; then inv is, too
        self.only = only            # the kind of queries, by the name of the generator's method
        self.alike = alike          # moments an hour apart are the same text


class Conditions:
    """What a WHERE clause is made of; the same for the same seed."""

    def __init__(self, world, seed):
        self.world = world
        self.rng = random.Random(seed)
        self.parameters = None      # (type, literal) of each, while one is prepared

    # Literals

    def one(self, *choices):
        return self.rng.choice(choices)

    def chance(self, share):
        return self.rng.random() < share

    def value(self, literal, type_name):
        """A literal, or a parameter in a prepared query."""
        if self.parameters is None or self.chance(0.3):
            return literal
        if self.chance(0.06):
            literal = "NULL"
        self.parameters.append((type_name, literal))
        return "$%d" % len(self.parameters)

    def status(self, any_text=True):
        if self.world.labels is not None:
            return "'%s'" % self.one(*self.world.labels)
        if any_text and self.chance(0.2):
            return "'%s'" % self.one("refunded", "refunded", "refunded", "cancelled", "Open", "", "p")
        return "'%s'" % self.one(*STATUSES)

    def statuses(self, nulls=True):
        values = [self.status() for _ in range(self.rng.randint(1, 4))]
        if nulls and self.chance(0.15):
            values.insert(self.rng.randint(0, len(values)), "NULL")
        return values

    def amount(self):
        literal = self.rng.choice(self.world.amounts)
        kind = self.rng.random()
        if kind < 0.1:
            return self.one("0", "-5", "1e20", "'NaN'::numeric", "'Infinity'::numeric", "NULL::numeric",
                            "'-Infinity'::numeric")
        if kind < 0.25:
            return self.value(str(int(float(literal))), self.one("bigint",
                                                                 "int" if float(literal) < 2e9 else "bigint"))
        if kind < 0.3:
            return literal + "::float8"
        if kind < 0.4:
            literal += self.one("1", "01") if "." in literal else ".01"
        return self.value(literal, "numeric")

    def moment(self, values):
        literal = self.rng.choice(values)
        kind = self.rng.random()
        if kind < 0.06:
            return self.one("'infinity'::timestamptz", "'-infinity'::timestamptz", "NULL::timestamptz", "now()",
                            "'0001-01-01 00:00:00+00'::timestamptz", "current_date", "'infinity'::date")
        if kind < 0.22:
            return self.value("date '%s'" % literal[:10], "date")
        if kind < 0.34:
            return self.value("timestamp '%s'" % literal.rstrip("Z"), "timestamp")
        if kind < 0.42:
            return "timestamptz '%s' + interval '%s'" % (literal, self.one("1 day", "-1 second", "1 month", "0"))
        return self.value("timestamptz '%s'" % literal, "timestamptz")

    def id(self):
        if self.chance(0.2):
            return "'%s'" % self.one(UNKNOWN_ID, "ffffffff-ffff-ffff-ffff-ffffffffffff")
        return "'%s'" % self.rng.choice(self.world.ids)

    # Conditions

    def status_condition(self):
        literal = self.status
        choice = self.rng.randint(0, 21 if self.world.labels is None else 11)
        if choice == 0:
            return "status = %s" % self.value(literal(),
                                              "text") if self.world.labels is None else "status = " + literal()
        if choice == 1:
            return "status %s %s" % (self.one("<>", "!="), literal())
        if choice in (2, 3):
            return "status %s (%s)" % (self.one("IN", "NOT IN"), ", ".join(self.statuses()))
        if choice == 4:
            return "status IS %sDISTINCT FROM %s" % (self.one("", "NOT "), self.one(literal(), literal(), "NULL"))
        if choice == 5:
            return "status IS %sNULL" % self.one("", "NOT ")
        if choice == 6:
            return "status %s %s" % (self.one("<", "<=", ">", ">="), literal())
        if choice == 7:
            return "status BETWEEN %s AND %s" % (literal(), literal())
        if choice == 8:
            return "CASE WHEN status = %s THEN %s ELSE status = %s END" % (literal(),
                                                                           self.one("true", "false", "NULL"),
                                                                           literal())
        if choice == 9:
            return "(status = %s) IS %s%s" % (literal(), self.one("", "NOT "), self.one("TRUE", "FALSE", "UNKNOWN"))
        if choice == 10:
            return "%s = status" % literal()
        if choice == 11:
            return "status::text %s '%s'" % (self.one("=", "<>", "LIKE", "<"), self.one(*STATUSES))
        if choice == 12:
            return "status %s '%s'" % (self.one("LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"),
                                       self.one("%p%", "open", "_pen", "%ed", "P%", "%", "", "r%", "z%"))
        if choice == 13:
            return "%s(status) = '%s'" % (self.one("lower", "upper", "initcap"),
                                          self.one("open", "PAID", "Expired", "refunded", "REFUNDED"))
        if choice == 14:
            return "status %s '%s'" % (self.one("~", "!~", "~*"), self.one("^p", "ed$", "^(open|re)", "x", "^ref"))
        if choice == 15:
            array = "ARRAY[%s]::text[]" % ", ".join(self.statuses())
            return "status %s (%s)" % (self.one("= ANY", "<> ALL", "= ALL", "<> ANY"), self.value(array, "text[]"))
        if choice == 16:
            return "length(status) %s %d" % (self.one("=", ">", "<"), self.rng.randint(3, 10))
        if choice == 17:
            return "coalesce(nullif(status, %s), 'none') %s %s" % (literal(), self.one("=", "<>"),
                                                                   self.one("'none'", literal()))
        if choice == 18:
            return "CASE status WHEN %s THEN amount > %s ELSE status <> %s END" % (literal(), self.amount(),
                                                                                   literal())
        if choice == 19:
            return "status = %s" % self.one("currency", "lower(%s)" % literal(), "(SELECT max(status) FROM picks)",
                                            "NULL",
                                            "current_setting('differential.status')", "left(%s, 4)" % literal())
        if choice == 20:
            return "status || '' %s %s" % (self.one("=", "<>"), literal())
        return "(status, currency) %s (%s, 'EUR')" % (self.one("=", "<>", "<", ">="), literal())

    def range_condition(self, column, bound):
        choice = self.rng.randint(0, 15)
        operator = self.one("<", "<=", "=", ">=", ">", "<", "<=", ">=", ">", "<>")
        if choice <= 5:
            return "%s %s %s" % (column, operator, bound())
        if choice == 6:
            return "%s %s %s" % (bound(), operator, column)
        if choice == 7:
            return "%s %sBETWEEN %s%s AND %s" % (column, self.one("", "", "NOT "), self.one("", "", "SYMMETRIC "),
                                                 bound(), bound())
        if choice in (8, 9):
            return "(%s %s %s AND %s %s %s)" % (column, self.one(">", ">="), bound(), column, self.one("<", "<="),
                                                bound())
        if choice in (10, 11):
            return "%s IS %sNULL" % (column, self.one("", "NOT "))
        if choice == 12:
            return "%s %s (%s)" % (column, self.one("IN", "IN", "NOT IN"),
                                   ", ".join(bound() for _ in range(self.rng.randint(1, 3))))
        if choice == 13:
            return "%s IS %sDISTINCT FROM %s" % (column, self.one("", "NOT "), bound())
        if choice == 14:
            return "(%s %s %s) IS %s" % (column, operator, bound(),
                                         self.one("TRUE", "NOT TRUE", "UNKNOWN", "NOT FALSE", "NOT UNKNOWN"))
        return "%s %s (SELECT %s(%s) FROM %s)" % (column, operator, self.one("min", "max"), column,
                                                  self.one("{T}", "picks", "picks WHERE false"))

    def amount_condition(self):
        if self.chance(0.06):
            return self.one("amount %% 2 = %d" % self.rng.randint(0, 1), "amount * 2 > %s" % self.amount(),
                            "-amount < %s" % self.amount())
        return self.range_condition("amount", self.amount)

    def expiration_condition(self):
        if self.chance(0.08):
            return self.one("expiration_date > created_at + interval '40 days'",
                            "extract(month FROM expiration_date) = 3",
                            "expiration_date::date = date '%s'" % self.rng.choice(self.world.expirations)[:10],
                            "coalesce(expiration_date, 'infinity') > %s" % self.moment(self.world.expirations),
                            "expiration_date < created_at")
        return self.range_condition("expiration_date", lambda: self.moment(self.world.expirations))

    def id_condition(self):
        choice = self.rng.randint(0, 8)
        some = [self.id() for _ in range(self.rng.randint(1, 12))]
        array = "ARRAY[%s]::%s[]" % (", ".join(some), self.world.id_type)
        if choice == 0:
            return "id = %s" % self.value(self.id() + "::" + self.world.id_type, self.world.id_type)
        if choice in (1, 2):
            return "id IN (%s)" % ", ".join(some + ["NULL"] * (self.chance(0.1)))
        if choice == 3:
            return "id = ANY (%s)" % self.value(array, self.world.id_type + "[]")
        if choice == 4:
            return "id IN (SELECT id FROM picks WHERE n %s %d)" % (self.one("<", ">"), self.rng.randint(0, 12))
        if choice == 5:
            return "id %s %s" % (self.one("<", ">=", "<>"), self.id())
        if choice == 6:
            return "id = (SELECT %s(id::text)::%s FROM picks)" % (self.one("min", "max"), self.world.id_type)
        if choice == 7:
            return "(%s)" % " OR ".join(self.id_arm(array) for _ in range(self.rng.randint(2, 4)))
        return "id = ANY ((SELECT array_agg(id) FROM picks WHERE n < %d)::%s[])" % (self.rng.randint(0, 9),
                                                                                    self.world.id_type)

    def id_arm(self, array):
        """An arm of an OR that names ids, as a rule alone."""
        one = self.value(self.id() + "::" + self.world.id_type, self.world.id_type)
        arm = self.one("id = %s" % one, "%s = id" % one, "id = ANY (%s)" % self.value(array, self.world.id_type + "[]"),
                       "id IN (%s, %s)" % (self.id(), one), "id = (SELECT id FROM picks WHERE n = 4)")
        if self.chance(0.3):
            return "(%s AND %s)" % (arm, self.one(self.status_condition(), self.other_condition()))
        return self.other_condition() if self.chance(0.05) else arm

    def other_condition(self):
        return self.one(
            "reusable", "NOT reusable", "reusable IS NULL", "reusable = %s" % self.value("true", "boolean"),
            "currency = '%s'" % self.one("EUR", "USD", "XXX"), "currency > 'EUR'",
                        "resource_type = '%s'" % self.one("Basket", "Invoice"),
            "url LIKE '%%%s%%'" % self.one("a1", "pay", "zz"), "'paypal' = ANY (potential_payment_methods)",
            "potential_payment_methods @> '{ideal}'", "potential_payment_methods = '{}'", "invoice_id IS NULL",
            "invoice_id = '%s'" % self.rng.choice(self.world.invoices), "invoice_number LIKE 'F-2025-00%'",
                        "debitor_name IS NOT NULL",
            "debitor_name ~ 'é'", "items IS NULL", "jsonb_array_length(items) > 1", "attrs ->> 'status' = 'open'",
            "(attrs -> 'amount' ->> 'value')::numeric > 100",
                        "EXISTS (SELECT 1 FROM payment_link_items(items) WHERE quantity > 1)",
            "created_at %s %s" % (self.one("<", ">="), self.moment(self.world.created)), "created_at IS NOT NULL",
            "true", "false", "NULL", "EXISTS (SELECT 1 FROM picks WHERE picks.id = t.id)",
            "EXISTS (SELECT 1 FROM {T} i WHERE i.amount = t.amount AND i.id <> t.id)")

    def leaf(self):
        kind = self.rng.random()
        if kind < 0.4:
            return self.status_condition()
        if kind < 0.62:
            return self.amount_condition()
        if kind < 0.84:
            return self.expiration_condition()
        if kind < 0.88:
            return self.id_condition()
        return self.other_condition()

    def condition(self, depth=2):
        kind = self.rng.random()
        if depth == 0 or kind < 0.5:
            return self.leaf()
        if kind < 0.6:
            return "NOT (%s)" % self.condition(depth - 1)
        joined = " AND " if kind < 0.84 else " OR "
        return "(%s)" % joined.join(self.condition(depth - 1) for _ in range(self.rng.randint(2, 3)))

    def pushable(self):
        """Conditions that the API or the reader may answer alone."""
        kind = self.rng.random()
        if kind < 0.3:
            return self.status_condition()
        if kind < 0.5:
            return self.amount_condition()
        if kind < 0.7:
            return self.expiration_condition()
        column, bound = self.one(("amount", self.amount), ("expiration_date",
                                                           lambda: self.moment(self.world.expirations)))
        parts = [self.range_condition(column, bound), self.one(self.status_condition,
                                                               lambda: self.range_condition(column, bound))()]
        return " AND ".join(parts + ([self.status_condition()] if self.chance(0.3) else []))

    def where(self, share=0.8):
        if not self.chance(share):
            return ""
        return " WHERE " + (self.pushable() if self.chance(0.6) else self.condition())
