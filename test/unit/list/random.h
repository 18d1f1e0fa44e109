/*
 * random.h
 *		Random numbers that are the same for the same seed on every machine.
 */
#ifndef LIST_RANDOM_H
#define LIST_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Random
{
	uint64_t state;
} Random;

/* splitmix64 */
static inline uint64_t
random_next(Random *random)
{
	uint64_t mixed = (random->state += UINT64_C(0x9E3779B97F4A7C15));

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
	return mixed ^ (mixed >> 31);
}

/* The stream of schedule "number" of a seed. */
static inline Random
random_of(uint64_t seed, uint64_t number)
{
	Random random = {seed};
	Random mixed = {random_next(&random) ^ number};

	random.state = random_next(&mixed);
	return random;
}

/* From 0 to below - 1. */
static inline int
random_below(Random *random, int below)
{
	return (int) (((random_next(random) >> 32) * (uint64_t) below) >> 32);
}

static inline int
random_between(Random *random, int least, int most)
{
	return least + random_below(random, most - least + 1);
}

/* True in so many of a hundred cases. */
static inline bool
random_chance(Random *random, int percent)
{
	return random_below(random, 100) < percent;
}

/* One element of an array of int. */
#define RANDOM_OF(random, ...) \
	((const int[]){__VA_ARGS__}[random_below( \
		random, (int) (sizeof((const int[]){__VA_ARGS__}) / sizeof(int)))])

#endif /* LIST_RANDOM_H */
