/*
 * source.h
 *		The model's API as the reader asks it for pages.
 */
#ifndef LIST_SOURCE_H
#define LIST_SOURCE_H

#include "api.h"
#include "pages/page_source.h"

typedef struct ModelSource
{
	PlfPageSource functions;
	Api *api;
	MemoryContext context; /* of pages */
	int held;              /* pages that the reader has */
	int links;             /* that the reader has handed out */
	int repairs;
	int early_repairs; /* before the first of them */
} ModelSource;

/* Pages live in the current context. */
extern void source_start(ModelSource *source, Api *api);

#endif /* LIST_SOURCE_H */
