/*
 * text_limit.h
 *		Limits of the texts that people type, and copies of them for messages.
 *
 * The limits of columns stand in the CHECK constraints of the tables.
 */
#ifndef LICENSE_TEXT_LIMIT_H
#define LICENSE_TEXT_LIMIT_H

#include "core/extension.h"

/* In characters */
#define MAX_ACTOR		200
#define MAX_DENIED_POOL	100
#define MAX_EMAIL		254
#define MAX_PASSWORD	1000
#define MAX_REASON		1000

/* In bytes, and in SKUs */
#define MAX_ITEMS_SIZE	65536
#define MAX_ITEMS		1000

/*
 * Is the text not blank, without control or invisible characters, and not longer
 * than that many characters?  lines allows line breaks and tabs.
 */
extern bool is_plain_text(const char *text, int length, int most, bool lines);

/* Is the text empty, or spaces of any kind only? */
extern bool is_blank(const char *text);

/* Is a text argument longer than that many characters?  Does not detoast a huge one. */
extern bool argument_is_longer(FunctionCallInfo fcinfo, int n, int most);

/* A copy of at most that many characters, ending in "..." if cut; control or invisible ones become "?". */
extern char *plain_copy(const char *text, int most);

/* Such a copy of 80 characters, for messages that repeat what somebody typed; NULL of NULL */
extern char *cut_for_message(const char *text);

/* Argument n, a reason.  Raises 22004 for NULL, 22023 if blank, with control characters or above MAX_REASON. */
extern char *reason_argument(FunctionCallInfo fcinfo, int n);

#endif							/* LICENSE_TEXT_LIMIT_H */
