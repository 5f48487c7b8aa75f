/*
 * secret.h
 *		Keeps statements that hold a password or a key out of the server log.
 *
 * The server logs the text of a statement that fails, including its literals.
 * Between secret_begin() and secret_end(), no error, warning or log message
 * carries the text of the statement.
 */
#ifndef LICENSE_SECRET_H
#define LICENSE_SECRET_H

#include "core/extension.h"

/* Call secret_begin() before anything that can fail.  After an error secret_end() is not needed. */
extern void secret_begin(ErrorContextCallback *callback);
extern void secret_end(const ErrorContextCallback *callback);

#endif							/* LICENSE_SECRET_H */
