/*
 * guarantee.h
 *		What is promised of the answer to a query about links that change while it runs:
 *		what test/drift/guarantee.py checks over a server.
 *
 * No link comes twice.  Each is one that was there, as it was at some time.  None is
 * missing that was there, and belonged into the answer, all the time.  The order holds.
 */
#ifndef LIST_GUARANTEE_H
#define LIST_GUARANTEE_H

#include "links.h"
#include "query.h"

/* A link that came, with the status that it showed. */
typedef struct Row
{
	int link;
	int status;
} Row;

/* The states of a list from the first request of a query to the last one. */
typedef struct Span
{
	const History *history;
	int first;
	int last;
	bool excused[MAX_LINKS]; /* may be missing, whatever they are */
} Span;

/* Links that belonged into the answer in every state. */
extern int span_always(const Span *span, const ModelQuery *query, int *links);

/* How many did in some state. */
extern int span_ever(const Span *span, const ModelQuery *query);

/*
 * Whether the answer keeps the promise; if not, what is wrong is in "problem".  "most" is
 * how many links there may be, -1: all; with "most" of them others may follow.
 * guarantee_rows() leaves open whether links are missing.
 */
extern bool guarantee_rows(const ModelQuery *query, const Row *rows, int nrows,
						   const Span *span, char *problem, size_t size);
extern bool guarantee_links(const ModelQuery *query, const Row *rows, int nrows,
							const Span *span, int most, char *problem, size_t size);
extern bool guarantee_number(const ModelQuery *query, int64_t number, const Span *span,
							 char *problem, size_t size);

#endif /* LIST_GUARANTEE_H */
