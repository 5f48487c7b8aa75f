/*
 * site.h
 *		What several areas read, check and change of a site.
 */
#ifndef LICENSE_SITE_H
#define LICENSE_SITE_H

#include "core/extension.h"

typedef struct Site
{
	int64		account_id;
	int64		site_id;
	char	   *model;			/* custom (the old one) or subscription */
	char	   *type;			/* apartment, device, or NULL: not chosen yet */
	char	   *region;
	bool		auto_renew;
	char	   *time_zone;		/* of the account */
} Site;

/*
 * Reads a site to which units will be granted, and makes other grants to it
 * wait.  It writes a new version of the row, so that a concurrent grant at
 * REPEATABLE READ fails with 40001 instead of overlooking the licences granted
 * here.  The history ignores a version that changes nothing.  Errors: 23503.
 */
extern void site_lock_for_grant(int64 account_id, int64 site_id, Site *site);

/* Reads only the model and the type of a site, without a lock.  Returns false if there is no such site. */
extern bool site_read_model(NullableDatum account_id, NullableDatum site_id, Site *site);

extern bool site_is_custom(const Site *site);

/* Raises LX010 for a site on the custom model, LX012 while its type is not chosen. */
extern void site_require_sellable(const Site *site);

/* Raises 23503 unless the site exists. */
extern void site_require_existing(int64 account_id, int64 site_id);

/* Raises 23503 for a site that was not found. */
extern void site_refuse_unknown(int64 account_id, int64 site_id);

/* Raises LX010; reason says what cannot be done on the custom model. */
extern void site_refuse_custom(int64 site_id, const char *reason);

/* Raises LX013: the site has a type, which is chosen once. */
extern void site_refuse_other_type(int64 site_id, const char *type);

/* Switches recurring payment on or off for the running licences of a site that have units of its type. */
extern void site_set_renewal_of_licenses(NullableDatum account_id, NullableDatum site_id,
										 NullableDatum type, NullableDatum auto_renew);

#endif							/* LICENSE_SITE_H */
