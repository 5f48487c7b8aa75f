/*
 * site.h
 *		A site as the operations that sell for it see it.
 */
#ifndef LICENSE_SITE_H
#define LICENSE_SITE_H

#include "core/extension.h"

typedef struct Site
{
	int64		account_id;
	int64		site_id;
	char	   *model;			/* custom or subscription */
	char	   *type;			/* apartment, device, or NULL: not chosen yet */
	char	   *region;
	bool		auto_renew;
	char	   *time_zone;		/* of the account */
} Site;

/*
 * Reads a site for what is granted to it.  Grants to one site come one after
 * the other: each writes a new version of the row, so that at REPEATABLE READ
 * one that has not seen the other's licences fails with 40001 instead of
 * working on what it remembers.  The history ignores a version that changes
 * nothing.  Errors: 23503.
 */
extern void site_lock_for_grant(int64 account_id, int64 site_id, Site *site);

/* Raises LX010 for a site on the old model, LX012 while its type is not chosen. */
extern void site_require_sellable(const Site *site);

/* Raises 23503 for a site that does not exist. */
extern void site_refuse_unknown(int64 account_id, int64 site_id);

/* Raises LX010: what it names cannot be done on the old model. */
extern void site_refuse_custom(int64 site_id, const char *what);

#endif							/* LICENSE_SITE_H */
