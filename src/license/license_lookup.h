/*
 * license_lookup.h
 *		Finds a licence by its key without planner and executor.
 */
#ifndef LICENSE_LOOKUP_H
#define LICENSE_LOOKUP_H

#include "core/extension.h"

#include "license/license_key.h"

typedef struct FoundLicense
{
	int64		account_id;
	int64		license_id;
	text	   *status;
	bool		has_start;
	bool		has_end;
	TimestampTz starts_at;
	TimestampTz ends_at;
	bool		has_module;		/* the one asked for; true when none was */
	bool		pool_full;		/* any of its pools */
} FoundLicense;

/* Looks in the caller's snapshot; returns false if no licence has the key. */
extern bool license_lookup(const LicenseKey *key, const text *module, FoundLicense *license);

/* Does the licence end within the lead of the earliest notice stage after that moment?  SPI must be connected. */
extern bool license_expires_soon(const FoundLicense *license, TimestampTz at);

extern void license_lookup_init(void);

#endif							/* LICENSE_LOOKUP_H */
