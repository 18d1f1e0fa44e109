/*
 * reader.h
 *		From what is wanted of the list to its links, one after the other, with the fewest
 *		requests.
 */
#ifndef PLF_READER_H
#define PLF_READER_H

#include "catalog/option.h"
#include "list/reading.h"
#include "pages/page_source.h"

/*
 * A reader in a memory context of its own below the current one.  *source and *options
 * must outlive the reader; *what is copied.  Nothing is sent before plf_reader_next(),
 * plf_reader_prepare() or plf_reader_range_size() is called.
 */
extern PlfReader *plf_reader_create(const PlfPageSource *source,
									const PlfOptions *options, const PlfReading *what);

/*
 * The next link, which is valid until the next call; no link comes twice.  False at the
 * end, when it is verified that no link is missing.  A list that changes meanwhile is
 * repaired; raises 40001 when on_drift is 'error', when the list changes too often, and
 * when it cannot be told whether a link is missing.
 */
extern bool plf_reader_next(PlfReader *reader, PlfLink *link);

/*
 * Requests the page of the next link, if the page is neither here nor requested.  True
 * when plf_reader_next() need not wait for that page; it may have to wait for others.
 */
extern bool plf_reader_prepare(PlfReader *reader);

/* True when the next link is on another page than the last one. */
extern bool plf_reader_is_between_pages(const PlfReader *reader);

/*
 * How many links are in the range, without reading them: the distance of the two ends of
 * the range, which are searched for.  -1 where the links have to be read, with
 * plf_reader_next(): some links may have other statuses, or the list is not in order.  To
 * be called first.
 */
extern int64 plf_reader_range_size(PlfReader *reader);

/*
 * To be called for a link that sorts before the one taken last.  True when the link is to
 * be left out: the list changed, and the link was inserted into the part that had been
 * read.  False when the list is out of order. 40001 in a second pass, in which the link
 * may also have been missed.
 */
extern bool plf_reader_leave_out(PlfReader *reader);

/*
 * To be called when the caller takes a link that does not sort before those taken so far.
 */
extern void plf_reader_caught_up(PlfReader *reader);

/*
 * The order in which the links come.  SORTED_HERE is known after the first link,
 * NULLS_HELD_BACK when the first link that is to be held back comes.
 */
extern PlfOrder plf_reader_order(const PlfReader *reader);

/* True when "skip" and "take" are applied; known after the first link. */
extern bool plf_reader_is_clipped(const PlfReader *reader);

/* What the status check found; known after the first link. */
extern PlfStatusCheck plf_reader_statuses(const PlfReader *reader);

/* Links in the list, as the page reported that was received first, or after a change. */
extern int64 plf_reader_total(const PlfReader *reader);

/* Links received so far. */
extern int64 plf_reader_links(const PlfReader *reader);

/* Ends the reader's requests and frees its pages and memory. */
extern void plf_reader_free(PlfReader *reader);

#endif /* PLF_READER_H */
