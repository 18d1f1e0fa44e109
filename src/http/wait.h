/*
 * wait.h
 *		The one place that waits for the network.
 */
#ifndef PLF_WAIT_H
#define PLF_WAIT_H

/*
 * Blocks until a try can go on, an interrupt comes, or "ms" milliseconds have passed (-1:
 * without a limit).  The caller checks for interrupts.  Raises an error when there is no
 * descriptor to wait with.
 */
extern void plf_network_wait(long ms);

#endif /* PLF_WAIT_H */
