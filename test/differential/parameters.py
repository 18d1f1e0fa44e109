"""
parameters.py
    Turns the constants of a query into parameters of a prepared statement, so that a
    generic plan has to do at run time what the planner did with constants.  Used by
    queries.py.
"""

import re

CONSTANT = re.compile(r"""
    (?P<type>\b(?:timestamptz|timestamp|date|interval)\ )? '(?P<text>(?:[^']|'')*)' (?P<cast>::\w+)?
    | (?P<number>(?<![\w.$]) \d+(?:\.\d+)?(?:e\d+)? (?![\w.])) (?P<number_cast>::\w+)?
    | (?:(?<=,\ ) | (?<==\ ) | (?<=FROM\ )) NULL\b (?P<null_cast>::\w+)?
    """, re.VERBOSE)


class Parameters:
    """Those of one statement: the type of each, which may be "unknown", and its value."""

    def __init__(self):
        self.types = []
        self.values = []
        self.known = {}

    def name(self, type_name, value, key=None):
        """$n for a value; the same n for the same key."""
        if key in self.known:
            return self.known[key]
        self.types.append(type_name)
        self.values.append(value)
        name = "$%d" % len(self.values)
        if key is not None:
            self.known[key] = name
        return name


def with_parameters(sql):
    """
    The query with $1, $2 … for its constants, and the Parameters.  The type of a string is
    left to its place in the query, as it is for the constant.  A constant that the query
    casts is one parameter, however often it comes: a guard and what it guards have the same.
    """
    parameters = Parameters()

    def replace(match):
        if sql[:match.start()].endswith("|| "):
            return match.group()        # part of a grouping key, which has to stay the same expression
        if match["number"] is not None:
            cast = match["number_cast"] or ""
            key = match.group() if cast else None
            return parameters.name(number_type(match["number"]), match["number"], key) + cast
        if match["text"] is None:
            return parameters.name("unknown", "NULL") + (match["null_cast"] or "")
        if match["type"] is not None:
            return parameters.name(match["type"].strip(), match.group(), match.group())
        cast = match["cast"] or ""
        literal = "'%s'" % match["text"]
        return parameters.name("unknown", literal, match.group() if cast else None) + cast

    return CONSTANT.sub(replace, sql), parameters


def number_type(text):
    if not text.isdigit() or int(text) >= 2 ** 63:
        return "numeric"
    return "int" if int(text) < 2 ** 31 else "bigint"
