/*
 * errors.h
 *		The SQLSTATEs of class LX: one reason an application branches on, one code.
 *
 * Classes that begin with I to Z are left to implementations by the SQL
 * standard.  Codes, names and meanings are listed once, in errors.def;
 * license.error_codes() serves the same list to SQL.
 */
#ifndef LICENSE_ERRORS_H
#define LICENSE_ERRORS_H

#include "utils/elog.h"

#define LX(a, b, c) MAKE_SQLSTATE('L', 'X', (a) + '0', (b) + '0', (c) + '0')

enum
{
#define ERROR_CODE(symbol, a, b, c, name, meaning) ERRCODE_##symbol = LX(a, b, c),
#include "core/errors.def"
#undef ERROR_CODE
};

#endif							/* LICENSE_ERRORS_H */
