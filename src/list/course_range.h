/*
 * course_range.h
 *		The course of a key range.
 */
#ifndef PLF_COURSE_RANGE_H
#define PLF_COURSE_RANGE_H

#include "list/course.h"

extern const PlfCourseKind plf_course_range;

/*
 * Finds where the range ends, once the course is laid, and sets course->range_end.  Like
 * plf_course_lay(), may find that the caller has to sort the list.
 */
extern PlfLook plf_course_find_end(PlfCourse *course);

#endif /* PLF_COURSE_RANGE_H */
