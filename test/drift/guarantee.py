"""
guarantee.py
    What is promised of the answer to a query about links that change while it runs.
    Used by run.py and by ../soak/run.py.

No link comes twice.  Each is one that was there, as it was at some time.  None is
missing that was there, and belonged into the answer, all the time.  The order holds.
"""

from decimal import Decimal

from links import STATUSES
from queries import ALL, NO


class Span:
    """The states of a list from the first request of a query to the last one."""

    def __init__(self, states, excused=()):
        """"excused" are the ids of links that may be missing whatever they are."""
        self.states = states
        self.excused = excused

    def always(self, holds):
        """Links that belonged into the answer in every state."""
        return [link for identity, link in self.states[-1].items()
                if identity not in self.excused
                and all(identity in state and holds(state[identity]) for state in self.states)]

    def ever(self, holds):
        """Those that did in some state, by id, as they were then."""
        found = {}
        for state in self.states:
            for link in state.values():
                if link not in found.get(link.id, ()) and holds(link):
                    found.setdefault(link.id, []).append(link)
        return found

    def numbers(self, holds):
        """How many did in each of them."""
        return {sum(1 for link in state.values() if holds(link)) for state in self.states}


def problem(query, rows, span, null):
    """What is wrong with the rows of an answer, or None."""
    check = {"links": check_links, "number": check_number, "groups": check_groups, "extreme": check_extreme,
             "joined": check_joined, "paired": check_paired, "united": check_united}
    return check[query.shape](query, [tuple(row) for row in rows], span, null)


def check_links(query, rows, span, null):
    always, ever = span.always(query.holds), span.ever(query.holds)
    wanted = query.limit
    if query.steps is not None and None not in query.steps:
        wanted = min(sum(query.steps), len(rows) + 1 if wanted is None else wanted)
    links, found = as_links(rows, ever, null)
    if found is None and query.order:
        found = check_order(query, links)
    return found or check_complete(query, links, always, wanted)


def as_links(rows, ever, null):
    """The links that rows show, and what is wrong with them."""
    links, seen = [], set()
    for row in rows:
        link = next((link for link in ever.get(row[0], ()) if link.row(null) == row), None)
        if link is None:
            return links, "%s never was there, or not among those asked for" % (row,)
        if link.id in seen:
            return links, "%s comes twice" % (row,)
        seen.add(link.id)
        links.append(link)
    return links, None


def place(query, link):
    return tuple(key.place(link) for key in query.order)


def check_order(query, links):
    for before, after in zip(links, links[1:]):
        if place(query, after) < place(query, before):
            return "%s comes after %s" % (after.id, before.id)
    return None


def check_complete(query, links, always, wanted):
    """Whether links are missing.  "wanted" is how many there may be at most, None: all."""
    if wanted is not None and len(links) > wanted:
        return "%d links instead of at most %d" % (len(links), wanted)
    ids = {link.id for link in links}
    missing = [link for link in always if link.id not in ids]
    cut = wanted is not None and len(links) == wanted   # there may be others after the last one
    lost, skipped = [], [] if cut else missing
    if query.order and links:
        first, last = place(query, links[0]), place(query, links[-1])
        lost = [link for link in missing if place(query, link) > first and (place(query, link) < last or not cut)]
        skipped = [link for link in missing if place(query, link) < first
                   or (place(query, link) == first and not (cut and first == last))]
    if len(skipped) > query.offset:
        lost += skipped
    return "%s missing" % ", ".join(link.id for link in lost) if lost else None


def check_number(query, rows, span, null):
    number = int(rows[0][0])
    status = query.number
    if status is not None and (status.rest == NO or (status.rest == ALL and len(status.statuses) == len(STATUSES))):
        # One request tells.
        allowed = span.numbers(query.holds)
    elif status is not None and status.rest == ALL:
        # All links less those of some statuses, which may be of two moments.
        whole = span.numbers(lambda link: True)
        without = span.numbers(lambda link: link.status in STATUSES and link.status not in status.statuses)
        allowed = range(max(min(whole) - max(without), 0), max(whole) - min(without) + 1)
    else:
        allowed = range(len(span.always(query.holds)), len(span.ever(query.holds)) + 1)
    return None if number in allowed else "%d is none of %s" % (number, sorted(allowed))


def check_groups(query, rows, span, null):
    numbers = {status: int(number) for status, number in rows}
    statuses = {link.status for state in span.states for link in state.values()}
    if len(numbers) < len(rows) or not numbers.keys() <= statuses:
        return "groups of %s" % [row[0] for row in rows]
    for status in sorted(statuses):
        def holds(link):
            return link.status == status and query.holds(link)

        low, high = len(span.always(holds)), len(span.ever(holds))
        if status not in STATUSES and len(span.states) > 1:
            low = 0             # numbers of several moments may add up to the whole by chance
        if not low <= numbers.get(status, 0) <= high:
            return "%d links are %s, not between %d and %d" % (numbers.get(status, 0), status, low, high)
    return None


def check_extreme(query, rows, span, null):
    text = rows[0][0]
    column, best = query.extreme
    always = [getattr(link, column) for link in span.always(query.holds)]
    if text == null:
        return "NULL, although there are links" if always else None
    for versions in span.ever(query.holds).values():
        value = getattr(versions[0], column)
        shown = versions[0].row(null)
        if (Decimal(text) == value if column == "amount" else text == shown[3]):
            return None if best(always + [value]) == value else "%s is not the %s" % (text, best.__name__)
    return "%s never was there" % text


def check_joined(query, rows, span, null):
    groups = [[] for _ in query.holds]
    for row in rows:
        groups[int(row[0])].append(row[1:])
    first = None
    for number, (holds, group) in enumerate(zip(query.holds, groups)):
        links, found = as_links(group, span.ever(holds), null)
        if found is None:
            found = check_complete(query, links, span.always(holds), None)
        if found is None and query.replayed:
            first = links if first is None else first
            expected = {link.id for link in first if holds(link)}
            if expected != {link.id for link in links}:
                found = "another reading than that of group 0"
        if found is not None:
            return "group %d: %s" % (number, found)
    return None


def sides_of(rows, null):
    """Of each row of "paired", what it shows of the one scan and of the other: a row, or None."""
    width = len(rows[0]) // 2 if rows else 0
    return [tuple(None if side[0] == null else side for side in (row[:width], row[width:])) for row in rows]


def check_paired(query, rows, span, null):
    pairs = sides_of(rows, null)
    for number, holds in enumerate(query.holds):
        links, found = as_links([pair[number] for pair in pairs if pair[number] is not None], span.ever(holds), null)
        found = found or check_complete(query, links, span.always(holds), None)
        if found is not None:
            return "scan %d: %s" % (number, found)
    alone = [{pair[number][0] for pair in pairs if pair[1 - number] is None} for number in (0, 1)]
    if alone[0] & alone[1]:
        return "%s is on both sides, but not joined" % sorted(alone[0] & alone[1])[0]
    if any(None not in pair and pair[0][0] != pair[1][0] for pair in pairs):
        return "links are joined that are not the same"
    return check_contradiction(query, rows, span, null)


def check_united(query, rows, span, null):
    if len(set(rows)) < len(rows):
        return "a row comes twice in a UNION"
    ever = [span.ever(holds) for holds in query.holds]
    ids = {row[0] for row in rows}
    for row in rows:
        if not any(link.row(null) == row for side in ever for link in side.get(row[0], ())):
            return "%s never was there, or not among those asked for" % (row,)
    if any(sum(row[0] == identity for row in rows) > len(query.holds) for identity in ids):
        return "a link comes more often than there are scans"
    missing = [link.id for holds in query.holds for link in span.always(holds) if link.id not in ids]
    return "%s missing" % ", ".join(missing) if missing else check_contradiction(query, rows, span, null)


def check_contradiction(query, rows, span, null):
    if len(span.states) == 1 and contradicts(query, rows, null):
        return "the scans contradict each other although nothing changed"
    return None


def contradicts(query, rows, null):
    """Whether the answer shows that its scans did not read the same list."""
    rows = [tuple(row) for row in rows]
    if query.shape == "united":
        return len({row[0] for row in rows}) < len(rows)
    if query.shape != "paired":
        return False
    one, other = query.holds
    for pair in sides_of(rows, null):
        if None not in pair and pair[0] != pair[1]:
            return True
        if None in pair and one is other:
            return True
    return False
