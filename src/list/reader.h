/*
 * reader.h
 *		From what is wanted of the list to its links, one after the other, with
 *		the fewest requests.
 */
#ifndef PLF_READER_H
#define PLF_READER_H

#include "catalog/option.h"
#include "list/reading.h"
#include "pages/page_source.h"

/*
 * A reader in a memory context of its own below the current one.  Nothing is
 * sent before the first plf_reader_next().
 */
extern PlfReader *plf_reader_create(const PlfPageSource *source,
									const PlfOptions *options, const PlfReading *what);

/*
 * The next link; false at the end, which has then been verified to be the end.
 * No link comes twice.  The link lives until the next call.  A list that changes is
 * repaired; 40001 when it is not to be, or changes too often.
 */
extern bool plf_reader_next(PlfReader *reader, PlfLink *link);

/*
 * Sends what the next link takes, if that is not under way, and returns whether it is
 * there: plf_reader_next() then has something to begin with, though it may have to wait
 * for more.
 */
extern bool plf_reader_prepare(PlfReader *reader);

/* Whether the next link is on another page than the one before. */
extern bool plf_reader_is_between_pages(const PlfReader *reader);

/*
 * How many links lie in the range, instead of reading them: the distance of its
 * ends, which are searched for.  -1 in an open world, where they have to be read.
 */
extern int64 plf_reader_range_size(PlfReader *reader);

/*
 * The caller found that the link sorts before the one it took last.  After a
 * repair that is one that was inserted behind it, which is left out: true.  False when
 * the list is out of order.
 */
extern bool plf_reader_leave_out(PlfReader *reader);

/* The caller took a link that sorts after all before it. */
extern void plf_reader_caught_up(PlfReader *reader);

/*
 * The order of the links that come.  SORTED_HERE is known after the first link;
 * NULLS_HELD_BACK when the first link comes that is to be held back.
 */
extern PlfOrder plf_reader_order(const PlfReader *reader);

/* Whether "skip" and "take" have been applied.  Known after the first link. */
extern bool plf_reader_is_clipped(const PlfReader *reader);

extern PlfWorld plf_reader_world(const PlfReader *reader);

/* Links in the list, as the first page said. */
extern int64 plf_reader_total(const PlfReader *reader);

/* Links received so far. */
extern int64 plf_reader_links(const PlfReader *reader);

/* Ends its requests and frees everything. */
extern void plf_reader_free(PlfReader *reader);

#endif /* PLF_READER_H */
