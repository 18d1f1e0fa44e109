"""
links.py
    Links, and a list of them that changes.  Used by run.py and by ../soak/run.py.
"""

import datetime
import json
import uuid
from decimal import Decimal

STATUSES = ("open", "expired", "canceled", "paid", "processing")
UNDOCUMENTED = "refunded"

DAY = 86400
START = 1735689600          # 2025-01-01T00:00:00Z
ZERO_DATE = "0001-01-01T00:00:00Z"

# A list is listed, and searched, by one of these.
COLUMNS = ("created_at", "amount", "expiration_date")


def moment(seconds, separator="T", zone="Z"):
    time = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return time.strftime("%Y-%m-%d" + separator + "%H:%M:%S") + zone


class Link:
    """A link as it is at some time.  Times are in seconds; one that never expires has None."""

    __slots__ = ("id", "number", "status", "amount", "amount_text", "expiration_date", "created_at", "reusable")

    def __init__(self, id, status, amount_text, expiration_date, created_at, reusable):
        self.id = id
        self.number = uuid.UUID(id).int
        self.status = status
        self.amount_text = amount_text
        self.amount = Decimal(amount_text)
        self.expiration_date = expiration_date
        self.created_at = created_at
        self.reusable = reusable

    def restated(self, status):
        return Link(self.id, status, self.amount_text, self.expiration_date, self.created_at, self.reusable)

    def text(self):
        """As the API sends it."""
        return json.dumps({
            "id": self.id, "status": self.status,
            "expiration_date": ZERO_DATE if self.expiration_date is None else moment(self.expiration_date),
            "potential_payment_methods": [], "amount": {"value": self.amount_text, "currency": "EUR"},
            "resource_type": "Basket", "reusable": self.reusable, "created_at": moment(self.created_at),
            "url": "https://pay.qonto.com/payment-links/" + self.id})

    def row(self, null):
        """As psql shows the columns of queries.SHOWN."""
        return (self.id, self.status, self.amount_text,
                null if self.expiration_date is None else moment(self.expiration_date, " ", "+00"),
                moment(self.created_at, " ", "+00"), "t" if self.reusable else "f")


class Maker:
    """Makes links: with ties, and so many of them without a date of expiry."""

    def __init__(self, rng, zero_share, statuses=STATUSES):
        self.rng = rng
        self.zero_share = zero_share
        self.statuses = statuses

    def link(self, **values):
        rng = self.rng
        amount = values.get("amount")
        if amount is None:
            amount = Decimal(rng.randint(-2, 15)) if rng.random() < 0.5 else Decimal(rng.randint(-500, 6000)) / 100
        text = format(amount, "f")
        if "." not in text:
            text += rng.choice(("", ".0", ".00"))
        if "expiration_date" in values:
            expires = values["expiration_date"]
        elif rng.random() < self.zero_share:
            expires = None
        else:
            expires = START + DAY * rng.randint(0, 40) + rng.choice((0, 0, DAY - 1, rng.randint(0, DAY)))
        return Link(str(uuid.UUID(int=rng.getrandbits(128))), values.get("status") or rng.choice(self.statuses), text,
                    expires, values.get("created_at") or START + 60 * rng.randint(0, 300), rng.random() < 0.5)

    def beside(self, links, column):
        """A link at a place among those in the order of a column: at an end, between two, or equal to one."""
        values = sorted({getattr(link, column) for link in links} - {None})
        if not values:
            return self.link()
        at = self.rng.randrange(len(values))
        step = Decimal("0.01") if column == "amount" else 1
        value = self.rng.choice((values[0] - step, values[-1] + step, values[at],
                                 (values[at] + values[(at + 1) % len(values)]) / 2))
        if column != "amount":
            return self.link(**{column: int(value)})
        return self.link(amount=round(value, 4).normalize() + 0)


class Lengths:
    """
    How long the listings of a list are in its states.  No reader of numbered pages can
    tell two listings of the same length apart, so none may differ in that way.
    """

    def __init__(self, filters):
        """A filter is a set of statuses; None is the whole list."""
        self.filters = filters
        self.known = {}

    def listings(self, state):
        for statuses in self.filters:
            ids = frozenset(link.id for link in state.values() if statuses is None or link.status in statuses)
            # All links and those of the five statuses are compared with each other.
            kind = None if statuses is None or len(statuses) == len(STATUSES) else statuses
            yield (kind, len(ids)), ids

    def admit(self, state):
        """Whether the state can be told from all those before it; then it is one of them."""
        found = list(self.listings(state))
        if any(self.known.get(length, ids) != ids for length, ids in found):
            return False
        self.known.update(found)
        return True


class History:
    """The states of a list, one after the other: links by their ids."""

    def __init__(self, rng, maker, column, links, filters, restated):
        """Links come and go in the order of that column; such a share of changes is one of statuses."""
        self.rng = rng
        self.restated = restated
        self.maker = maker
        self.column = column
        self.lengths = Lengths(filters)
        self.states = [{link.id: link for link in links}]
        self.lengths.admit(self.states[0])

    def go_on(self):
        """Appends a state that differs from the last one; False where none was found."""
        for _ in range(20):
            state = self.another()
            if state != self.states[-1] and self.lengths.admit(state):
                self.states.append(state)
                return True
        return False

    def another(self):
        rng = self.rng
        if len(self.states) > 1 and rng.random() < 0.05:
            return dict(rng.choice(self.states[:-1]))
        state = dict(self.states[-1])
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            kind = rng.random()
            if rng.random() < self.restated:
                for identity in rng.sample(sorted(state), min(rng.choice((1, 1, 2, 4)), len(state))):
                    state[identity] = state[identity].restated(rng.choice(self.maker.statuses))
            elif kind < 0.48:
                self.insert(state, rng.choice((1, 1, 2, 3)))
            elif kind < 0.91:
                self.remove(state, rng.choice((1, 1, 2, 3, 8)))
            elif kind < 0.97:
                self.insert(state, rng.randint(5, 20))
            else:
                state.clear()
        return state

    def insert(self, state, count):
        if len(state) > 150:
            return
        for _ in range(count):
            link = self.maker.beside(state.values(), self.column) if self.rng.random() < 0.7 else self.maker.link()
            state[link.id] = link

    def remove(self, state, count):
        """From an end, the middle, or here and there."""
        def place(link):
            value = getattr(link, self.column)
            return value is not None, value or 0, link.id

        links = sorted(state.values(), key=place)
        count = min(count, len(links))
        at = self.rng.choice((0, len(links) - count, self.rng.randint(0, len(links) - count)))
        gone = self.rng.sample(links, count) if self.rng.random() < 0.4 else links[at:at + count]
        for link in gone:
            del state[link.id]


def change(old, new):
    """What the sample API has to do to get from one state to another."""
    return {"remove": [identity for identity in old if identity not in new],
            "raw": [link.text() for identity, link in new.items() if identity not in old],
            "set_status": {identity: link.status for identity, link in new.items()
                           if identity in old and old[identity].status != link.status}}
