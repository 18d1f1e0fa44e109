/*
 * reader_state.c
 *		The state of a reader, and the changes of the list that it noticed.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "list/reader_state.h"

/* The most repairs of one reading; at a further change the reader raises 40001. */
#define MAX_REPAIRS 8

#define CHANGE_HINT \
	"Run the query again. If this persists, the order of the API's pages is not stable: set concurrency '1' or sort_pushdown 'false'."

void
plf_reader_enter(PlfReader *reader, PlfReaderState state, const char *why)
{
	static const char *const names[] = {"new",     "opening", "laying",
										"serving", "resync",  "ended"};

	elog(DEBUG2, "reader of %s: %s to %s: %s", reader->source->wire->plural,
		 names[reader->state], names[state], why);
	reader->state = state;
}

void
plf_reader_note_change(PlfReader *reader, const PlfChange *change)
{
	if (reader->change.detail != NULL)
		pfree((char *) reader->change.detail);
	reader->change.page = change->page;
	reader->change.detail = MemoryContextStrdup(reader->context, change->detail);
}

void
plf_reader_count_repair(PlfReader *reader)
{
	if (reader->options->on_drift == PLF_ON_DRIFT_ERROR || reader->repairs == MAX_REPAIRS)
		plf_reader_report_change(reader);
	reader->repairs++;
	reader->passed = 0;
	reader->course.shifted = true;
	reader->source->note_repair(reader->source->arg);
}

void
plf_reader_report_change(PlfReader *reader)
{
	reader->source->raise(reader->source->arg, reader->change.page,
						  ERRCODE_T_R_SERIALIZATION_FAILURE,
						  psprintf("the list of %s changed while it was read",
								   reader->source->wire->plural),
						  reader->change.detail, CHANGE_HINT);
	pg_unreachable();
}
