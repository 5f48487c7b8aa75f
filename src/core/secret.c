/*
 * secret.c
 *		Keeps statements that hold a password or a key out of the server log.
 */
#include "core/secret.h"

static void
hide_statement(void *argument)
{
	errhidestmt(true);
}

void
secret_begin(ErrorContextCallback *callback)
{
	callback->callback = hide_statement;
	callback->arg = NULL;
	callback->previous = error_context_stack;
	error_context_stack = callback;
}

void
secret_end(const ErrorContextCallback *callback)
{
	error_context_stack = callback->previous;
}
