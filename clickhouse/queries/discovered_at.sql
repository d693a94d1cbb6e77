-- When repositories came to be known, in seconds since 1970.
SELECT intDiv(toUnixTimestamp64Milli(discovered_at), 1000) AS seconds FROM repositories FINAL ORDER BY seconds
