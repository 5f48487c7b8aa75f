-- Counted foreign keys: the rows of a child table take seats of the parent row that their foreign key points to

CREATE FUNCTION license._seat_count_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_seat_count_trg';
COMMENT ON FUNCTION license._seat_count_trg() IS
'Trigger of the child of a counted foreign key: adds what the statement changed to the used column of the parents. Created by license.attach_seat_limit(). Errors: LX001, LX002, 23503, 39P01, those of _seat_row_trg().';

CREATE FUNCTION license._seat_row_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_seat_row_trg';
COMMENT ON FUNCTION license._seat_row_trg() IS
'Trigger of the child of a counted foreign key: adds up what each written row takes and gives back, until _seat_count_trg() writes the sums. Created by license.attach_seat_limit(). Errors: 0A000, 22003, 23514 negative weight, 42501, 42703, 42704, 42804, 55000, 55006, 39P01.';

CREATE FUNCTION license._seat_truncate_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_seat_truncate_trg';
COMMENT ON FUNCTION license._seat_truncate_trg() IS
'Trigger of the child of a counted foreign key: after TRUNCATE, sets the used column of all parents to 0. Created by license.attach_seat_limit(). Errors: 0A000, 42501, 42703, 42704, 55000, 39P01.';

CREATE FUNCTION license._seat_guard_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_seat_guard_trg';
COMMENT ON FUNCTION license._seat_guard_trg() IS
'Trigger of the parent of a counted foreign key: a new row starts with count 0; an UPDATE cannot write the count, lower the limit below it, or change the key while seats are in use. Created by license.attach_seat_limit(). Errors: LX032, 428C9, 23503, 39P01.';

CREATE FUNCTION license._seat_recreate_trg() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'license_seat_recreate_trg';
COMMENT ON FUNCTION license._seat_recreate_trg() IS
'Trigger of the parent of a counted foreign key: forbids one statement to delete a row with seats in use and insert its key again. Created by license.attach_seat_limit(). Errors: 23503, 39P01.';

CREATE FUNCTION license.attach_seat_limit(child regclass, foreign_key name, used_column name,
    limit_column name, weight_column name DEFAULT NULL)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_attach_seat_limit';
COMMENT ON FUNCTION license.attach_seat_limit(regclass, name, name, name, name) IS
'Makes a foreign key of child a counted one: used_column of the parent counts the seats that its children take, never above limit_column (NULL value: no limit; NULL argument: only count). weight_column of the child is an integer or boolean (NULL: one seat a row). Counts existing rows first. The caller must own both tables and needs no level; if their owners differ, the owner of child needs UPDATE on used_column. Errors: LX001 existing rows exceed a limit, 0A000, 22004, 25001 not at READ COMMITTED, 42501, 42703, 42704, 42710, 42804, 42P01.';

CREATE FUNCTION license.detach_seat_limit(child regclass, foreign_key name)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_detach_seat_limit';
COMMENT ON FUNCTION license.detach_seat_limit(regclass, name) IS
'Removes the seat limit from a foreign key; the used column keeps its last values. If the foreign key was dropped, give its former name. The caller must own both tables and needs no level. Errors: 22004, 42501, 42704, 42P01.';

CREATE FUNCTION license.check_seats(OUT child regclass, OUT parent regclass, OUT parent_key text,
    OUT counted bigint, OUT recorded bigint, OUT seat_limit bigint, OUT problem text)
RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_check_seats';
COMMENT ON FUNCTION license.check_seats() IS
'Lists parents whose recorded count differs from the seats that their children take, and broken seat limits with the cure in problem; no rows: all is well. Covers tables that the caller owns, all tables at level provider or operator everywhere. Raises nothing of its own.';

CREATE FUNCTION license.recount_seats(child regclass DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'license_recount_seats';
COMMENT ON FUNCTION license.recount_seats(regclass) IS
'Counts again, for one child table or all, corrects the parents and returns how many were wrong; writers wait. Covers tables that the caller owns, all tables at level provider everywhere. Of several seat limits, a broken one is a WARNING. If the transaction has unchecked deferred constraints of a parent, SET CONSTRAINTS ALL IMMEDIATE first. Errors: 23514 a CHECK of the parent forbids the true count, 25001 not at READ COMMITTED, 42501 not the owner, 42704 no seat limit, 42P01.';

-- Devices take the seats of their apartment.
SELECT license.attach_seat_limit('license.device', 'device_apartment_fkey', 'seats_used', 'seat_limit', 'seats');
