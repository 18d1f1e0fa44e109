"""
pages.py
    Writes pages of the API as files, which nginx.conf.in serves.  Used by speed.py.

No page is like another one: PostgreSQL would put a Memoize node over a peer's function
and decode one page for all.
"""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "sample_api"))

import links

PER_PAGE = 100
SETTINGS = {**links.GENERATION, "seed": 7}

# The name of each list, the number of its first link and its length.
LISTS = {"pages10": (0, 1000), "pages100": (0, 10000), "pages1000": (0, 100000)}
LISTS.update({"account%d" % (each + 1): (each * 1000, 1000) for each in range(8)})


def page_of(members, page, per_page):
    """The answer to a request for a page of those links."""
    pages = -(-len(members) // per_page)
    meta = '"current_page":%d,"next_page":%s,"prev_page":%s,"total_pages":%d,"total_count":%d,"per_page":%d' % (
        page, page + 1 if page < pages else "null", page - 1 if page > 1 else "null", pages, len(members), per_page)
    return b'{"payment_links":[%s],"meta":{%s}}' % (
        b",".join(link.text for link in members[(page - 1) * per_page:page * per_page]), meta.encode())


def write_page(folder, order, page, per_page, members):
    with open(os.path.join(folder, "%s-%d-%d.json" % (order, page, per_page)), "wb") as out:
        out.write(page_of(members, page, per_page))


def write_pages(root):
    """A folder for each list; in it what the measures ask for."""
    made = [links.make_link(number, SETTINGS) for number in range(max(first + count for first, count in LISTS.values()))]
    for name, (first, count) in LISTS.items():
        members = made[first:first + count]
        folder = os.path.join(root, name)
        os.makedirs(folder)
        for page in range(1, -(-count // PER_PAGE) + 1):
            write_page(folder, "none", page, PER_PAGE, members)
        by_amount = sorted(members, key=lambda link: (link.amount, link.id))
        write_page(folder, "amount", 1, 10, by_amount)
