/*
 * resync.h
 *		What is done when the list changes while it is read: the state RESYNC.
 */
#ifndef PLF_RESYNC_H
#define PLF_RESYNC_H

#include "list/reader_state.h"

/* RESYNC: enters SERVING or OPENING; 40001 when there is nothing to be done. */
extern void plf_reader_resync(PlfReader *reader);

/*
 * Once the list has changed: true when a link is in the span that is served.  False when
 * the link is passed over; raises 40001 when too many are.
 */
extern bool plf_reader_is_in_span(PlfReader *reader, const PlfLink *link);

#endif /* PLF_RESYNC_H */
