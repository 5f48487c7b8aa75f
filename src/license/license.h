/*
 * license.h
 *		Checks that more than one operation on licences makes.
 */
#ifndef LICENSE_LICENSE_H
#define LICENSE_LICENSE_H

#include "core/statement.h"

/* Raises LX005. */
extern void license_not_found(int64 account_id, int64 license_id);

/*
 * Raises LX008 when another licence that starts on connections lives at the
 * site (NULL: the licence's own), whose row the caller has locked; a licence
 * of another kind may join it.  O15.
 */
extern void license_check_site_is_free(int64 account_id, int64 license_id, NullableDatum site_id);

#endif							/* LICENSE_LICENSE_H */
