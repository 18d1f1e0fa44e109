/*
 * turn.h
 *		Whose turn a mapping is: one session at a time has it renewed.
 */
#ifndef PLF_TURN_H
#define PLF_TURN_H

/* A mapping, and the number of the worker that renews its token. */
typedef struct PlfTurn
{
	Oid umid;
	int worker; /* 0 to plf_most_workers() - 1 */
} PlfTurn;

typedef enum PlfTurnResult
{
	PLF_TURN_TAKEN,
	PLF_TURN_OF_ANOTHER, /* another session or worker has the mapping */
	PLF_TURN_ALL_BUSY,   /* all numbers of workers are taken */
	PLF_TURN_NO_WORKER   /* the turn was taken, but the server had no worker for it */
} PlfTurnResult;

/* The most workers of this extension that run at once, in the whole server. */
extern int plf_most_workers(void);

/*
 * Takes the turn for a mapping if nobody has it, without waiting.  The turn ends with the
 * transaction at the latest.
 */
extern PlfTurnResult plf_turn_take(Oid umid, PlfTurn *turn);
extern void plf_turn_end(const PlfTurn *turn);

/* Takes a worker's own hold on its session's turn, until the end of its transaction. */
extern void plf_turn_join(const PlfTurn *turn);

/* Waits until it is time to look again.  The caller checks for interrupts. */
extern void plf_turn_wait(void);

#endif /* PLF_TURN_H */
