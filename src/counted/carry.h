/*
 * carry.h
 *		Counts an UPDATE that a row trigger runs together with the statement
 *		that fired the trigger, so that its rows may take seats that the
 *		statement gives back.
 */
#ifndef LICENSE_COUNTED_CARRY_H
#define LICENSE_COUNTED_CARRY_H

#include "core/extension.h"

typedef struct SeatCarry
{
	int			depth;			/* trigger depth of the rows that are carried; 0: none are */
	int			into;			/* trigger depth of the statement that they are counted with */
} SeatCarry;

/*
 * Rows that one trigger level deeper writes between these calls are carried.
 * Pass the result of carry_begin() to carry_end(), which must be reached also
 * after an error.
 */
extern SeatCarry carry_begin(void);
extern void carry_end(SeatCarry outer);

/* The trigger depth of the statement with which a row that is written now is counted */
extern int	carry_depth(void);

#endif							/* LICENSE_COUNTED_CARRY_H */
