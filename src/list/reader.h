/*
 * reader.h
 *		Reads the links of the list that are wanted, one after the other, with the fewest
 *		requests.
 */
#ifndef PLF_READER_H
#define PLF_READER_H

#include "catalog/option.h"
#include "list/reading.h"
#include "pages/page_source.h"

/*
 * Returns a reader, in a memory context of its own below the current one.  The reader
 * sends nothing before the first plf_reader_next() or plf_reader_prepare().
 */
extern PlfReader *plf_reader_create(const PlfPageSource *source,
									const PlfOptions *options, const PlfReading *what);

/*
 * Sets *link to the next link, which lives until the next call; false at the end.  No
 * link comes twice, and none is missing that was in the list all the time.  A list that
 * changes is repaired; 40001 when on_drift forbids repairs, or the list changes too
 * often.
 */
extern bool plf_reader_next(PlfReader *reader, PlfLink *link);

/*
 * Sends the requests for the next link, unless they are under way, and returns whether
 * they are answered.  Even then plf_reader_next() may have to wait: for requests that the
 * answers show to be necessary.
 */
extern bool plf_reader_prepare(PlfReader *reader);

/* True when the next link is on another page than the last one. */
extern bool plf_reader_is_between_pages(const PlfReader *reader);

/*
 * How many links lie in the range, by the distance of the range's ends, which are
 * searched for; to be called in place of plf_reader_next(). -1 when the links have to be
 * read to be counted, because some may have other statuses or the list is not in order.
 */
extern int64 plf_reader_range_size(PlfReader *reader);

/*
 * To be called for a link that sorts before the last one taken.  True after a repair: the
 * link was inserted into the part of the list that had been read, and the caller leaves
 * the link out.  False when the list is out of order. 40001 in a second pass, where the
 * link may also have been missed.
 */
extern bool plf_reader_leave_out(PlfReader *reader);

/*
 * To be called when the caller takes a link that does not sort before the last one taken.
 */
extern void plf_reader_caught_up(PlfReader *reader);

/*
 * The order of the links that come.  SORTED_HERE is known after the first link,
 * NULLS_HELD_BACK when the first link comes that is to be held back.
 */
extern PlfOrder plf_reader_order(const PlfReader *reader);

/* True when "skip" and "take" are applied; known after the first link. */
extern bool plf_reader_is_clipped(const PlfReader *reader);

/* What the status check found. */
extern PlfStatusCheck plf_reader_status_check(const PlfReader *reader);

/* How many links the list has, as the first page reports. */
extern int64 plf_reader_total(const PlfReader *reader);

/* How many links were received so far. */
extern int64 plf_reader_links(const PlfReader *reader);

/* Ends the reader's requests and frees everything. */
extern void plf_reader_free(PlfReader *reader);

#endif /* PLF_READER_H */
