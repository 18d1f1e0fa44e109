/*
 * opening.h
 *		How a reading begins: the states OPENING and LAYING.
 */
#ifndef PLF_OPENING_H
#define PLF_OPENING_H

#include "list/reader_state.h"

/* Sends the requests that the reading begins with, and enters OPENING. */
extern void plf_reader_open(PlfReader *reader, const char *why);

/* OPENING: takes the answers, and enters LAYING, ENDED, or OPENING again. */
extern void plf_reader_take_opening(PlfReader *reader);

/* LAYING: lays the course, and enters SERVING, LAYING again, or OPENING. */
extern void plf_reader_lay(PlfReader *reader);

/*
 * True when a link has an undocumented status by now, although none had when the status
 * check was made.
 */
extern bool plf_reader_status_came(PlfReader *reader);

#endif /* PLF_OPENING_H */
