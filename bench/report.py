"""
report.py
    How the measures print a figure beside its goal.
"""

missed = []


def report(what, figure, goal, unit, places=1):
    """Prints a figure that must not be above its goal."""
    met = figure <= goal
    ratio = "%.2f" % (figure / goal) if goal else "-"
    print("  %-34s %9.*f %-5s  goal %9.*f %-5s  ratio %5s  %s" % (
        what, places, figure, unit, places, goal, unit, ratio, "pass" if met else "MISSED"), flush=True)
    if not met:
        missed.append(what)


def note(what, figure, unit, places=1):
    print("  %-34s %9.*f %-5s" % (what, places, figure, unit), flush=True)
