-- Calendar arithmetic in an account's time zone

CREATE FUNCTION license._moment_add(at timestamptz, span interval) RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_moment_add';
COMMENT ON FUNCTION license._moment_add(timestamptz, interval) IS
'A moment plus a span in UTC; infinity or -infinity where a timestamp could not hold it. Raises nothing.';

CREATE FUNCTION license._calendar_subtract(at timestamptz, span interval, zone text) RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'license_calendar_subtract';
COMMENT ON FUNCTION license._calendar_subtract(timestamptz, interval, text) IS
'A moment less a span, counted by the calendar and clock of a time zone; infinity or -infinity where a timestamp could not hold it. Errors: 22023 for an unknown zone.';

CREATE FUNCTION license._calendar_add(at timestamptz, term interval, zone text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN timezone(zone, timezone(zone, at) + term);
COMMENT ON FUNCTION license._calendar_add(timestamptz, interval, text) IS
'A moment plus a term, counted by the calendar and clock of a time zone: 29 February plus one year is 28 February. Errors: 22023 for an unknown zone.';
