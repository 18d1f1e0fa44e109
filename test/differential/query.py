"""
query.py
    A query, and how its answers are compared.  Used by queries.py, runtime.py and run.py.
"""

from parameters import with_parameters


class Query:
    """
    A query, and how its answer is compared: the kind of each column, how many of the
    first columns are the keys that it is ordered by, and, where LIMIT may cut
    through ties, the query without (full).  An eager one raises an error even where no
    row is there to raise it.  The statements before and after it are not compared.
    """

    def __init__(self, sql, kinds, keys=0, full=None, before=(), after=(), eager=False):
        self.sql = sql
        self.kinds = kinds
        self.keys = keys
        self.full = full
        self.eager = eager
        self.before = list(before)
        self.after = list(after)

    def prepared(self):
        """
        The same with its constants as parameters of a generic plan; None for a query that is
        a command of its own (EXECUTE, FETCH).
        """
        if not self.sql.startswith(("SELECT", "WITH")):
            return None
        sql, parameters = with_parameters(self.sql)
        types, values = ", ".join(parameters.types), ", ".join(parameters.values)
        run = "EXECUTE p%s" % ("(%s)" % values if values else "")
        before = [each for each in self.before if not each.startswith("EXPLAIN")]
        before += ["SET plan_cache_mode = force_generic_plan", "PREPARE p%s AS %s" % ("(%s)" % types if types else "", sql)]
        if len(before) < len(self.before) + 2:
            before.append("EXPLAIN (VERBOSE) " + run)
        return Query(run, self.kinds, self.keys, self.full, before,
                     self.after + ["DEALLOCATE p", "RESET plan_cache_mode"], self.eager)
