#!/usr/bin/env python3
"""
Reads what gcc's --coverage left in a tree that was built and run with it, and prints
which lines of its src/ ran: a table by folder and file, then the largest places that
did not run.  scripts/coverage calls it.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys


def counted_lines(tree):
    """For each file of src/: its lines, each with how often it ran and its function."""
    files = collections.defaultdict(dict)
    for data in sorted(tree.rglob("*.gcda")):
        answer = subprocess.run(["gcov", "--json-format", "--stdout", str(data)],
                                check=True, capture_output=True, text=True)
        report = json.loads(answer.stdout)
        for file in report["files"]:
            name = (pathlib.Path(report["current_working_directory"]) / file["file"]).resolve()
            if not name.is_relative_to(tree / "src"):
                continue
            lines = files[str(name.relative_to(tree))]
            for line in file["lines"]:
                count, function = lines.get(line["line_number"], (0, None))
                lines[line["line_number"]] = (count + line["count"],
                                              function or line.get("function_name", ""))
    return files


def share(lines):
    """How many lines ran, of how many."""
    return sum(1 for count, _ in lines.values() if count > 0), len(lines)


def print_table(files):
    def row(name, ran, of):
        print("%-40s %6d %8.1f %%" % (name, of, 100 * ran / of))

    print("%-40s %6s %10s" % ("", "lines", "ran"))
    for folder in sorted({str(pathlib.Path(name).parent) for name in files}):
        inside = {name: share(lines) for name, lines in sorted(files.items())
                  if str(pathlib.Path(name).parent) == folder}
        row(folder, sum(ran for ran, _ in inside.values()), sum(of for _, of in inside.values()))
        for name, (ran, of) in inside.items():
            row("  " + pathlib.Path(name).name, ran, of)
    total = [share(lines) for lines in files.values()]
    row("all", sum(ran for ran, _ in total), sum(of for _, of in total))


def places(files):
    """Runs of lines of one function, none of which ran."""
    for name, lines in files.items():
        run = []
        for number in sorted(lines) + [None]:
            count, function = lines.get(number, (1, None))
            if run and (count > 0 or function != lines[run[0]][1]):
                yield len(run), name, run[0], run[-1], lines[run[0]][1]
                run = []
            if count == 0:
                run.append(number)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=pathlib.Path, help="where the extension was built")
    parser.add_argument("--places", type=int, default=20, help="how many places are printed")
    arguments = parser.parse_args()

    files = counted_lines(arguments.tree.resolve())
    if not files:
        sys.exit("nothing ran in %s" % arguments.tree)
    print_table(files)
    print("\nthe largest places that did not run")
    for size, name, first, last, function in sorted(places(files), reverse=True)[:arguments.places]:
        print("%5d lines  %s:%d-%d  %s" % (size, name, first, last, function))


if __name__ == "__main__":
    main()
