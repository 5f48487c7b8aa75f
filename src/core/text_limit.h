/*
 * text_limit.h
 *		Limits of the texts that people type, and texts of theirs in messages.
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
 * Not blank, no control or invisible characters, and at most that many
 * characters.  lines: line breaks and tabs are allowed.
 */
extern bool is_plain_text(const char *text, int length, int most, bool lines);

/* Does it show nothing: empty, or spaces of any kind only? */
extern bool is_blank(const char *text);

/* Is a text argument longer than that many characters?  Answers without reading a huge one. */
extern bool argument_is_longer(FunctionCallInfo fcinfo, int n, int most);

/* At most that many characters; a control or invisible one becomes a question mark, and what is cut is shown by "..." */
extern char *plain_copy(const char *text, int most);

/* How a message repeats what somebody typed: 80 characters of it */
extern char *cut_for_message(const char *text);

/* The reason somebody gives; 22004 NULL, 22023 blank, with control characters or above MAX_REASON */
extern char *reason_argument(FunctionCallInfo fcinfo, int n);

#endif							/* LICENSE_TEXT_LIMIT_H */
