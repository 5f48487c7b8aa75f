/*
 * level.h
 *		The levels that a role can have, as bits.
 */
#ifndef LICENSE_LEVEL_H
#define LICENSE_LEVEL_H

#include "core/extension.h"

/* Levels, as bits */
#define PROVIDER		(1 << 0)
#define DISTRIBUTOR		(1 << 1)
#define PARTNER			(1 << 2)
#define CUSTOMER		(1 << 3)
#define READER			(1 << 4)
#define SERVICE			(1 << 5)
#define OPERATOR		(1 << 6)
#define EVERY_LEVEL		(PROVIDER | DISTRIBUTOR | PARTNER | CUSTOMER | READER | SERVICE | OPERATOR)
#define READING_LEVELS	(PROVIDER | DISTRIBUTOR | PARTNER | CUSTOMER | READER)

/* Levels that serve all tenants and are therefore never confined to an account */
#define GLOBAL_LEVELS	(PROVIDER | OPERATOR)

#endif							/* LICENSE_LEVEL_H */
