/*
 * carry.c
 *		Counts an UPDATE that a row trigger runs together with the statement
 *		that fired the trigger.
 */
#include "counted/carry.h"

#include "counted/trigger_depth.h"

static SeatCarry carry = {0};

/* Carries nest: an inner one adds to the outermost statement, whose end is still to come. */
SeatCarry
carry_begin(void)
{
	SeatCarry	outer = carry;
	int			depth = trigger_depth();

	carry.into = depth == outer.depth ? outer.into : depth;
	carry.depth = depth + 1;
	return outer;
}

void
carry_end(SeatCarry outer)
{
	carry = outer;
}

int
carry_depth(void)
{
	int			depth = trigger_depth();

	return depth == carry.depth ? carry.into : depth;
}
