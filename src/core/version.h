/*
 * version.h
 *		The library and the SQL objects must be of one version.
 */
#ifndef LICENSE_VERSION_H
#define LICENSE_VERSION_H

#include "core/extension.h"

#ifndef LICENSE_EXT_VERSION
#error "the Makefile passes LICENSE_EXT_VERSION, the default_version of license_ext.control"
#endif

/* Raises 55000 unless the SQL objects in this database are of the library's version. */
extern void version_check(void);

#endif							/* LICENSE_VERSION_H */
