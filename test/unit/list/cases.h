/*
 * cases.h
 *		Schedules made by hand.  Each returns how many rows the query gives.
 */
#ifndef PLF_TEST_CASES_H
#define PLF_TEST_CASES_H

/*
 * OFFSET 2 of links none of which has a date, sorted by date; one with a date comes while
 * they are read and another one goes: 8 rows in every state.
 */
extern int case_window_of_second_pass(void);

/*
 * LIMIT 8 with a condition on the status: a link has an undocumented status during the
 * first pass and none during the second: 5 rows.
 */
extern int case_statuses_of_second_pass(void);

/* Links that the second pass has delivered go while it runs: 12 rows. */
extern int case_anchor_of_second_pass(void);

#endif /* PLF_TEST_CASES_H */
