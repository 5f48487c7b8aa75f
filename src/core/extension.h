/*
 * extension.h
 *		What every file of the extension begins with.
 */
#ifndef LICENSE_EXTENSION_H
#define LICENSE_EXTENSION_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "core/errors.h"

#endif							/* LICENSE_EXTENSION_H */
