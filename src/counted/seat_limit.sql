-- The counted foreign key: children take seats of their parent

CREATE FUNCTION license._seat_count_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_seat_count_trg';
COMMENT ON FUNCTION license._seat_count_trg() IS
'Trigger on the child of a counted foreign key: adds what the statement changed to the parents'' used column. Made by license.attach_seat_limit(). Errors: LX001, LX002, 23503, 39P01.';

CREATE FUNCTION license._seat_row_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_seat_row_trg';
COMMENT ON FUNCTION license._seat_row_trg() IS
'Trigger on the child of a counted foreign key: notes what a written row takes and gives back, to be written when the statement ends. Made by license.attach_seat_limit(). Errors: 0A000 the table or its foreign key became one that cannot be counted; 42703, 42704, 55000 columns or foreign key were renamed or dropped; 39P01.';

CREATE FUNCTION license._seat_truncate_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_seat_truncate_trg';
COMMENT ON FUNCTION license._seat_truncate_trg() IS
'Trigger on the child of a counted foreign key: after TRUNCATE no seat is used. Errors: 39P01.';

CREATE FUNCTION license._seat_guard_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_seat_guard_trg';
COMMENT ON FUNCTION license._seat_guard_trg() IS
'Trigger on the parent of a counted foreign key: an INSERT starts from zero; an UPDATE cannot write the count, lower the limit below it, or move the key while seats are in use. Errors: LX032, 428C9, 23503, 39P01.';

CREATE FUNCTION license._seat_recreate_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_seat_recreate_trg';
COMMENT ON FUNCTION license._seat_recreate_trg() IS
'Trigger on the parent of a counted foreign key: a row with seats in use cannot be deleted and made anew in one statement. Errors: 23503, 39P01.';

CREATE FUNCTION license.attach_seat_limit(child regclass, foreign_key name, used_column name,
    limit_column name, weight_column name DEFAULT NULL)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_attach_seat_limit';
COMMENT ON FUNCTION license.attach_seat_limit(regclass, name, name, name, name) IS
'Makes a foreign key of child a counted one: used_column of the parent holds the seats its children take and never exceeds limit_column (NULL value: no limit; NULL argument: count only). weight_column is an integer or boolean column of the child (NULL: one seat a row). Counts what is there first. The caller must own both tables and needs no level. Where their owners differ, the owner of child needs UPDATE on used_column. Triggers and CHECKs of the parent run as its owner in a security-restricted operation. Errors: LX001 a limit is broken already, 25001 not at READ COMMITTED, 42501, 42703, 42704, 42710, 42804, 42P01, 0A000, 22004. Serves M11, M12.';

CREATE FUNCTION license.detach_seat_limit(child regclass, foreign_key name)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_detach_seat_limit';
COMMENT ON FUNCTION license.detach_seat_limit(regclass, name) IS
'Takes the seat limit off a foreign key; the used column keeps its last values. One that was dropped is named as it was. The caller must own both tables. Errors: 42501, 42704, 42P01, 22004.';

CREATE FUNCTION license.check_seats(OUT child regclass, OUT parent regclass, OUT parent_key text,
    OUT counted bigint, OUT recorded bigint, OUT seat_limit bigint, OUT problem text)
RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_check_seats';
COMMENT ON FUNCTION license.check_seats() IS
'The health check: parents whose recorded count differs from the seats their children take, and seat limits that are broken (then only child, parent and problem are given, with the cure). Empty is healthy. Keys are written as (org_id)=(5), each value cut at 80 characters. Raises nothing of its own.';

CREATE FUNCTION license.recount_seats(child regclass DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_recount_seats';
COMMENT ON FUNCTION license.recount_seats(regclass) IS
'Counts again, for one child table or for all, puts the parents right and answers how many were wrong. Writers wait meanwhile. What belongs to the tables (triggers, CHECKs) runs as their owners in a security-restricted operation: after a change in the same transaction that left deferred constraints of the parent unchecked, SET CONSTRAINTS ALL IMMEDIATE first. Where there are several seat limits, one that cannot be recounted is passed by with a WARNING. Errors: 25001 not at READ COMMITTED, 42501 not the owner of the tables, 42704 no seat limit, 42P01, 23514 a CHECK of the parent forbids the true count.';

SELECT license.attach_seat_limit('license.device', 'device_apartment_fkey', 'seats_used', 'seat_limit', 'seats');
