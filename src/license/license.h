/*
 * license.h
 *		Checks that more than one operation on licences makes.
 */
#ifndef LICENSE_LICENSE_H
#define LICENSE_LICENSE_H

#include "core/statement.h"

/* Raises LX005 for a licence that was not found. */
extern void license_not_found(int64 account_id, int64 license_id);

/*
 * Raises LX008 if both this licence and another one that lives at the site
 * start on connections.  site_id is NULL for the site of the licence itself.
 * The caller has locked the row of the site.
 */
extern void license_check_site_is_free(int64 account_id, int64 license_id, NullableDatum site_id);

#endif							/* LICENSE_LICENSE_H */
