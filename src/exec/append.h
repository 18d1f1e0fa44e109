/*
 * append.h
 *		Scans under an Append that run at the same time.
 */
#ifndef PLF_APPEND_H
#define PLF_APPEND_H

#include "foreign/fdwapi.h"

/* The callbacks of the same names without "plf". */
extern bool plf_is_foreign_path_async_capable(ForeignPath *path);
extern void plf_foreign_async_request(AsyncRequest *areq);
extern void plf_foreign_async_configure_wait(AsyncRequest *areq);
extern void plf_foreign_async_notify(AsyncRequest *areq);

#endif /* PLF_APPEND_H */
