/*
 * limit.c
 *		Compares what a statement asks for with the limit of a parent row, and
 *		says what is wrong when it does not fit.
 */
#include "counted/limit.h"

#include "counted/message.h"
#include "utils/lsyscache.h"

/* The key with the names of the child's columns, as messages of foreign keys write it */
static char *
key_of(SeatDefinition *def, const SeatDelta *delta)
{
	AttrNumber	columns[INDEX_MAX_KEYS];
	NullableDatum keys[INDEX_MAX_KEYS];
	Relation	child = RelationIdGetRelation(def->child);
	char	   *text;

	for (int i = 0; i < def->nkeys; i++)
	{
		columns[i] = def->keys[i].child_attnum;
		keys[i].value = delta->keys[i];
		keys[i].isnull = false;
	}
	text = message_key(RelationGetDescr(child), def->nkeys, columns, keys);
	RelationClose(child);
	return text;
}

static char *
column_name(Relation rel, AttrNumber attnum)
{
	return NameStr(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attname);
}

static void
refuse_oversized(Relation parent, SeatDefinition *def, const SeatDelta *delta, int64 limit)
{
	ereport(ERROR,
			errcode(ERRCODE_REQUEST_EXCEEDS_TOTAL),
			errmsg("one row of \"%s\" asks for more seats than a row of \"%s\" can ever hold",
				   get_rel_name(def->child), RelationGetRelationName(parent)),
			errdetail("Key %s: one row asks for " INT64_FORMAT " seats, the limit is " INT64_FORMAT ".",
					  key_of(def, delta), delta->largest, limit),
			errhint("Ask for fewer seats, or raise \"%s\" of \"%s\".",
					column_name(parent, def->limit.attnum), RelationGetRelationName(parent)),
			message_constraint(def->constraint));
}

static void
refuse_exceeding(Relation parent, SeatDefinition *def, const SeatDelta *delta,
				 int64 used, int64 limit)
{
	ereport(ERROR,
			errcode(ERRCODE_SEAT_LIMIT_EXCEEDED),
			errmsg("seat limit of \"%s\" exceeded", RelationGetRelationName(parent)),
			errdetail("Key %s: " INT64_FORMAT " of " INT64_FORMAT " seats are taken; "
					  INT64_FORMAT " more asked for.", key_of(def, delta), used, limit, delta->units),
			errhint("Release a seat, or raise \"%s\" of \"%s\".",
					column_name(parent, def->limit.attnum), RelationGetRelationName(parent)),
			message_constraint(def->constraint));
}

void
limit_refuse_missing(Relation parent, SeatDefinition *def, const SeatDelta *delta)
{
	ereport(ERROR,
			errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			errmsg("a row of \"%s\" cannot take a seat of a row of \"%s\" that is gone",
				   get_rel_name(def->child), RelationGetRelationName(parent)),
			errdetail("Key %s is not present in table \"%s\".",
					  key_of(def, delta), RelationGetRelationName(parent)),
			message_constraint(def->constraint));
}

bool
limit_fits(const SeatDelta *delta, int64 used, bool unlimited, int64 limit)
{
	return delta->units <= 0 || unlimited ||
		(delta->largest <= limit && delta->units <= limit - used);
}

/* With a limit of 0 or less, a row that asks for a seat gets LX001 like any other, never LX002. */
void
limit_check(Relation parent, SeatDefinition *def, const SeatDelta *delta,
			int64 used, bool unlimited, int64 limit)
{
	if (limit_fits(delta, used, unlimited, limit))
		return;
	if (limit > 0 && delta->largest > limit)
		refuse_oversized(parent, def, delta, limit);
	refuse_exceeding(parent, def, delta, used, limit);
}
