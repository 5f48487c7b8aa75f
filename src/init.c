/*
 * init.c
 *		Library start: the only file that knows all areas.
 */
#include "core/extension.h"

#include "access/access.h"
#include "access/access_levels.h"
#include "core/operation.h"
#include "core/settings.h"
#include "license/license_lookup.h"

PG_MODULE_MAGIC_EXT(.name = "license_ext", .version = LICENSE_EXT_VERSION);

void		_PG_init(void);

void
_PG_init(void)
{
	settings_init();
	license_lookup_init();
	operation_init(access_check);
	access_levels_init();
}
