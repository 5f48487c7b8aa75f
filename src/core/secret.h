/*
 * secret.h
 *		Keeps statements that hold a password or a key out of the server log.
 *
 * The server writes the text of a statement that fails to its log, with every
 * literal in it.  Between begin and end, no error, warning or log message of
 * ours or the server's has the statement written.
 */
#ifndef LICENSE_SECRET_H
#define LICENSE_SECRET_H

#include "core/extension.h"

/* Call it before anything that can fail; an error needs no end. */
extern void secret_begin(ErrorContextCallback *callback);
extern void secret_end(const ErrorContextCallback *callback);

#endif							/* LICENSE_SECRET_H */
