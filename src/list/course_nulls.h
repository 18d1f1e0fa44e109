/*
 * course_nulls.h
 *		The course of a sorted list in which links may have no key.
 */
#ifndef PLF_COURSE_NULLS_H
#define PLF_COURSE_NULLS_H

#include "list/course.h"

extern const PlfCourseKind plf_course_nulls;

/*
 * What becomes of a link without a key, where such links are not wanted, or where they
 * are wanted last and the course did not expect one.
 */
extern PlfServed plf_course_serve_null(PlfCourse *course, const PlfLink *link);

#endif /* PLF_COURSE_NULLS_H */
