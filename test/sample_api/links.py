"""
links.py
    The links that the sample API holds: made from a count and a seed, kept as
    JSON text, listed in the orders the API offers.  Used by api.py.

A link keeps its text as it is sent, byte for byte, so that a test can hand in
what no generator would write (1.10, 1E400, a key twice, a 30-digit number).
"""

import datetime
import json
import random
import re
import time
from decimal import Decimal, InvalidOperation

STATUSES = ("open", "expired", "canceled", "paid", "processing")
SORTS = ("amount:asc", "amount:desc", "expiration_date:asc", "expiration_date:desc")

# The settings that decide what is made; changing one makes the links anew.
GENERATION = {
    "count": 10000,
    "seed": 1,
    "zero_share": 0.2,              # share of links with the zero date
    "zero_text": "0001-01-01T00:00:00Z",
    "undocumented_share": 0.0,      # share of links with undocumented_status
    "undocumented_status": "refunded",
    "null_fields": {},              # field: share of links where it is null
    "missing_fields": {},           # field: share of links without it
}

# The settings that decide in which order links are listed, with their values.
LISTING = {
    "list_order": ("newest", "oldest", "given"),
    "null_block": ("lowest", "first", "last", "middle", "both"),
    "tie_break": ("id", "id_desc", "unstable"),
    "broken_order": ("none", "swap", "reverse", "ignored", "text"),
}

# Status and its cumulative share.
STATUS_SHARES = (("paid", 0.40), ("open", 0.75), ("expired", 0.87),
                 ("canceled", 0.95), ("processing", 1.0))
CURRENCY_SHARES = (("EUR", 0.85), ("USD", 0.92), ("GBP", 0.97), ("CHF", 1.0))
METHODS = ('["credit_card"]', '["credit_card","paypal"]',
           '["credit_card","apple_pay","paypal","ideal"]', '["ideal"]', "[]")
DEBITORS = ("Example Client SARL", "Société Générique d'Électricité", "Müller & Söhne GmbH",
            "Łódź Design Sp. z o.o.", "O'Connor \\\"Fish\\\" Ltd", "株式会社サンプル",
            "Atelier Zoé 🎨", "Caf\\u00e9 \\ud83d\\ude80 SAS")

# title as JSON text, type, description, measure_unit, net price in cents,
# vat_rate as sent, the same per mille.  One rate is sent as a fraction: both
# scales have been seen.
PRODUCTS = (
    ("Workshop seat", "service", "Morning session", "unit", 1000, "20.0", 200),
    ("Café crème ☕", "good", "", "unit", 250, "5.5", 55),
    ("Crêpe au sucre 🥞", "good", "Beurre salé", "unit", 480, "10.0", 100),
    ("Conseil (½ journée)", "service", "Sur place", "day", 45000, "20", 200),
    ("Huile d'olive", "good", "Pressée à froid", "litre", 1209, "5.5", 55),
    ("T-shirt « été »", "good", "Taille M", "unit", 1999, "20.0", 200),
    ("Na\\u00efve art print \\ud83d\\uddbc", "good", "A3", "unit", 3500, "0.21", 210),
    ("Donation", "service", "", "", 500, "0", 0),
)
# Quantity as sent, the same in tenths.
QUANTITIES = (("1", 10), ("1", 10), ("2", 20), ("3", 30), ("1.1", 11), ("2.5", 25), ("10", 100))
TIED_CENTS = (1000, 1330, 12000, 49900, 120050)

START_MS = 1735804800000            # 2025-01-02T08:00:00Z
STEP_MS = 37 * 60 * 1000
DAY_MS = 86400 * 1000

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
ZERO_INSTANT = (datetime.datetime(1, 1, 1, tzinfo=datetime.timezone.utc) - EPOCH) \
    // datetime.timedelta(microseconds=1)


class Link:
    """One link: its text, and what the API filters, sorts and finds it by."""
    __slots__ = ("id", "status", "created", "amount", "amount_text", "expires", "text")

    def __init__(self, id, status, created, amount_text, expires, text):
        self.id = id
        self.status = status
        self.created = created      # microseconds since the epoch, or None
        self.amount_text = amount_text
        try:
            self.amount = Decimal(amount_text)
            if not self.amount.is_finite():
                self.amount = None
        except (InvalidOperation, TypeError, ValueError):
            self.amount = None
        self.expires = expires      # likewise; None for the zero date
        self.text = text            # bytes, sent verbatim


def instant(text):
    """Microseconds since the epoch; None for no date and for the zero date."""
    try:
        value = datetime.datetime.fromisoformat(text)
        if value.tzinfo is None:
            return None
        value = (value - EPOCH) // datetime.timedelta(microseconds=1)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if value == ZERO_INSTANT else value


def link_from_text(text):
    """A link from JSON text, which need not even be JSON: then it has no keys."""
    try:
        value = json.loads(text, parse_float=Decimal)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        value = {}
    amount = value.get("amount")
    amount = amount.get("value") if isinstance(amount, dict) else None
    identity = value.get("id")
    status = value.get("status")
    return Link(identity if isinstance(identity, str) else "", status if isinstance(status, str) else None,
                instant(value.get("created_at")), amount,
                instant(value.get("expiration_date")), text.encode("utf-8", "surrogatepass"))


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def link_from_value(value):
    """A link from a decoded object, or from a string that is its JSON text."""
    return link_from_text(value if isinstance(value, str) else dump(value))


def pick(shares, draw):
    for value, upto in shares:
        if draw < upto:
            return value
    return shares[-1][0]


def money(cents, draw):
    """A decimal string whose scale varies, as the API's does."""
    whole, part = divmod(cents, 100)
    if part == 0 and draw < 0.4:
        return "%d" % whole
    if part % 10 == 0 and draw < 0.6:
        return "%d.%d" % (whole, part // 10)
    return "%d.%02d" % (whole, part)


def utc(ms, fraction=False):
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000))
    return text + (".%03dZ" % (ms % 1000) if fraction else "Z")


def uuid7(ms, rng):
    bits = rng.getrandbits(74)
    return "%08x-%04x-7%03x-%04x-%012x" % (
        ms >> 16, ms & 0xffff, bits >> 62, 0x8000 | (bits >> 48) & 0x3fff, bits & (1 << 48) - 1)


def basket(rng, currency):
    """Items as JSON text, and their sum in cents with VAT."""
    texts = []
    total = 0
    for _ in range(1 + int(rng.random() * rng.random() * 4)):
        title, kind, description, unit, price, vat_text, vat = PRODUCTS[int(rng.random() * len(PRODUCTS))]
        quantity_text, tenths = QUANTITIES[int(rng.random() * len(QUANTITIES))]
        total += (price * tenths * (1000 + vat) + 5000) // 10000
        text = '{"title":"%s","quantity":%s,"unit_price":{"value":"%d.%02d","currency":"%s"},"vat_rate":"%s","type":"%s"' % (
            title, quantity_text, price // 100, price % 100, currency, vat_text, kind)
        if description:
            text += ',"description":"%s"' % description
        if unit:
            text += ',"measure_unit":"%s"' % unit
        texts.append(text + "}")
    return "[" + ",".join(texts) + "]", total


def share_applies(shares, field, draw):
    return field in shares and draw < shares[field]


def make_link(number, settings):
    """
    Link "number" (from 0).  It depends on the seed and its number alone: neither
    the count nor a share changes what else is in it.
    """
    rng = random.Random(settings["seed"] * 1000003 + number)
    draw = rng.random
    ms = START_MS + number * STEP_MS + int(draw() * STEP_MS * 0.8)
    identity = uuid7(ms, rng)
    status = pick(STATUS_SHARES, draw())
    currency = pick(CURRENCY_SHARES, draw())
    zero, undocumented, scale, size, tied = draw(), draw(), draw(), draw(), draw()
    days, whole_day, fraction, method, reusable = draw(), draw(), draw(), draw(), draw()
    nulls, missing = draw(), draw()

    if undocumented < settings["undocumented_share"]:
        status = settings["undocumented_status"]
    expires_ms = (ms // DAY_MS + 1 + int(days * 90)) * DAY_MS
    expires_ms = expires_ms - 1000 if whole_day < 0.9 else expires_ms + ms % DAY_MS
    expiration = settings["zero_text"] if zero < settings["zero_share"] else utc(expires_ms)
    created = utc(ms, fraction < 0.1)

    if draw() < 0.6:
        resource = "Basket"
        items, cents = basket(rng, currency)
        invoice = '"invoice_id":null,"invoice_number":null,"debitor_name":null'
    else:
        resource = "Invoice"
        items = "null"
        if tied < 0.3:
            cents = TIED_CENTS[int(size * len(TIED_CENTS))]
        elif tied > 0.99:
            cents = int(size * 10 ** 16)
        else:
            cents = int(10 ** (3 + size * 3))
        invoice = '"invoice_id":"%s","invoice_number":"F-%s-%04d","debitor_name":"%s"' % (
            uuid7(ms - 60000, rng), created[:4], number + 42, DEBITORS[int(draw() * len(DEBITORS))])
    amount = money(cents, scale)
    text = ('{"id":"%s","status":"%s","expiration_date":"%s","potential_payment_methods":%s,'
            '"amount":{"value":"%s","currency":"%s"},"resource_type":"%s","reusable":%s,'
            '"created_at":"%s","url":"https://pay.qonto.com/payment-links/%s?resource_id=%s",'
            '"items":%s,%s}') % (
                identity, status, expiration, METHODS[int(method * len(METHODS))], amount, currency,
                resource, "true" if resource == "Basket" and reusable < 0.5 else "false", created,
                identity, uuid7(ms - 1000, rng), items, invoice)
    if settings["null_fields"] or settings["missing_fields"]:
        value = json.loads(text, parse_float=Decimal)
        fields = {field for field in value if share_applies(settings["missing_fields"], field, missing)}
        empty = {field for field in value if share_applies(settings["null_fields"], field, nulls)}
        if fields or empty:
            # Decoded fields are dumped again; "items", the only one that holds
            # numbers, is put back as text.
            members = [(field, "null" if field in empty else items if field == "items" else dump(value[field]))
                       for field in value if field not in fields]
            return link_from_text("{" + ",".join('"%s":%s' % member for member in members) + "}")
    return Link(identity, status, instant(created), amount, instant(expiration), text.encode())


class Store:
    """The links, with every listing (status filter and order) cached until they change."""

    def __init__(self):
        self.made = None            # the settings that the base was made with
        self.base = []
        self.links = []
        self.by_id = {}
        self.next_number = 0
        self.views = {}

    def load(self, settings):
        """Back to what the settings make; cheap when they made the same before."""
        wanted = {name: settings[name] for name in GENERATION}
        if wanted != self.made:
            self.base = [make_link(number, settings) for number in range(settings["count"])]
            self.made = wanted
        self.next_number = settings["count"]
        self.take(self.base)

    def take(self, links):
        self.links = list(links)
        self.by_id = {link.id: link for link in self.links}
        self.views = {}

    def change(self, what, settings):
        """
        Applies a change (the body of /_control/links) and returns the ids of the
        links that it put in.
        """
        unknown = set(what) - {"replace", "insert", "raw", "generate", "remove", "set_status", "set"}
        if unknown:
            raise ValueError("unknown change: " + ", ".join(sorted(unknown)))
        links = list(self.links)
        new = []
        if "replace" in what:
            links = []
            new += [link_from_value(value) for value in what["replace"]]
        new += [link_from_value(value) for value in what.get("insert", ())]
        new += [link_from_text(text) for text in what.get("raw", ())]
        generate = what.get("generate", ())
        for fields in [{}] * generate if isinstance(generate, int) else generate:
            link = make_link(self.next_number, settings)
            self.next_number += 1
            new.append(self.edited(link, fields) if fields else link)
        for identity in list(what.get("remove", ())) + list(what.get("set_status", ())) + list(what.get("set", ())):
            if identity not in self.by_id:
                raise ValueError("no link has the id " + identity)
        remove = set(what.get("remove", ()))
        status = what.get("set_status", {})
        edit = what.get("set", {})
        if remove or status or edit:
            links = [self.restated(link, status[link.id]) if link.id in status
                     else self.edited(link, edit[link.id]) if link.id in edit
                     else link
                     for link in links if link.id not in remove]
        self.take(links + new)
        return [link.id for link in new]

    @staticmethod
    def restated(link, status):
        """The link with another status, and everything else as it was written."""
        return link_from_text(re.sub(r'("status"\s*:\s*)"[^"]*"', lambda match: match.group(1) + dump(status),
                                     link.text.decode(), count=1))

    @staticmethod
    def edited(link, fields):
        value = json.loads(link.text)
        value.update(fields)
        return link_from_value(value)

    def view(self, statuses, sort_by, settings):
        """The links of these statuses (None: all) in the order asked for."""
        key = (statuses, sort_by)
        if key not in self.views or settings["tie_break"] == "unstable":
            links = self.links if statuses is None else [link for link in self.links if link.status in statuses]
            self.views[key] = self.sort(links, sort_by, settings)
        return self.views[key]

    def sort(self, links, sort_by, settings):
        broken = settings["broken_order"]
        if sort_by is None or broken == "ignored":
            if settings["list_order"] == "given":
                return list(links)
            return sorted(links, key=lambda link: (link.created is not None, link.created or 0, link.id),
                          reverse=settings["list_order"] == "newest")
        field, direction = sort_by.split(":")
        descending = direction == "desc"
        attribute = "expires" if field == "expiration_date" else "amount"
        links = sorted(links, key=lambda link: link.id, reverse=settings["tie_break"] == "id_desc")
        if settings["tie_break"] == "unstable":
            random.shuffle(links)
        nulls = [link for link in links if getattr(link, attribute) is None]
        rest = [link for link in links if getattr(link, attribute) is not None]
        if broken == "text" and field == "amount":
            attribute = "amount_text"
        rest.sort(key=lambda link: getattr(link, attribute), reverse=descending)
        if broken == "reverse":
            rest.reverse()
        elif broken == "swap":
            for at in range(4, len(rest) - 5, 10):
                rest[at], rest[at + 5] = rest[at + 5], rest[at]
        block = settings["null_block"]
        if block == "lowest":
            block = "last" if descending else "first"
        if block == "first":
            return nulls + rest
        if block == "last":
            return rest + nulls
        if block == "middle":
            return rest[:len(rest) // 2] + nulls + rest[len(rest) // 2:]
        return nulls[:len(nulls) // 2] + rest + nulls[len(nulls) // 2:]
