-- Calendar arithmetic in an account's time zone

CREATE FUNCTION license._calendar_add(at timestamptz, term interval, zone text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN timezone(zone, timezone(zone, at) + term);
COMMENT ON FUNCTION license._calendar_add(timestamptz, interval, text) IS
'A moment plus a term, counted by the calendar and clock of a time zone: 29 February plus one year is 28 February (O22, O38). Errors: 22023 for an unknown zone.';
